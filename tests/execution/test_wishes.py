"""What is cancelled only to make room for a close: not for nothing, where the close never leaves."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules_engine.model.action import CancelOrders, Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.errors import LinkDown
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.settings import Mode, NightlyRestart
from tests.execution.bench import SETTINGS, Bench
from tests.execution.doubles import MA, FakeLink, Killed, V, decision, draft

State = IntentState
STOP = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380))
CLOSE = draft(side=Side.SELL, closes=True)
IN_MA = CancelOrders(instrument=MA)


async def held(bench: Bench) -> tuple[FakeLink, str]:
    """A connection, a position, and the stop that protects it."""
    bench.market.positions["MA"] = Decimal(100)
    link = bench.accepting(await bench.connect())
    stop = bench.record(decision(STOP, rule="a"))
    await bench.desk.dispatch()
    return link, stop


def closing(bench: Bench, *cancels: CancelOrders, within_s: float = 60, rule: str = "c") -> str:
    asked = decision(CLOSE, rule=rule, expires_s=bench.clock.now_s() + within_s)
    return bench.record(replace(asked, cancels=cancels or (IN_MA,)))


async def reconnected(bench: Bench) -> FakeLink:
    link = bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    return link


async def too_late(bench: Bench) -> None:
    bench.clock.time_s += 61


async def its_rule_stops(bench: Bench) -> None:
    bench.journal.want_unsent_cancelled(bench.journal.intents.open_of("c"))


async def its_rule_is_barred(bench: Bench) -> None:
    bench.journal.intents.unwanted["c"] = {1}


async def its_rule_is_halted(bench: Bench) -> None:
    bench.desk._halts.double("c", "key", ("1", "2"), alive=True)


async def nothing_more_is_to_be_sent(bench: Bench) -> None:
    bench.stopped = True
    bench.desk.stop_trading(keep_orders=True)


ENDS = [too_late, its_rule_stops, its_rule_is_barred, its_rule_is_halted, nothing_more_is_to_be_sent]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("ends", ENDS)
async def test_a_stop_stays_where_the_close_that_it_was_to_make_room_for_never_leaves(
    bench: Bench, ends: Callable[[Bench], object], restarts: bool
) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    close = closing(bench)
    assert bench.intent(stop).cancel_wanted
    if restarts:
        bench.restart()
    await ends(bench)
    await reconnected(bench)
    assert bench.state(close) in (State.EXPIRED, State.CANCELLED, State.BLOCKED)
    assert (bench.state(stop), bench.intent(stop).cancel_wanted) == (State.WORKING, False)
    assert any("Stays at IB: sell 100 MA at stop 380 day of a" in text for text in bench.texts())
    for _ in range(2):
        await bench.later(30)
        await reconnected(bench)
    assert bench.ib.cancels == []


@pytest.mark.parametrize("ends", ENDS)
async def test_it_stays_too_where_its_cancellation_could_have_left_at_once(
    bench: Bench, ends: Callable[[Bench], Awaitable[None]]
) -> None:
    _, stop = await held(bench)
    close = closing(bench)
    await ends(bench)
    for _ in range(2):
        await bench.desk.dispatch()
    assert bench.state(close) in (State.EXPIRED, State.CANCELLED, State.BLOCKED)
    assert (bench.state(stop), bench.intent(stop).cancel_wanted) == (State.WORKING, False)
    assert bench.ib.cancels == []


async def test_the_alarm_says_that_the_stop_stays(bench: Bench) -> None:
    await held(bench)
    bench.desk.detach()
    closing(bench)
    await bench.later(61)
    assert bench.told() == [NoticeKind.ALARM]
    assert bench.texts() == [
        "c: not sent: sell 100 MA at market day. Its time to be sent ran out: IB is not connected. The position stays"
        " open: see in TWS whether it still has a stop. Stays at IB: sell 100 MA at stop 380 day of a"
    ]


async def test_a_close_that_leaves_in_time_has_its_stop_cancelled_first(bench: Bench) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    close = closing(bench)
    bench.clock.time_s += 30
    link = bench.accepting(await bench.connect())
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(stop))
    await bench.desk.dispatch()
    await bench.desk.dispatch()
    assert (bench.state(stop), bench.state(close)) == (State.CANCELLED, State.WORKING)
    assert bench.journal.own_among("cancel for") == {}


async def test_a_cancellation_that_has_left_stays_wanted_and_is_told(bench: Bench) -> None:
    _, stop = await held(bench)
    close = closing(bench)
    await bench.desk.dispatch()
    assert len(bench.ib.cancels) == 1
    bench.desk.detach()
    await bench.later(61)
    assert (bench.state(close), bench.intent(stop).cancel_wanted) == (State.EXPIRED, True)
    assert bench.texts()[-1].endswith("Is being cancelled all the same: sell 100 MA at stop 380 day of a")
    await reconnected(bench)
    assert len(bench.ib.cancels) == 2


@pytest.mark.parametrize("leave", [0, 1])
async def test_a_stop_stays_where_the_link_was_gone_as_its_cancellation_was_about_to_leave(
    bench: Bench, leave: int
) -> None:
    link, first = await held(bench)
    bench.market.positions["MA"] = Decimal(200)
    second = bench.record(decision(replace(STOP, stop=Decimal(390)), rule="b"))
    await bench.desk.dispatch()

    def cancel(order_id: int) -> None:
        if len(bench.ib.cancels) == leave:
            raise LinkDown("gone")
        bench.ib.cancels.append(order_id)

    link.cancel = cancel  # type: ignore[method-assign]  # Some cancellations are on the wire, and then it is gone.
    close = closing(bench)
    await bench.desk.dispatch()
    bench.desk.detach()
    await bench.later(61)
    assert bench.state(close) is State.EXPIRED
    assert [bench.intent(key).cancel_wanted for key in (first, second)] == [leave == 1, False]
    words = ["Stays at IB: sell 100 MA at stop 390 day of b", "Is being cancelled all the same"]
    assert [text in bench.texts()[-1] for text in words] == [leave == 1, leave == 1]
    await reconnected(bench)
    assert bench.ib.cancels == [bench.intent(first).order_id] * (2 * leave)


@pytest.mark.parametrize(("position", "kind"), [(100, NoticeKind.ALARM), (0, NoticeKind.HELD_BACK)])
async def test_it_is_an_alarm_that_a_stop_goes_whose_close_was_held_back(
    bench: Bench, position: int, kind: NoticeKind
) -> None:
    _, stop = await held(bench)
    close = closing(bench, within_s=900)
    await bench.desk.dispatch()
    bench.market.positions["MA"] = Decimal(position)
    for _ in range(3):
        await bench.later(10)
    assert (bench.state(close), bench.intent(stop).cancel_wanted) == (State.BLOCKED, True)
    told = [(told, text) for told, text in zip(bench.told(), bench.texts(), strict=True) if "not sent" in text]
    assert [told for told, _ in told] == [kind]
    assert told[0][1].endswith("Is being cancelled all the same: sell 100 MA at stop 380 day of a")
    assert ("The position stays open" in told[0][1]) == (position > 0)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    "other", ["its user", "a rule that only cancels", "the kill switch", "another order of its own"]
)
async def test_what_somebody_else_wants_cancelled_too_goes_all_the_same(bench: Bench, other: str, first: bool) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    if not first:
        closing(bench)
    match other:
        case "its user":
            bench.desk.cancel_ours(instrument=MA)
        case "a rule that only cancels":
            bench.journal.record([replace(decision(rule="d"), unit=(), cancels=(CancelOrders(rule="a"),))], {})
        case "the kill switch":
            bench.desk.stop_trading()
        case _:
            bench.journal.want_leg_cancelled(bench.intent(stop))
    if first:
        closing(bench)
    bench.clock.time_s += 61
    await reconnected(bench)
    assert bench.ib.cancels == [bench.intent(stop).order_id]
    assert bench.journal.own_among("cancel for") == {}


async def test_the_stop_stays_only_when_no_other_close_needs_its_place(bench: Bench) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    closing(bench)
    bench.clock.time_s += 30
    closing(bench, within_s=70, rule="d")
    await bench.later(31)
    assert bench.intent(stop).cancel_wanted
    await bench.later(40)
    assert not bench.intent(stop).cancel_wanted


async def test_what_does_not_protect_the_position_is_cancelled_all_the_same(bench: Bench) -> None:
    await held(bench)
    bench.market.positions["V"] = Decimal(100)
    other = bench.record(decision(replace(STOP, instrument=V, stop=Decimal(195)), rule="v"))
    entry = bench.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390), quantity=Decimal(7)), rule="e"))
    await bench.desk.dispatch()
    bench.desk.detach()
    assert [bench.state(key) for key in (other, entry)] == [State.WORKING] * 2
    closing(bench, IN_MA, CancelOrders(instrument=V))
    bench.clock.time_s += 61
    await reconnected(bench)
    assert sorted(bench.ib.cancels) == [bench.intent(key).order_id for key in (other, entry)]


async def test_an_entry_that_has_filled_in_part_keeps_its_stop_and_goes_on(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    entry = bench.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390)), replace(STOP, parent=0), rule="b"))
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(entry, "40", "390"))
    bench.market.positions["MA"] = Decimal(40)
    bench.desk.detach()
    closing(bench)
    bench.clock.time_s += 61
    await reconnected(bench)
    assert bench.ib.cancels == []
    assert not any(leg.cancel_wanted for leg in bench.journal.intents.unit("b", 1))


async def test_a_stop_that_goes_with_its_entry_is_not_said_to_stay(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    entry = bench.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390)), replace(STOP, parent=0), rule="b"))
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(entry, "40", "390"))
    bench.market.positions["MA"] = Decimal(40)
    closing(bench)
    await bench.desk.dispatch()
    assert bench.ib.cancels == [bench.intent(entry).order_id]
    bench.desk.detach()
    await bench.later(61)
    [told] = [text for text in bench.texts() if text.startswith("c: not sent")]
    assert told.endswith(
        "Is being cancelled all the same: buy 100 MA at limit 390 day of b; sell 100 MA at stop 380 day of b"
    )
    assert "Stays at IB" not in told


async def test_an_entry_without_a_fill_goes_with_its_exits(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    entry = bench.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390)), replace(STOP, parent=0), rule="b"))
    await bench.desk.dispatch()
    bench.desk.detach()
    closing(bench)
    bench.clock.time_s += 61
    await reconnected(bench)
    assert bench.ib.cancels == [bench.intent(entry).order_id]


async def test_near_the_gateway_s_restart_a_stop_stays_until_the_close_may_leave_too(tmp_path: Path) -> None:
    settings = replace(SETTINGS, restart=NightlyRestart(timezone="Europe/Berlin"))
    bench = Bench(tmp_path, settings)
    bench.clock.time_s = datetime(2030, 11, 22, 23, 40, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    link, stop = await held(bench)
    bench.clock.time_s += 180
    close = closing(bench, within_s=600)
    await bench.desk.step()
    await bench.later(60)
    assert (bench.ib.cancels, bench.intent(stop).cancel_wanted) == ([], True)
    assert bench.told() == [NoticeKind.ORDERS_WAIT]
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(stop))
    await bench.later(240)
    await bench.desk.step()
    assert (bench.state(stop), bench.state(close)) == (State.CANCELLED, State.WORKING)


async def test_a_close_of_what_is_not_held_any_more_takes_no_stop_back(bench: Bench) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    close = closing(bench)
    bench.market.positions["MA"] = Decimal(0)
    link = bench.accepting(await bench.connect())
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(stop))
    await bench.desk.dispatch()
    await bench.desk.dispatch()
    assert (bench.state(stop), bench.state(close)) == (State.CANCELLED, State.BLOCKED)
    assert Reason.NOTHING_TO_CLOSE in bench.texts()[-1]


async def test_a_kill_as_the_close_ends_takes_nothing_back_by_halves(bench: Bench) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    close = closing(bench)
    keep = bench.journal.keep

    def die(intent: object) -> None:
        raise Killed

    bench.journal.keep = die  # type: ignore[method-assign]  # The process dies in the middle of the transaction.
    with pytest.raises(Killed):
        await bench.later(61)
    bench.journal.keep = keep  # type: ignore[method-assign]  # As before.
    bench.restart()
    assert (bench.state(close), bench.intent(stop).cancel_wanted) == (State.INTENT, True)
    await reconnected(bench)
    assert (bench.state(close), bench.intent(stop).cancel_wanted) == (State.EXPIRED, False)
    assert bench.ib.cancels == []


async def out_of_sight(bench: Bench, stop: str) -> None:
    """IB's complete lists do not show it."""
    bench.ib.orders.pop(stop)
    await bench.desk.reconcile()
    await bench.later(16)
    assert bench.state(stop) is State.UNKNOWN


