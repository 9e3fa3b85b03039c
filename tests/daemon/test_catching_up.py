"""History that IB does not tell at once: asked for again, and never taken for what a gap has left of it."""

from itertools import count

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.broker.history import Past
from rules_engine.model.plan import History
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
