"""Sizes that IB takes: a fraction is never sent, and closing leaves it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.resolve import Resolved, resolve
from rules_engine.execution.risk import RiskGate
from rules_engine.execution.sizes import orderable
from rules_engine.model.action import AtLimit, ClosePosition, PlaceOrder, Quantity, Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.expression import Arithmetic, Number, Reading
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Field
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.settings import Limits
from tests.execution.bench import Bench
from tests.execution.doubles import MA, NOW_S, FakeMarket, decision, draft, stock

FREE = Limits(price_collar=None, max_spread=None)


def in_steps(step: str, least: str = "0", held: str = "0") -> FakeMarket:
    contract = stock("MA", size_step=Decimal(step), min_size=Decimal(least))
    return FakeMarket(contracts={"MA": contract}, positions={"MA": Decimal(held)})


def closed(market: FakeMarket, *working: Intent) -> Resolved | Refusal:
    return resolve((ClosePosition(MA),), market, working)


def refused(unit: tuple[OrderDraft, ...], market: FakeMarket) -> Refusal | None:
    return RiskGate(FREE, market, SteppedClock(NOW_S)).check(unit, Book())


SIZES = pytest.mark.parametrize(
    ("quantity", "step", "least", "goes", "takes"),
    [
        ("300.5", "1", "1", "300", "steps of 1"),
        ("300", "1", "1", "300", ""),
        ("0.5", "1", "1", "0", "steps of 1"),
        ("250", "100", "100", "200", "steps of 100"),
        ("300", "100", "100", "300", ""),
        ("0.12345", "0.0001", "0.0001", "0.1234", "steps of 0.0001"),
        ("40", "1", "50", "0", "steps of 1, 50 at least"),
        ("20", "0", "50", "0", "50 at least"),
        ("300.5", "0", "0", "300.5", ""),
        ("0.3", "0.1", "0.1", "0.3", ""),
        ("2.5", "0.5", "0", "2.5", ""),
    ],
)
"""A quantity, IB's step and least size (0: it told none), what of it goes, and what IB takes where that is less."""


@SIZES
def test_what_goes_is_the_largest_size_that_ib_takes(
    quantity: str, step: str, least: str, goes: str, takes: str
) -> None:
    contract = stock("MA", size_step=Decimal(step), min_size=Decimal(least))
    assert orderable(Decimal(quantity), contract) == Decimal(goes)


@pytest.mark.parametrize(("held", "side"), [("300.5", Side.SELL), ("-300.5", Side.BUY)])
def test_closing_leaves_the_fraction_and_says_so(held: str, side: Side) -> None:
    resolved = closed(in_steps("1", "1", held))
    assert isinstance(resolved, Resolved)
    [leg] = resolved.unit
    assert (leg.side, leg.quantity) == (side, Decimal(300))
    assert resolved.remarks == ("0.5 MA cannot be closed and stay: IB takes steps of 1.",)


def test_closing_what_is_whole_has_nothing_to_say() -> None:
    resolved = closed(in_steps("1", "1", "300"))
    assert isinstance(resolved, Resolved)
    assert (resolved.unit[0].quantity, resolved.remarks) == (Decimal(300), ())


def test_beside_an_order_that_closes_a_part_the_rest_is_rounded_down() -> None:
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390))
    working = Intent("a.1.0", "a", 1, 0, stop, NOW_S, IntentState.WORKING)
    resolved = closed(in_steps("1", "1", "300.5"), working)
    assert isinstance(resolved, Resolved)
    assert (resolved.unit[0].quantity, len(resolved.remarks)) == (Decimal(200), 1)


def test_a_fraction_alone_is_nothing_to_close() -> None:
    found = closed(in_steps("1", "1", "0.5"))
    assert found == Refusal(Reason.NOTHING_TO_CLOSE, "0.5 MA are left, IB takes steps of 1")


def test_closing_waits_for_the_contract() -> None:
    market = replace(in_steps("1", held="300"), contracts={"MA": None})
    found = closed(market)
    assert isinstance(found, Refusal) and found.reason is Reason.NO_PRICE


@SIZES
def test_any_other_order_of_a_size_that_ib_does_not_take_is_refused_before_it_is_sent(
    quantity: str, step: str, least: str, goes: str, takes: str
) -> None:
    refusal = Refusal(Reason.BAD_QUANTITY, f"this is for {quantity} MA, IB takes {takes}") if takes else None
    one = draft(quantity=Decimal(quantity))
    child = draft(side=Side.SELL, quantity=Decimal(quantity), kind=OrderKind.LIMIT, limit=Decimal(500), parent=0)
    assert refused((one,), in_steps(step, least)) == refusal
    assert refused((draft(quantity=Decimal(100)), child), in_steps(step, least)) == refusal


def test_a_share_of_money_is_refused_where_it_comes_to_a_fraction() -> None:
    ask = Reading(MA, Field.ASK)
    quantity = Quantity(Arithmetic("/", Number(1000), ask))
    market = replace(in_steps("1", "1"), values={str(quantity.amount): 2.4987})
    resolved = resolve((PlaceOrder(Side.BUY, quantity, MA, AtLimit(ask)),), market, ())
    assert isinstance(resolved, Resolved)
    found = refused(resolved.unit, market)
    assert found is not None and found.reason is Reason.BAD_QUANTITY


def test_a_share_of_equity_is_rounded_down_to_the_contract_s_lots() -> None:
    market = replace(in_steps("100", "100"), values={"account.equity": 100_000.0})
    part = PlaceOrder(Side.BUY, Quantity(Number(0.99), of_equity=True), MA, AtLimit(Number(400)))
    resolved = resolve((part,), market, ())
    assert isinstance(resolved, Resolved)
    assert resolved.unit[0].quantity == Decimal(200)


async def test_an_odd_size_that_was_committed_is_told_and_never_on_the_wire(bench: Bench) -> None:
    bench.market.contracts["MA"] = stock("MA", size_step=Decimal(1), min_size=Decimal(1))
    await bench.connect()
    key = bench.record(decision(draft(quantity=Decimal("2.5"))))
    await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert bench.state(key) is IntentState.BLOCKED
    assert "this is for 2.5 MA, IB takes steps of 1" in "\n".join(bench.texts())
