"""Whether the settings name an account or leave it to be the login's only one, it is the same account."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.journal import Journal
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.clock import SteppedClock
from rules_engine.model.intent import IntentState
from rules_engine.model.life import Known, Life
from rules_engine.model.order import OrderKind
from rules_engine.model.settings import Mode
from tests.execution.bench import SETTINGS, Bench
from tests.execution.doubles import NOW_S, decision, draft

State = IntentState
STOP = draft(
    side=Side.SELL,
    kind=OrderKind.STOP,
    stop=Decimal(390),
    time_in_force=TimeInForce(Duration.GOOD_TILL_CANCELLED),
)


async def renamed(folder: Path, before: str, after: str) -> tuple[Bench, str]:
    """100 MA held with a stop under them; then other settings, and a new start."""
    bench = Bench(folder, replace(SETTINGS, account=before))
    bench.accepting(await bench.connect())
    bench.market.positions["MA"] = Decimal(100)
    key = bench.record(decision(STOP))
    await bench.desk.dispatch()
    assert bench.state(key) is State.WORKING
    bench.settings = replace(SETTINGS, account=after)
    bench.restart()
    bench.accepting(await bench.connect())
    return bench, key


@pytest.mark.parametrize(("before", "after"), [("", "DU1"), ("DU1", ""), ("DU1", "DU1")])
async def test_orders_of_before_count_and_go_with_the_kill_switch(tmp_path: Path, before: str, after: str) -> None:
    bench, key = await renamed(tmp_path, before, after)
    sale = bench.record(decision(draft(side=Side.SELL, quantity=Decimal(50)), rule="sells"))
    await bench.desk.dispatch()
    assert bench.state(sale) is State.BLOCKED, "the stop may sell what is held"
    assert [intent.key for intent in bench.desk.stop_trading()] == [key]
    await bench.desk.dispatch()
    assert bench.ib.cancels == [bench.intent(key).order_id]


async def test_another_account_is_another_one(tmp_path: Path) -> None:
    bench, _ = await renamed(tmp_path, "DU1", "DU2")
    assert bench.desk.stop_trading() == []


def opened(path: Path, account: str, mode: Mode = Mode.PAPER) -> Journal:
    return Journal(path, SteppedClock(NOW_S), mode=mode, account=account)


@pytest.mark.parametrize(("before", "after"), [("", "DU1"), ("DU1", "")])
def test_what_rules_remember_stays_with_the_account_and_its_mode(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "journal.db"
    journal = opened(path, before)
    journal.save_lives({"r": Life(done=True)})
    journal.put_known(Known(NOW_S))
    journal.put(journal.own("edition"), "{}")
    journal.close()
    for mode, knows in ((Mode.DRY, False), (Mode.PAPER, True)):
        journal = opened(path, after, mode)
        assert ("r" in journal.lives(), journal.known.at_s == NOW_S, journal.get(journal.own("edition")) == "{}") == (
            (knows,) * 3
        )
        journal.close()


def test_what_the_named_account_remembers_goes_before_what_was_left_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for account, count in (("DU1", 2), ("", 1)):
        journal = opened(path, "DU2")  # Two names: nobody knows which of them the unnamed one was.
        journal.save_lives({"r": Life(fired_today=9)})
        journal.close()
        journal = opened(path, account)
        journal.save_lives({"r": Life(fired_today=count)})
        journal.close()
    journal = opened(path, "DU1")
    assert journal.lives()["r"].fired_today == 2
    journal.close()
