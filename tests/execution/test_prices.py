"""Orders against the prices of the moment: what cannot be seen, or measured, never passes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Book
from rules_engine.execution.ports import Quote
from rules_engine.model.action import Side
from rules_engine.model.firing import Reason
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind
from rules_engine.model.settings import Limits
from rules_engine.model.trigger_method import TriggerMethod
from tests.execution.doubles import MA, NOW_S, FakeMarket, V, draft, stock
from tests.execution.test_risk import check, limited, sent

MARKET = Limits(price_collar=None)


def quoted(low: str, high: str, age_s: float = 0.0, **changes: object) -> FakeMarket:
    quote = Quote(NOW_S - age_s, Decimal(low), Decimal(high), Decimal(400))
    return FakeMarket(quotes={"MA": replace(quote, **changes)})  # type: ignore[arg-type]  # Fields by name.


@pytest.mark.parametrize(
    ("market", "expected"),
    [
        (quoted("398", "402"), None),
        (quoted("398", "402.1"), Reason.OVER_LIMIT),
        (quoted("402.1", "398"), Reason.OVER_LIMIT),
        (quoted("0", "402"), Reason.OVER_LIMIT),
        (quoted("-2", "1"), Reason.OVER_LIMIT),
        (quoted("0", "0"), Reason.OVER_LIMIT),
        (quoted("400", "401", age_s=5.0), None),
        (quoted("400", "401", age_s=5.1), Reason.NO_PRICE),
        (quoted("400", "401", age_s=-5.0), None),
        (quoted("400", "401", age_s=-5.1), Reason.NO_PRICE),
        (quoted("400", "401", bid=None), Reason.NO_PRICE),
        (quoted("400", "401", ask=None), Reason.NO_PRICE),
        (quoted("NaN", "401"), Reason.NO_PRICE),
        (quoted("400", "Infinity"), Reason.NO_PRICE),
        (quoted("400", "401", age_s=float("nan")), Reason.NO_PRICE),
        (FakeMarket(quotes={"MA": None}), Reason.NO_PRICE),
        (quoted("400", "401", halted=True), Reason.TRADING_HALTED),
    ],
)
def test_a_market_order_needs_a_narrow_market_of_this_moment(market: FakeMarket, expected: Reason | None) -> None:
    found = check(draft(), limits=MARKET, market=market)
    assert (found and found.reason) is expected


@pytest.mark.parametrize("bid", ["300", "NaN"])
def test_an_order_with_a_price_may_leave_into_a_wide_market(bid: str) -> None:
    assert check(draft(kind=OrderKind.LIMIT, limit=Decimal(400)), limits=MARKET, market=quoted(bid, "402")) is None


def test_what_a_market_order_needs_is_a_matter_of_settings() -> None:
    limits = replace(MARKET, max_spread=Decimal("0.1"), max_price_age_s=30.0)
    assert check(draft(), limits=limits, market=quoted("390", "410", age_s=29.0)) is None


@pytest.mark.parametrize("limits", [Limits(), limited(max_order_value=1000000), limited(max_position_value=1000000)])
@pytest.mark.parametrize(
    "market",
    [
        quoted("NaN", "NaN", last=Decimal("NaN")),
        quoted("Infinity", "-Infinity", last=None),
        quoted("400", "401", age_s=61.0),
        quoted("400", "401", age_s=-3600.0),
        FakeMarket(quotes={"MA": None}),
        FakeMarket(contracts={"MA": None}),
        FakeMarket(contracts={"MA": stock("MA", multiplier=Decimal("NaN"))}),
    ],
)
def test_what_cannot_be_checked_counts_as_exceeded(limits: Limits, market: FakeMarket) -> None:
    limit_order = draft(kind=OrderKind.LIMIT, limit=Decimal(400))
    for order in (draft(), limit_order):
        found = check(order, limits=limits, market=market)
        assert found is not None and found.reason is Reason.NO_PRICE


@pytest.mark.parametrize("rate", [None, Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_without_a_usable_exchange_rate_nothing_is_sent(rate: Decimal | None) -> None:
    market = FakeMarket(contracts={"MA": stock("MA", currency="CHF")}, rates={"CHF": rate})
    for name in ("max_order_value", "max_position_value", "max_open_value", "max_value_per_day"):
        found = check(draft(), limits=limited(**{name: 10**9}), market=market)
        assert found is not None and found.reason is Reason.NO_PRICE


@pytest.mark.parametrize(
    ("kind", "multiplier", "currency", "price", "quantity", "worth"),
    [
        ("option", 100, "USD", "2.5", 10, "2500"),
        ("future", 50, "USD", "5000", 2, "500000"),
        ("stock", 1, "CHF", "80", 100, "8800"),
        ("future", 25, "CHF", "8000", 1, "220000"),
    ],
)
@pytest.mark.parametrize(
    "name",
    ["max_order_value", "max_position_value", "max_open_value", "max_value_per_day", "max_value_per_rule_per_day"],
)
def test_worth_is_price_times_multiplier_times_exchange_rate(
    name: str, kind: str, multiplier: int, currency: str, price: str, quantity: int, worth: str
) -> None:
    contract = stock("MA", kind=kind, multiplier=Decimal(multiplier), currency=currency)
    quote = Quote(NOW_S, Decimal(price), Decimal(price), Decimal(price))
    rates: dict[str, Decimal | None] = {"USD": Decimal(1), "CHF": Decimal("1.1")}
    market = FakeMarket(contracts={"MA": contract}, quotes={"MA": quote}, rates=rates)
    order = draft(quantity=Decimal(quantity), kind=OrderKind.LIMIT, limit=Decimal(price))
    assert check(order, limits=limited(**{name: Decimal(worth)}), market=market) is None
    found = check(order, limits=limited(**{name: Decimal(worth) - 1}), market=market)
    assert found is not None and found.detail.startswith(name)


LOW = Decimal(1)
WORTH = Decimal(40_005)
"""A hundred at the ask of 400.05; the bid is 399.95."""


@pytest.mark.parametrize(
    "order",
    [
        draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=LOW),
        draft(side=Side.SELL, kind=OrderKind.STOP_LIMIT, stop=LOW, limit=LOW),
        draft(side=Side.SELL, kind=OrderKind.STOP, stop=LOW),
        draft(kind=OrderKind.STOP, stop=LOW),
    ],
)
@pytest.mark.parametrize(
    "name",
    ["max_order_value", "max_position_value", "max_open_value", "max_value_per_day", "max_value_per_rule_per_day"],
)
def test_a_price_that_does_not_bound_what_is_paid_makes_no_order_cheap(name: str, order: OrderDraft) -> None:
    free = limited(allow_short=True, **{name: WORTH})
    assert check(order, limits=free) is None
    found = check(order, limits=replace(free, **{name: Decimal(39_000)}))
    assert found is not None and found.reason is Reason.OVER_LIMIT and found.detail.startswith(name)


@pytest.mark.parametrize(
    ("order", "worth"),
    [
        (draft(kind=OrderKind.LIMIT, limit=Decimal(300)), 30_000),
        (draft(kind=OrderKind.STOP_LIMIT, stop=Decimal(300), limit=Decimal(310)), 31_000),
        (draft(kind=OrderKind.STOP, stop=Decimal(500)), 50_000),
        (draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(500)), 50_000),
    ],
)
def test_an_order_is_worth_the_most_that_it_may_come_to(order: OrderDraft, worth: int) -> None:
    for name in ("max_order_value", "max_value_per_day"):
        assert check(order, limits=limited(allow_short=True, **{name: Decimal(worth)})) is None
        assert check(order, limits=limited(allow_short=True, **{name: Decimal(worth - 1)})) is not None


def test_a_held_sale_is_worth_what_its_trigger_says() -> None:
    trigger = HeldPrice(MA, True, Decimal(600), TriggerMethod.LAST)
    sale = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=LOW, conditions=(trigger,))
    assert check(sale, limits=limited(allow_short=True, max_order_value=Decimal(60_000))) is None
    assert check(sale, limits=limited(allow_short=True, max_order_value=Decimal(59_999))) is not None


def test_what_was_sent_counts_at_its_own_price_once_its_market_is_not_read_any_more() -> None:
    market = FakeMarket(quotes={"V": None})
    sale = draft(instrument=V, side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(200))
    for name in ("max_value_per_day", "max_open_value"):
        limits = limited(allow_short=True, **{name: Decimal(50_000)})
        book = Book(open=[sent(sale)], today=[sent(sale)])
        one = draft(quantity=Decimal(70), kind=OrderKind.LIMIT, limit=Decimal(400))
        assert check(one, limits=limits, market=market, book=book) is None
        more = check(replace(one, quantity=Decimal(80)), limits=limits, market=market, book=book)
        assert more is not None and more.reason is Reason.OVER_LIMIT
        unknown = check(sale, limits=limits, market=market)
        assert unknown is not None and unknown.reason is Reason.NO_PRICE
