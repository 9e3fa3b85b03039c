"""Orders in instruments that no rule names any more still count for what they are worth."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderKind
from tests.execution.bench import Bench, limits
from tests.execution.doubles import V, decision, draft, stock

LOW = draft(kind=OrderKind.LIMIT, limit=Decimal(390), quantity=Decimal(10))
AT_MARKET = draft(quantity=Decimal(10))


async def sent(folder: Path, order: object, **most: float) -> tuple[Bench, str]:
    """An order in MA that left, after which its rule was taken out and the engine started anew."""
    bench = Bench(folder, limits(**most))
    bench.accepting(await bench.connect())
    key = bench.record(decision(order))
    await bench.desk.dispatch()
    return bench, key


async def forget(bench: Bench) -> None:
    """No rule names MA any more, in this process and the next."""
    bench.market.contracts["MA"] = bench.market.quotes["MA"] = None
    bench.restart()
    bench.accepting(await bench.connect())


async def state_of_next(bench: Bench, shares: int) -> IntentState:
    """What becomes of a purchase of so many V, at 200."""
    key = bench.record(decision(draft(instrument=V, quantity=Decimal(shares)), rule=f"buys {shares}"))
    await bench.desk.dispatch()
    await bench.later(31.0)
    return bench.state(key)


@pytest.mark.parametrize("name", ["max_open_value", "max_value_per_day", "max_value_per_rule_per_day"])
async def test_what_still_works_counts_at_its_own_price(tmp_path: Path, name: str) -> None:
    bench, _ = await sent(tmp_path, LOW, **{name: 5_000.0})
    await forget(bench)
    assert await state_of_next(bench, 5) is IntentState.WORKING
    if name != "max_value_per_rule_per_day":
        assert await state_of_next(bench, 6) is IntentState.BLOCKED
        assert f"{name} is 5000" in bench.texts()[-1]


async def test_what_filled_at_market_counts_at_what_it_filled_at(tmp_path: Path) -> None:
    bench, key = await sent(tmp_path, AT_MARKET, max_value_per_day=5_000.0)
    bench.desk.on_report(bench.ib.fill(key, "10", "400"))
    await forget(bench)
    assert await state_of_next(bench, 5) is IntentState.WORKING
    assert await state_of_next(bench, 1) is IntentState.BLOCKED


async def test_a_contract_counts_with_its_multiplier(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_value_per_day=200_000.0))
    link = bench.accepting(await bench.connect())
    link.traded = bench.market.traded  # type: ignore[method-assign]  # A future for this test.
    bench.market.contracts["MA"] = stock("MA", multiplier=Decimal(50))
    bench.record(decision(LOW))
    await bench.desk.dispatch()
    await forget(bench)
    assert await state_of_next(bench, 20) is IntentState.WORKING, "195,000 and 4,000"
    assert await state_of_next(bench, 6) is IntentState.BLOCKED


async def test_what_has_no_price_of_any_kind_holds_back_what_comes_next(tmp_path: Path) -> None:
    bench, _ = await sent(tmp_path, AT_MARKET, max_open_value=5_000.0)
    await forget(bench)
    assert await state_of_next(bench, 1) is IntentState.BLOCKED
    assert "the worth of an order is not known" in bench.texts()[-1]


async def test_what_is_known_now_goes_before_what_was_known_then(tmp_path: Path) -> None:
    bench, _ = await sent(tmp_path, LOW, max_open_value=5_000.0)
    bench.market.contracts["MA"] = replace(stock("MA"), multiplier=Decimal(2))
    assert await state_of_next(bench, 1) is IntentState.BLOCKED
