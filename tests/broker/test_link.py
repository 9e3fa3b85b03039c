"""The link lives on while connections come and go."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from rules_engine.broker import link as link_module
from rules_engine.broker import vigil
from rules_engine.broker.feeds import RETRY_LOOKS, VERIFY_LOOKS, Feeds
from rules_engine.broker.hearing import Hearing
from rules_engine.broker.link import Link
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SteppedClock, SystemClock
from rules_engine.model.instrument import us_stock
from rules_engine.model.reports import FeedDown, FeedUp, LinkChange
from rules_engine.model.settings import GatewaySettings
from tests.broker.conftest import DEADLINE_S, MA, Heard, V

QUICK = (0.02,)


@asynccontextmanager
async def linked(port: int, heard: Heard, **options: object) -> AsyncIterator[Link]:
    """A link that runs, watching V and MA."""
    settings = GatewaySettings(port=port, client_id=5)
    link = Link(settings, heard.inbox, SystemClock(), pauses_s=QUICK, **options)
    await link.watch([V, MA])
    running = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert link.connection is None


def _states(heard: Heard) -> list[str]:
    return [change.state for change in heard.of(LinkChange)]


async def test_feeds_are_down_before_the_first_connection(gateway: Gateway, heard: Heard) -> None:
    async with linked(gateway.port, heard) as link:
        assert link.silent == {"V": 0, "MA": 0}
        await heard.until(lambda: len(heard.of(FeedUp)) == 2)
        assert link.silent == {}
        assert link.connection is not None
    assert [type(item) for item in heard.items[:2]] == [FeedDown, FeedDown]
    assert _states(heard) == ["up"]


async def test_gateway_that_restarts_is_connected_to_again_with_everything_streamed(heard: Heard) -> None:
    first = Gateway(Market(Catalogue()))
    await first.start()
    first.push("V", 199.0)
    async with linked(first.port, heard) as link:
        await heard.subscribed("V", "MA")
        await first.stop()
        await heard.until(lambda: _states(heard) == ["up", "down"])
        heard.items.clear()
        second = Gateway(Market(Catalogue()), port=first.port)
        await second.start()
        second.push("V", 205.0)
        await heard.until(lambda: _states(heard)[-1:] == ["up"] and heard.ticks("V") and heard.ticks("MA"))
        assert (heard.ticks("V")[0].value, heard.ticks("V")[0].snapshot) == (205.0, True)
        assert {report.instrument for report in heard.of(FeedUp)} == {"V", "MA"}
        assert link.connection is not None
        numbers = {name: one.contract.conId for name, one in link.connection.qualified.items()}
        assert all(report.contract_id == numbers[report.instrument] for report in heard.of(FeedUp))
        second.push("V", 206.0)
        await heard.until(lambda: heard.prices("V"))
        await second.stop()


async def test_same_trouble_is_told_once(heard: Heard, gateway: Gateway) -> None:
    gateway.refuse_client(5)
    attempts, tried_often = count(1), asyncio.Event()

    def floor() -> int:
        if next(attempts) > 3:
            tried_often.set()
        return 0

    async with linked(gateway.port, heard, order_id_floor=floor) as link, asyncio.timeout(DEADLINE_S):
        await tried_often.wait()
        heard.items += heard.inbox.take()
        assert _states(heard) == ["down"]
        assert "client id 5 is in use" in heard.of(LinkChange)[0].text
        assert link.connection is None
        gateway.refuse_client(5, refused=False)
        await heard.until(lambda: _states(heard) == ["down", "up"])


async def test_deaf_gateway_is_given_up(gateway: Gateway, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(vigil, "ASK_LOOKS", 2)
    async with linked(gateway.port, heard):
        await heard.subscribed("V", "MA")
        gateway.freeze()
        await heard.until(lambda: _states(heard) == ["up", "down"])
        assert "did not answer" in heard.of(LinkChange)[-1].text
        gateway.thaw()
        await heard.until(lambda: _states(heard)[-1] == "up")


async def test_instruments_may_change_while_the_link_is_up_or_down(gateway: Gateway, heard: Heard) -> None:
    async with linked(gateway.port, heard) as link:
        await heard.subscribed("V", "MA")
        await link.watch([V, MA, us_stock("AAPL"), us_stock("NOPE")])
        assert list(link.unqualified) == ["NOPE"]
        await heard.subscribed("AAPL")
        gateway.drop_connections()
        await heard.until(lambda: _states(heard)[-1] == "down")
        heard.items.clear()
        await link.watch([us_stock("AAPL")])
        await heard.subscribed("AAPL")
        assert heard.ticks("V") == []


async def test_order_ids_never_fall_below_the_floor_of_the_moment(gateway: Gateway, heard: Heard) -> None:
    floors: Iterator[int] = iter([100, 900])
    async with linked(gateway.port, heard, order_id_floor=lambda: next(floors)) as link:
        await heard.until(lambda: _states(heard) == ["up"])
        assert link.connection is not None
        assert 100 < link.connection.next_order_id(0) < 900
        gateway.drop_connections()
        await heard.until(lambda: _states(heard) == ["up", "down", "up"])
        assert link.connection.next_order_id(0) > 900


async def test_link_to_a_tws_that_has_lost_ib_is_not_called_up(
    gateway: Gateway, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_positions = Hearing.tell_positions

    def lose_ib_at_the_last_step(hearing: Hearing) -> None:
        tell_positions(hearing)
        hearing.said(-1, 1100, "lost while opening")

    monkeypatch.setattr(Hearing, "tell_positions", lose_ib_at_the_last_step)
    async with linked(gateway.port, heard) as link:
        await heard.until(lambda: link.connection)
        assert link.connection is not None
        gateway.send_code(1102)
        await link.connection.probe()
        heard.items += heard.inbox.take()
        assert _states(heard) == ["degraded", "up"]


async def test_silent_feed_is_asked_for_again(gateway: Gateway, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("rules_engine.broker.feeds.VERIFY_LOOKS", 2)
    async with linked(gateway.port, heard):
        await heard.subscribed("V", "MA")
        heard.items.clear()
        gateway.send_code(1100)
        gateway.send_code(1102)
        await heard.until(lambda: len(heard.of(FeedUp)) == 2)
        assert heard.silenced() == [("MA", 1100), ("V", 1100)]
        assert _states(heard) == ["degraded", "up"]


def test_feed_is_told_down_once_and_a_reason_outranks_none(heard: Heard) -> None:
    feeds = Feeds(heard.inbox, SteppedClock(100.0))
    feeds.down(["V"])
    feeds.down(["V"], 354, "not subscribed")
    feeds.down(["V"], 1100, "lost")
    feeds.ticked("V", 7)
    feeds.ticked("V", 7)
    told = [(type(item), item.code if isinstance(item, FeedDown) else 0) for item in heard.inbox.take()]
    assert told == [(FeedDown, 0), (FeedDown, 354), (FeedUp, 0)]


def test_silent_feeds_fall_due_once_a_period_and_sooner_when_ib_says_all_is_well(heard: Heard) -> None:
    feeds = Feeds(heard.inbox, SteppedClock(100.0))
    feeds.down(["V", "MA"], 1100, "lost")
    assert feeds.due() == ()
    feeds.verify_soon()
    assert [feeds.due() for _ in range(VERIFY_LOOKS)] == [()] * (VERIFY_LOOKS - 1) + [("V", "MA")]
    feeds.forget(["MA"])
    assert [feeds.due() for _ in range(RETRY_LOOKS)] == [()] * (RETRY_LOOKS - 1) + [("V",)]


def test_a_program_that_was_held_up_does_not_call_what_it_has_not_read_silent(heard: Heard) -> None:
    clock = SteppedClock(100.0)
    feeds = Feeds(heard.inbox, clock)
    feeds.down(["V"], 1100, "lost")
    feeds.verify_soon()
    clock.time_s += 3600
    assert feeds.due() == ()
