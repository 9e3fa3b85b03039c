"""Limits on what a position may become do not keep it from being closed."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.ports import Quote
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.settings import Limits
from tests.execution.bench import Bench, limits
from tests.execution.doubles import MA, NOW_S, FakeMarket, decision, draft

NONE = Limits(price_collar=None, max_spread=None)
OUT = draft(side=Side.SELL, quantity=Decimal(300), closes=True)
SALE = replace(OUT, closes=False)
NARROW = Quote(NOW_S, Decimal("399.95"), Decimal("400.05"))
WIDE = Quote(NOW_S, Decimal(396), Decimal(401))


def check(leg: OrderDraft, limits: Limits, held: int = 300, quote: Quote = NARROW) -> Refusal | None:
    market = FakeMarket(positions={"MA": Decimal(held)}, quotes={"MA": quote})
    return RiskGate(limits, market, SteppedClock(NOW_S)).check((leg,), Book())


@pytest.mark.parametrize(
    "limits",
    [
        replace(NONE, max_order_value=Decimal(50_000)),
        replace(NONE, max_order_quantity=Decimal(200)),
        replace(NONE, max_position_value=Decimal(50_000)),
        replace(NONE, max_value_per_day=Decimal(50_000), max_open_value=Decimal(50_000)),
    ],
)
@pytest.mark.parametrize(("held", "side"), [(300, Side.SELL), (-300, Side.BUY)])
def test_a_position_is_closed_however_large_it_has_become(limits: Limits, held: int, side: Side) -> None:
    assert check(replace(OUT, side=side), replace(limits, allow_short=True), held) is None


@pytest.mark.parametrize("limits", [{"max_order_value": Decimal(50_000)}, {"max_order_quantity": Decimal(200)}])
def test_an_order_that_only_happens_to_reduce_is_held_to_its_limits(limits: dict[str, Decimal]) -> None:
    found = check(SALE, replace(NONE, **limits))  # type: ignore[arg-type]  # By name.
    assert found is not None and found.reason is Reason.OVER_LIMIT


def test_nothing_passes_for_closing_that_is_larger_than_the_position() -> None:
    found = check(OUT, replace(NONE, max_order_quantity=Decimal(200)), held=299)
    assert found is not None and found.reason is Reason.NOTHING_TO_CLOSE


def test_closing_still_needs_a_price_within_the_collar() -> None:
    market = FakeMarket(positions={"MA": Decimal(300)}, quotes={"MA": None})
    gate = RiskGate(replace(NONE, price_collar=Decimal("0.05")), market, SteppedClock(NOW_S))
    found = gate.check((OUT,), Book())
    assert found is not None and found.reason is Reason.NO_PRICE


def test_in_a_wide_market_an_exit_may_wait_and_an_entry_is_refused() -> None:
    spread = replace(NONE, max_spread=Decimal("0.01"))
    for leg, reason in ((OUT, Reason.TOO_WIDE), (SALE, Reason.OVER_LIMIT), (draft(), Reason.OVER_LIMIT)):
        found = check(leg, spread, quote=WIDE)
        assert found == Refusal(reason, "max_spread is 1%, that of MA is 1.3%")


@pytest.fixture
def wide(tmp_path: Path) -> Bench:
    """300 are held in a market that is too wide to close them."""
    bench = Bench(tmp_path, limits(max_spread=0.01))
    bench.market.positions["MA"] = Decimal(300)
    bench.market.quotes["MA"] = WIDE
    return bench


async def test_an_exit_leaves_once_the_market_is_narrow_again(wide: Bench) -> None:
    wide.accepting(await wide.connect())
    key = wide.record(decision(OUT))
    await wide.desk.dispatch()
    await wide.later(20)
    assert (wide.state(key), wide.ib.wire) == (IntentState.INTENT, [])
    wide.market.quotes["MA"] = replace(NARROW, time_s=wide.clock.now_s())
    await wide.desk.dispatch()
    assert wide.state(key) is IntentState.WORKING
    assert [placed.draft.instrument for placed in wide.ib.wire] == [MA]


async def test_an_exit_waits_no_longer_than_for_a_price_and_holds_up_nothing(wide: Bench) -> None:
    wide.accepting(await wide.connect())
    out = wide.record(decision(OUT, rule="out"))
    other = wide.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390)), rule="other"))
    await wide.desk.dispatch()
    assert (wide.state(out), wide.state(other)) == (IntentState.INTENT, IntentState.WORKING)
    wide.market.quotes["MA"] = replace(WIDE, time_s=NOW_S + 31)
    await wide.later(31)
    assert wide.state(out) is IntentState.BLOCKED
    assert f"{Reason.TOO_WIDE} (max_spread is 1%, that of MA is 1.3%)" in "\n".join(wide.texts())
    assert len(wide.ib.wire) == 1