async def under_another_client_id(bench: Bench, stop: str) -> None:
    bench.ib.orders[stop] = replace(bench.ib.orders[stop], client_id=18)
    await bench.desk.reconcile()


@pytest.mark.parametrize("lost", [out_of_sight, under_another_client_id])
@pytest.mark.parametrize("position", [100, 0])
async def test_a_stop_that_cannot_be_cancelled_now_stays_wanted_only_when_nothing_is_held_any_more(
    bench: Bench, lost: Callable[[Bench, str], Awaitable[None]], position: int
) -> None:
    _, stop = await held(bench)
    shown = bench.ib.orders[stop]
    await lost(bench, stop)
    bench.market.positions["MA"] = Decimal(position)
    close = closing(bench)
    await bench.desk.dispatch()
    assert bench.state(close) is State.BLOCKED
    assert Reason.NOTHING_TO_CLOSE in bench.texts()[-1]
    assert ("Stays at IB: sell 100 MA at stop 380 day of a" in bench.texts()[-1]) == (position > 0)
    bench.ib.orders[stop] = shown
    await bench.desk.reconcile()
    await bench.desk.dispatch()
    assert bench.ib.cancels == ([] if position else [bench.intent(stop).order_id])


async def test_of_a_close_of_two_positions_the_stop_of_the_one_that_is_left_stays(bench: Bench) -> None:
    _, stop = await held(bench)
    bench.market.positions["V"] = Decimal(50)
    other = bench.record(decision(replace(STOP, instrument=V, quantity=Decimal(50), stop=Decimal(190)), rule="v"))
    await bench.desk.dispatch()
    for key in (stop, other):
        await under_another_client_id(bench, key)
    bench.market.positions["MA"] = Decimal(0)
    both = decision(CLOSE, replace(CLOSE, instrument=V, quantity=Decimal(50)), rule="c")
    close = bench.record(replace(both, cancels=(IN_MA, CancelOrders(instrument=V))))
    await bench.desk.dispatch()
    assert bench.state(close) is State.BLOCKED
    assert (bench.intent(stop).cancel_wanted, bench.intent(other).cancel_wanted) == (True, False)


