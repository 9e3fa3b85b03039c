"""Each limit holds at its edge, fails closed, and names itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.ports import Quote
from rules_engine.execution.risk import RiskGate
from rules_engine.execution.totals import PROFIT_TODAY
from rules_engine.model.action import Duration, Remaining, Side, TimeInForce
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind
from rules_engine.model.settings import Limits
from rules_engine.model.trigger_method import TriggerMethod
from tests.execution.doubles import MA, NOW_S, FakeMarket, V, draft, stock

NONE = Limits(price_collar=None, max_spread=None)
LIMIT = OrderKind.LIMIT


def check(
    *unit: OrderDraft, limits: Limits = NONE, market: FakeMarket | None = None, book: Book | None = None
) -> Refusal | None:
    return RiskGate(limits, market or FakeMarket(), SteppedClock(NOW_S)).check(unit, book or Book())


def reason(*unit: OrderDraft, **given: object) -> Reason | None:
    refused = check(*unit, **given)  # type: ignore[arg-type]  # Passed on by name.
    return refused.reason if refused else None


def sent(one: OrderDraft, age_s: float = 1.0, state: IntentState = IntentState.WORKING, rule: str = "other") -> Intent:
    return Intent(f"{rule}.1.0", rule, 1, 0, one, NOW_S - age_s, state, sent_s=NOW_S - age_s)


def limited(**values: object) -> Limits:
    return replace(NONE, **values)  # type: ignore[arg-type]  # By name.


def sell(quantity: int, **changes: object) -> OrderDraft:
    return draft(side=Side.SELL, quantity=Decimal(quantity), **changes)


def at_limit(price: str, **changes: object) -> OrderDraft:
    return draft(kind=LIMIT, limit=Decimal(price), **changes)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (limited(max_order_quantity=Decimal(99)), "max_order_quantity"),
        (limited(max_order_value=Decimal(40_000)), "max_order_value"),
        (limited(max_orders_per_day=0), "max_orders_per_day"),
        (limited(max_position_value=Decimal(40_000)), "max_position_value"),
        (limited(price_collar=Decimal("0.0001")), "price_collar"),
    ],
)
def test_a_broken_limit_is_named(limits: Limits, named: str) -> None:
    refused = check(draft(), limits=limits)
    assert refused is not None
    assert refused.reason is Reason.OVER_LIMIT
    assert named in refused.detail


def test_at_the_limit_is_within_it() -> None:
    at_ask = Decimal("40005")
    exact = Limits(Decimal(100), at_ask, 1, at_ask, Decimal("0.05"))
    assert check(draft(), limits=exact) is None


def test_value_applies_multiplier_and_exchange_rate_and_needs_the_rate() -> None:
    market = FakeMarket(
        contracts={"MA": stock("MA", multiplier=Decimal(50), currency="EUR")}, rates={"EUR": Decimal(2)}
    )
    one = at_limit("400", quantity=Decimal(1))
    assert check(one, limits=limited(max_order_value=Decimal(40_000)), market=market) is None
    assert reason(one, limits=limited(max_order_value=Decimal(39_999)), market=market) is Reason.OVER_LIMIT
    unrated = replace(market, rates={})
    assert reason(one, limits=limited(max_order_value=Decimal(10**9)), market=unrated) is Reason.NO_PRICE


def test_orders_of_the_day_count_every_leg() -> None:
    three = limited(max_orders_per_day=3)
    assert check(draft(), draft(instrument=V), limits=three, book=Book(today=[sent(draft())])) is None
    assert reason(draft(), draft(instrument=V), limits=three, book=Book(today=[sent(draft())] * 2)) is Reason.OVER_LIMIT
    assert check(limits=three, book=Book(today=[sent(draft())] * 9)) is None


def test_the_day_begins_at_midnight_in_new_york() -> None:
    clock = SteppedClock(1_899_979_200.0)  # 2030-03-17 12:00 UTC, 08:00 in New York.
    gate = RiskGate(NONE, FakeMarket(), clock)
    assert clock.now_s() - gate.day_start_s() == 8 * 3600


@given(st.lists(st.integers(0, 3 * 366 * 24 * 60 * 2), min_size=1, max_size=8))
def test_the_day_is_that_of_the_clock_whatever_was_asked_before(half_minutes: list[int]) -> None:
    new_york = ZoneInfo("America/New_York")
    clock = SteppedClock(NOW_S)
    gate = RiskGate(NONE, FakeMarket(), clock)
    for past in (each for moment in half_minutes for each in (moment, moment + 1, moment - 2880)):
        clock.time_s = NOW_S + 30 * past
        now = datetime.fromtimestamp(clock.now_s(), new_york)
        assert gate.day_start_s() == now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()


@pytest.mark.parametrize("state", [state for state in IntentState if state.may_be_at_broker] + [IntentState.INTENT])
def test_position_value_counts_what_may_still_fill(state: IntentState) -> None:
    market = FakeMarket(positions={"MA": Decimal(50)})
    limits = limited(max_position_value=Decimal(100_000))
    one = at_limit("400")
    assert check(one, limits=limits, market=market, book=Book([sent(one, state=state)])) is None
    both = [sent(one, state=state), sent(draft(quantity=Decimal(1)), state=state, rule="third")]
    assert reason(one, limits=limits, market=market, book=Book(both)) is Reason.OVER_LIMIT
    partly = [replace(both[0], filled=Decimal(60)), both[1]]
    assert check(one, limits=limits, market=market, book=Book(partly)) is None


def test_position_value_is_of_the_worse_side_and_lets_a_position_shrink() -> None:
    limits = limited(max_position_value=Decimal(40_000), allow_short=True)
    market = FakeMarket(positions={"MA": Decimal(500)})
    assert check(sell(600, kind=LIMIT, limit=Decimal(400)), limits=limits, market=market) is None
    assert reason(sell(601, kind=LIMIT, limit=Decimal(400)), limits=limits, market=market) is Reason.OVER_LIMIT
    assert reason(at_limit("400", quantity=Decimal(1)), limits=limits, market=market) is Reason.OVER_LIMIT


def test_unknown_position_fails_closed_where_it_matters() -> None:
    market = FakeMarket(positions={"MA": None})
    assert reason(draft(), limits=limited(max_position_value=Decimal(10**9)), market=market) is Reason.POSITION_UNKNOWN
    assert reason(sell(1), market=market) is Reason.POSITION_UNKNOWN
    assert reason(sell(1, closes=True), limits=limited(allow_short=True), market=market) is Reason.POSITION_UNKNOWN


def test_only_one_of_a_group_counts_and_children_undo_their_entry() -> None:
    limits = limited(max_position_value=Decimal(40_000))
    group = [at_limit("400", group="g", remaining=Remaining.CANCEL)] * 2
    assert check(*group, limits=limits) is None
    bracket = [at_limit("400"), sell(100, kind=LIMIT, limit=Decimal(480), parent=0)]
    assert check(*bracket, limits=replace(limits, price_collar=Decimal("0.05"))) is None


@pytest.mark.parametrize(
    ("price", "held_back"), [("420", False), ("420.01", True), ("380", False), ("379.99", True), ("4000", True)]
)
def test_the_collar_is_measured_from_the_middle_of_the_market(price: str, held_back: bool) -> None:
    found = reason(at_limit(price, quantity=Decimal(1)), limits=Limits())
    assert found is (Reason.OVER_LIMIT if held_back else None)


def test_the_collar_covers_stops_and_a_market_order_into_a_wide_spread() -> None:
    assert reason(draft(kind=OrderKind.STOP, stop=Decimal(500)), limits=Limits()) is Reason.OVER_LIMIT
    wide = FakeMarket(quotes={"MA": Quote(NOW_S, Decimal(300), Decimal(500), Decimal(400))})
    assert reason(draft(), limits=Limits(), market=wide) is Reason.OVER_LIMIT


@pytest.mark.parametrize(
    "quote",
    [None, Quote(NOW_S - 61, Decimal(399), Decimal(401), Decimal(400)), Quote(NOW_S), Quote(NOW_S, Decimal(399))],
)
@pytest.mark.parametrize(
    "limits", [Limits(), limited(max_order_value=Decimal(10**9)), limited(max_position_value=Decimal(10**9))]
)
def test_without_a_fresh_price_nothing_is_sent(quote: Quote | None, limits: Limits) -> None:
    assert reason(draft(), limits=limits, market=FakeMarket(quotes={"MA": quote})) is Reason.NO_PRICE


def test_without_any_limit_on_prices_no_price_is_needed() -> None:
    assert check(draft(), market=FakeMarket(quotes={"MA": None})) is None


def test_a_held_order_is_measured_from_its_own_trigger() -> None:
    trigger = HeldPrice(MA, True, Decimal(600), TriggerMethod.LAST)
    assert check(at_limit("601", conditions=(trigger,)), limits=Limits()) is None
    assert reason(at_limit("700", conditions=(trigger,)), limits=Limits()) is Reason.OVER_LIMIT


def test_a_short_sale_is_held_back_with_everything_that_may_still_sell() -> None:
    market = FakeMarket(positions={"MA": Decimal(100)})
    assert check(sell(100), market=market) is None
    assert reason(sell(101), market=market) is Reason.SHORT_SALE
    assert reason(sell(60), sell(60), market=market) is Reason.SHORT_SALE
    assert reason(sell(60), market=market, book=Book([sent(sell(50))])) is Reason.SHORT_SALE
    assert check(sell(101), market=market, limits=limited(allow_short=True)) is None


def test_selling_short_is_only_a_matter_of_stocks() -> None:
    market = FakeMarket(contracts={"MA": stock("MA", kind="future")})
    assert check(sell(1), market=market) is None


SESSIONS = ((NOW_S - 100, NOW_S + 100), (NOW_S + 1000, NOW_S + 2000))


@pytest.mark.parametrize(("offset_s", "is_open"), [(0, True), (100, False), (500, False), (1000, True), (9999, False)])
def test_outside_regular_hours_nothing_is_sent_from_here(offset_s: float, is_open: bool) -> None:
    market = FakeMarket(contracts={"MA": stock("MA", sessions=SESSIONS)})
    gate = RiskGate(NONE, market, SteppedClock(NOW_S + offset_s))
    found = gate.check((draft(),), Book())
    assert (found is None) is is_open
    assert found is None or found.reason is Reason.MARKET_CLOSED
    assert gate.check((draft(outside_hours=True),), Book()) is None


def test_hours_that_are_over_are_called_old_and_not_the_market_closed() -> None:
    market = FakeMarket(contracts={"MA": stock("MA", sessions=SESSIONS)})
    refused = RiskGate(NONE, market, SteppedClock(NOW_S + 2000)).check((draft(),), Book())
    assert refused is not None and refused.reason is Reason.MARKET_CLOSED
    assert "a new connection reads its hours anew" in refused.detail
    closed = RiskGate(NONE, market, SteppedClock(NOW_S + 500)).check((draft(),), Book())
    assert closed is not None and closed.detail.startswith("MA is closed now")


def test_a_held_order_may_be_placed_while_its_market_is_closed() -> None:
    market = FakeMarket(contracts={"MA": stock("MA", sessions=SESSIONS)})
    trigger = HeldPrice(V, True, Decimal(200), TriggerMethod.LAST)
    assert RiskGate(NONE, market, SteppedClock(NOW_S + 500)).check((draft(conditions=(trigger,)),), Book()) is None


@pytest.mark.parametrize(
    ("other", "held_back"),
    [
        (sent(draft()), True),
        (sent(draft(), age_s=59.9), True),
        (sent(draft(), age_s=60), False),
        (sent(draft(), age_s=-7200), False),  # The clock was set back since.
        (replace(sent(draft(), state=IntentState.FILLED), filled=Decimal(100)), True),
        (sent(draft(), state=IntentState.UNKNOWN), True),
        (sent(draft(), state=IntentState.REJECTED), False),
        (sent(draft(quantity=Decimal(99))), False),
        (sent(draft(side=Side.SELL)), False),
        (sent(draft(instrument=V)), False),
        (sent(at_limit("400")), False),
        (sent(draft(parent=0)), False),
        (sent(draft(conditions=(HeldPrice(V, True, Decimal(1), TriggerMethod.LAST),))), False),
    ],
)
def test_the_same_order_from_another_firing_within_a_minute_is_held_back(other: Intent, held_back: bool) -> None:
    assert reason(draft(), book=Book(recent=[other])) is (Reason.DUPLICATE if held_back else None)


def test_legs_of_one_firing_may_be_alike() -> None:
    assert check(draft(), draft()) is None


def test_a_closing_order_never_crosses_zero() -> None:
    market = FakeMarket(positions={"MA": Decimal(100)})
    assert check(sell(100, closes=True), market=market) is None
    stop: Sequence[Intent] = [sent(sell(40, kind=OrderKind.STOP, stop=Decimal(390), parent=0))]
    assert check(sell(60, closes=True), market=market, book=Book(stop)) is None
    refused = check(sell(61, closes=True), market=market, book=Book(stop))
    assert refused is not None and refused.reason is Reason.NOTHING_TO_CLOSE
    assert refused.detail.startswith("60 MA left to close; orders that may close it are open: sell 40 MA at stop 390")
    short = FakeMarket(positions={"MA": Decimal(-100)})
    assert reason(sell(1, closes=True), market=short, limits=limited(allow_short=True)) is Reason.NOTHING_TO_CLOSE


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
def test_a_quantity_that_is_no_positive_number_never_passes(quantity: str) -> None:
    assert reason(draft(quantity=Decimal(quantity))) is Reason.BAD_QUANTITY


def test_an_unconfirmed_contract_is_never_ordered() -> None:
    assert reason(draft(), market=FakeMarket(contracts={"MA": None})) is Reason.NO_PRICE


@pytest.mark.parametrize(("other", "held_back"), [("400", True), ("400.01", False)])
def test_orders_that_differ_only_in_price_are_not_the_same(other: str, held_back: bool) -> None:
    found = reason(at_limit("400"), book=Book(recent=[sent(at_limit(other))]))
    assert found is (Reason.DUPLICATE if held_back else None)


def test_orders_of_one_rule_a_day_are_counted_apart_from_those_of_others() -> None:
    gate = RiskGate(limited(max_orders_per_rule_per_day=2), FakeMarket(), SteppedClock(NOW_S))
    today = Book(today=[sent(draft(instrument=V), rule="r"), *[sent(draft(instrument=V), rule="other")] * 9])
    assert gate.check((draft(),), today, "r") is None
    refused = gate.check((draft(), draft(instrument=V)), today, "r")
    assert refused is not None and "max_orders_per_rule_per_day is 2, this would be order 3" in refused.detail


def test_the_worth_of_the_day_counts_everything_that_left_and_only_entries() -> None:
    limits = limited(max_value_per_day=Decimal(120_000), allow_short=True)
    one = at_limit("400")
    before = [sent(at_limit("400"), state=IntentState.FILLED), sent(at_limit("400"), state=IntentState.CANCELLED)]
    old = Book(today=before)
    assert check(one, limits=limits, book=old) is None
    assert reason(at_limit("400.01"), limits=limits, book=old) is Reason.OVER_LIMIT
    assert check(one, sell(100, kind=LIMIT, limit=Decimal(480), parent=0), limits=limits, book=old) is None
    closing = FakeMarket(positions={"MA": Decimal(100)})
    assert check(sell(100, closes=True), limits=limited(max_value_per_day=Decimal(1)), market=closing) is None


def test_the_worth_of_a_rule_s_day_counts_its_own_orders_only() -> None:
    gate = RiskGate(limited(max_value_per_rule_per_day=Decimal(80_000)), FakeMarket(), SteppedClock(NOW_S))
    today = Book(today=[sent(at_limit("400"), rule="r"), *[sent(at_limit("400"), rule="other")] * 9])
    assert gate.check((at_limit("400"),), today, "r") is None
    refused = gate.check((at_limit("400.01"),), today, "r")
    assert refused is not None and "max_value_per_rule_per_day is 80000, it would come to 80001" in refused.detail


def test_the_worth_of_open_orders_counts_what_may_still_fill_in_base_currency() -> None:
    limits = limited(max_open_value=Decimal(100_000))
    market = FakeMarket(contracts={"MA": stock("MA", currency="EUR")}, rates={"EUR": Decimal(2)})
    half = replace(sent(at_limit("400"), state=IntentState.PARTIAL), filled=Decimal(75))
    assert check(at_limit("400"), limits=limits, market=market, book=Book([half])) is None
    assert reason(at_limit("400.01"), limits=limits, market=market, book=Book([half])) is Reason.OVER_LIMIT
    assert reason(at_limit("400"), limits=limits, market=replace(market, rates={})) is Reason.NO_PRICE


@pytest.mark.parametrize(
    ("profit", "expected"),
    [
        (0.0, None),
        (-999.99, None),
        (-1000.0, Reason.OVER_LIMIT),
        (-5000.0, Reason.OVER_LIMIT),
        (None, Reason.UNKNOWN_DATA),
    ],
)
def test_after_a_loss_of_the_day_only_positions_are_closed(profit: float | None, expected: Reason | None) -> None:
    limits = limited(max_daily_loss=Decimal(1000))
    market = FakeMarket(positions={"MA": Decimal(100)}, values={str(PROFIT_TODAY): profit})
    assert reason(draft(), limits=limits, market=market) is expected
    assert check(sell(100, closes=True), limits=limits, market=market) is None


@pytest.mark.parametrize(("left_s", "expected"), [(60, None), (0, None), (-1, Reason.TOO_LATE), (-60, Reason.TOO_LATE)])
def test_an_order_whose_own_end_has_passed_is_not_sent(left_s: int, expected: Reason | None) -> None:
    until = TimeInForce(Duration.GOOD_TILL_DATE, NOW_S + left_s, "2030-03-17 13:46")
    assert reason(at_limit("400", time_in_force=until)) is expected
    bracket = [at_limit("400"), sell(100, kind=LIMIT, limit=Decimal(440), parent=0, time_in_force=until)]
    assert reason(*bracket) is expected
    refused = check(at_limit("400", time_in_force=until))
    assert refused is None or refused.detail == "MA good till 2030-03-17 13:46"
