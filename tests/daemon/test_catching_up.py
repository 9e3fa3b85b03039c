"""What IB does not tell: history, asked for again and never taken for what a gap has left of it, and contracts."""

from itertools import count
from pathlib import Path

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.broker.contracts import Unqualified
from rules_engine.broker.history import Past
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import RuleState
from rules_engine.model.instrument import us_stock
from rules_engine.model.plan import History
from rules_engine.model.slices import at_once
from tests.daemon.alone import Alone
from tests.daemon.house import House

MOVES = "  - {name: moves, when: V moves 5% in 5m, do: notify phone}\n"
OF_BARS = '  - {name: bars, when: "V > sma(V[1m], 5)", do: notify phone}\n'
_history = Connection.history


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules_engine.broker.history.DEADLINE_S", 0.2)
    monkeypatch.setattr("rules_engine.daemon.catching_up.PAUSES_S", (0.1, 0.2))
    monkeypatch.setattr("rules_engine.daemon.catching_up.LOOK_EVERY_S", 0.05)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("name", ["moves", "bars"])
async def test_a_history_that_ib_does_not_answer_is_asked_for_again(house: House, name: str) -> None:
    for request in ("ReqHistoricalTicks", "ReqHistoricalData"):
        house.gateway.ignore(request, 2)
    async with house.engine(MOVES, OF_BARS) as engine:
        await engine.until_state(name, "armed")


@pytest.mark.usefixtures("soon")
async def test_one_history_without_an_answer_keeps_no_other_back(house: House) -> None:
    house.gateway.ignore("ReqHistoricalData")
    async with house.engine(OF_BARS, MOVES) as engine:
        await engine.until_state("moves", "armed")
        await engine.until_state("bars", "warming")


@pytest.mark.usefixtures("soon")
async def test_a_history_that_ib_refuses_is_asked_for_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without anything in it may be of history servers that are away, or of too many requests."""
    asked = count(1)

    async def at_the_third_time(connection: Connection, wanted: History, as_of_s: float) -> Past:
        return await _history(connection, wanted, as_of_s) if next(asked) >= 3 else Past(as_of_s, is_told=False)

    monkeypatch.setattr(Connection, "history", at_the_third_time)
    async with house.engine(MOVES) as engine:
        await engine.until_state("moves", "armed")


async def test_a_history_during_which_the_feed_went_and_came_back_fills_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[object] = []
    async with house.engine(MOVES) as engine:

        async def with_a_gap(connection: Connection, wanted: History, as_of_s: float) -> Past:
            states.append((await engine.entry("moves"))["state"])
            past = await _history(connection, wanted, as_of_s)
            if len(states) == 1:
                house.gateway.break_farm("usfarm")
                await house.until(lambda: "V" in engine.silent, "the gap")
                house.gateway.restore_farm("usfarm")
                house.quote("V", 197.4)
                await house.until(lambda: "V" not in engine.silent and engine.has_heard_all, "its end")
            return past

        monkeypatch.setattr(Connection, "history", with_a_gap)
        await engine.until_state("moves", "armed")
    assert states == ["warming", "warming"]


async def test_what_ib_does_not_know_is_told_before_its_history_servers_are_asked(house: House) -> None:
    async with house.engine(MOVES) as engine:
        await engine.until_state("moves", "armed")
        house.gateway.ignore("ReqHistoricalData")
        house.write(MOVES, OF_BARS, "  - {name: nowhere, when: NOWHERE > 1, do: buy 1 MA}\n")
        await engine.ask("reload")
        await house.until(lambda: house.told("nowhere", "NOWHERE"), "the message")
        assert (await engine.entry("bars"))["state"] == "warming"


async def test_rules_on_a_contract_that_ib_does_not_know_are_broken_at_once_and_told_some_at_a_time(
    tmp_path: Path,
) -> None:
    rules = [f"r{number}" for number in range(50)]
    alone = Alone(tmp_path, SteppedClock(1_900_000_000.0), channels={"desk": "json://x"})
    alone.write(
        "version: 1\ntimezone: UTC\nrules:\n"
        + "".join(f"  - {{name: {name}, when: V > 200, do: buy 1 MA, run: here, notify: desk}}\n" for name in rules)
    )
    daemon = alone.daemon()
    await daemon._in_force.resume()
    unknown = {"V": Unqualified(us_stock("V"), "IB knows no stock V on SMART in USD")}

    def told() -> list[str]:
        return [one.rule for one in daemon._journal.outbox.waiting("desk", 100)]

    daemon._catching_up._break_unqualified(unknown)
    assert {one.state for one in daemon._evaluator.status(daemon.clock.now_s())} == {RuleState.BROKEN}
    assert told() == []
    assert [len(told()) for _ in daemon._catching_up._telling_broken()] == [20, 40, 50]
    assert told() == rules
    daemon._catching_up._break_unqualified(unknown)
    at_once(daemon._catching_up._telling_broken())
    assert told() == rules
    daemon.close()