async def test_that_a_stop_stays_is_told_also_where_the_first_orders_of_the_firing_are_a_group(bench: Bench) -> None:
    await held(bench)
    bench.desk.detach()
    low = draft(instrument=V, kind=OrderKind.LIMIT, limit=Decimal(190), group="g0")
    bench.record(replace(decision(low, replace(low, limit=Decimal(195)), CLOSE, rule="c"), cancels=(IN_MA,)))
    await its_rule_stops(bench)
    await reconnected(bench)
    assert bench.told() == [NoticeKind.CANCELLED]
    assert bench.texts()[0].endswith("Stays at IB: sell 100 MA at stop 380 day of a")


async def test_wishes_are_of_one_mode_and_wait_while_another_runs(bench: Bench) -> None:
    _, stop = await held(bench)
    bench.desk.detach()
    closing(bench)
    bench.journal.enter(Mode.DRY, "")
    assert bench.journal.wishes.firings == []
    bench.journal.enter(Mode.PAPER, "DU1")
    bench.clock.time_s += 61
    await reconnected(bench)
    assert (bench.intent(stop).cancel_wanted, bench.ib.cancels) == (False, [])


async def test_wishes_stay_with_an_account_that_gets_a_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, account=""))
    _, stop = await held(bench)
    bench.desk.detach()
    closing(bench)
    bench.settings = SETTINGS
    bench.restart()
    bench.clock.time_s += 61
    await reconnected(bench)
    assert (bench.intent(stop).cancel_wanted, bench.ib.cancels) == (False, [])


