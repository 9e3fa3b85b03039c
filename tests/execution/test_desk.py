"""Intents to orders: what leaves, when, and what does not."""

from dataclasses import replace
from pathlib import Path

from rules_engine.model.intent import IntentState
from rules_engine.model.settings import Mode
from tests.execution.bench import SETTINGS, Bench


async def test_a_committed_intent_leaves_once_with_its_key_as_reference(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    await bench.desk.dispatch()
    assert [(placed.key, placed.account, placed.transmit) for placed in bench.ib.wire] == [(key, "DU1", True)]
    assert bench.state(key) is IntentState.WORKING
    assert bench.intent(key).perm_id == 9001


async def test_a_fill_is_told_once_with_its_price(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    fill = bench.ib.fill(key, "100", "401.25")
    for _ in range(3):
        bench.desk.on_report(fill)
    bench.desk.on_report(bench.ib.completed[key])
    assert bench.state(key) is IntentState.FILLED
    assert bench.texts() == ["r: bought 100 MA at 401.25"]


async def test_dry_sends_nothing_ever(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, mode=Mode.DRY))
    key = bench.record()
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert bench.state(key) is IntentState.DRY
    bench.settings = SETTINGS
    bench.restart()
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert bench.state(key) is IntentState.DRY
