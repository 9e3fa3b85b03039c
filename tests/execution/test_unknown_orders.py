"""Orders of unknown fate: until IB shows them, or their user says what became of them."""

from decimal import Decimal
from pathlib import Path

from rules_engine.model.intent import IntentState
from tests.execution.bench import Bench, limits
from tests.execution.doubles import decision, draft

State = IntentState


async def test_an_unknown_order_is_adopted_as_soon_as_ib_shows_it(bench: Bench) -> None:
    link = await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.state(key) is State.UNKNOWN
    bench.ib.accept(link.ib.wire[0])
    await bench.later(60)
    assert bench.state(key) is State.WORKING
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert bench.state(key) is State.FILLED


async def test_the_user_settles_an_unknown_order_and_late_evidence_still_counts(bench: Bench) -> None:
    await bench.connect()
    key = bench.record()
    assert not bench.desk.resolve(key, placed=False)
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.desk.resolve(key, placed=False)
    assert bench.state(key) is State.ABANDONED
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.ABANDONED, True)]
    bench.ib.accept(bench.ib.wire[0])
    await bench.later(61)
    assert bench.state(key) is State.WORKING


async def test_an_unknown_order_that_the_user_saw_stays_open_and_reserved_until_ib_completes_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_position_value=45_000.0))
    await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.desk.resolve(key, placed=True)
    assert not bench.desk.resolve(key, placed=True)
    told = len(bench.told("desk"))
    bench.restart()
    await bench.connect()
    for _ in range(5):
        await bench.later(901)
    assert bench.state(key) is State.ADOPTED, "absence proves nothing any more"
    assert len(bench.told("desk")) == told, "and nobody is asked again"
    second = bench.record(decision(draft(quantity=Decimal(50))))
    await bench.desk.dispatch()
    assert "max_position_value" in bench.intent(second).reason
    bench.ib.accept(bench.ib.wire[0])
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert bench.state(key) is State.FILLED
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.BLOCKED, False), (State.FILLED, True)]


async def test_what_the_user_saw_may_later_be_called_over(bench: Bench) -> None:
    await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.desk.resolve(key, placed=True)
    assert bench.desk.resolve(key, placed=False)
    assert bench.state(key) is State.ABANDONED
    assert bench.journal.ledger.fates()["refused"] == 1