def ticking(clock: SteppedClock) -> float:
    """Each look at it takes a millisecond."""
    clock.time_s += 0.001
    return clock.time_s


@pytest.mark.parametrize("looks", range(1, 12))
async def test_an_order_waits_for_a_cancellation_also_where_the_gateway_s_restart_begins_as_it_is_about_to_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, restart=NightlyRestart(timezone="Europe/Berlin")))
    begins_s = datetime(2030, 11, 22, 23, 42, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    bench.clock.time_s = begins_s - 60
    link = bench.accepting(await bench.connect())
    low = draft(kind=OrderKind.LIMIT, limit=Decimal(390))
    before = bench.record(decision(low, rule="a"))
    await bench.desk.dispatch()
    after = bench.record(decision(replace(low, quantity=Decimal(7)), rule="b"))

    async def probe(deadline_s: float = 1.0) -> None:
        bench.desk.cancel_ours(rule="a")
        bench.clock.time_s = begins_s - looks / 1000
        monkeypatch.setattr(SteppedClock, "now_s", ticking)

    link.probe = probe  # type: ignore[method-assign]  # Its user cancels the other one while IB is being asked.
    await bench.desk.dispatch()
    assert (bench.intent(before).cancel_wanted, bench.state(after)) == (True, State.INTENT)
