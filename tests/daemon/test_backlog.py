"""Prices that wait in the inbox were there before now: no timer matures past them."""

from pathlib import Path

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.broker.history import Past
from rules_engine.execution.ledger import open_ledger
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field
from rules_engine.model.plan import History
from rules_engine.model.reports import FeedUp
from rules_engine.model.tick import Tick
from tests.daemon.alone import Alone
from tests.daemon.house import House

START_S = 1_900_000_000.0
RULES = "version: 1\ntimezone: UTC\nrules:\n  - {name: lasts, when: V > 200 for 30s, do: notify desk}\n"
OTHER = "  - {name: other, when: V > 900, do: notify desk}\n"


@pytest.mark.parametrize("command", [None, "pause", "resume"])
@pytest.mark.parametrize(("ends_at_s", "fires"), [(20.0, 0), (35.0, 1)])
async def test_a_price_that_waits_ends_what_would_have_lasted_whatever_is_asked_meanwhile(
    tmp_path: Path, ends_at_s: float, fires: int, command: str | None
) -> None:
    clock = SteppedClock(START_S)
    alone = Alone(tmp_path, clock, known=("desk",))
    alone.write(RULES + OTHER)
    async with alone.running() as daemon:
        hear = daemon.inbox
        hear.report(FeedUp(START_S, "V"))
        hear.tick(Tick("V", START_S, Field.LAST, 199.0))
        hear.tick(Tick("V", START_S + 1, Field.LAST, 201.0))
        daemon._step()
        for number in range(60):
            hear.tick(Tick("V", START_S + 2 + number / 100, Field.LAST, 201.0))
        hear.tick(Tick("V", START_S + ends_at_s, Field.LAST, 199.0))
        clock.time_s = START_S + 40
        if command is not None:
            await daemon._control._commands[command]({"rule": "other"})
        daemon._step()
    with open_ledger(alone.state.journal) as ledger:
        assert len(ledger.fires(count_max=10)) == fires


async def test_a_history_fills_its_window_although_prices_wait_as_it_comes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules stand at what they heard, then: what is asked for must be the whole window of that moment."""
    history = Connection.history
    async with house.engine("  - {name: moves, when: V moves 5% in 5m, do: notify phone}\n") as engine:

        async def with_a_price_behind_it(connection: Connection, wanted: History, as_of_s: float) -> Past:
            past = await history(connection, wanted, as_of_s)
            engine.hear(Tick("MA", past.complete_from_s + wanted.duration_s, Field.LAST, 400.0))
            return past

        monkeypatch.setattr(Connection, "history", with_a_price_behind_it)
        await engine.until_state("moves", "armed")
