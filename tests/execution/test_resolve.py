"""Expressions to exact legs: quantities, price steps, brackets, groups, closing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Refusal
from rules_engine.execution.ports import Quote
from rules_engine.execution.resolve import Ending, Resolved, resolve
from rules_engine.model.action import (
    Action,
    AtLimit,
    AtMarket,
    AtMidpoint,
    AtStop,
    Bracket,
    CancelOrders,
    ClosePosition,
    Duration,
    Notify,
    OneCancelsAll,
    PlaceOrder,
    Quantity,
    Remaining,
    Side,
    TimeInForce,
    Trailing,
)
from rules_engine.model.direction import Amount
from rules_engine.model.expression import Arithmetic, Call, Number, Reading
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Field
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from tests.execution.doubles import DAY, GTC, MA, NOW_S, FakeMarket, V, draft, stock

BUY, SELL = Side.BUY, Side.SELL


def order(side: Side = BUY, quantity: float = 100, **changes: object) -> PlaceOrder:
    return replace(PlaceOrder(side, Quantity(Number(quantity)), MA), **changes)  # type: ignore[arg-type]  # By name.


def legs(
    *actions: Action, market: FakeMarket | None = None, working: tuple[Intent, ...] = ()
) -> tuple[OrderDraft, ...]:
    resolved = resolve(actions, market or FakeMarket(), working)
    assert isinstance(resolved, Resolved), resolved
    return resolved.unit


def reason(*actions: Action, market: FakeMarket | None = None, working: tuple[Intent, ...] = ()) -> Reason:
    refused = resolve(actions, market or FakeMarket(), working)
    assert isinstance(refused, Refusal), refused
    assert refused.detail
    return refused.reason


def working(side: Side, quantity: int, rule: str = "r", seq: int = 1, leg: int = 0, **changes: object) -> Intent:
    one = draft(side=side, quantity=Decimal(quantity), **changes)
    return Intent(f"{rule}.{seq}.{leg}", rule, seq, leg, one, NOW_S, IntentState.WORKING)


def test_a_plain_order_is_at_market_for_the_day() -> None:
    assert legs(order()) == (OrderDraft(MA, BUY, Decimal(100), OrderKind.MARKET, DAY),)


@pytest.mark.parametrize(
    ("side", "written", "limit"),
    [(BUY, 401.239, "401.23"), (SELL, 401.231, "401.24"), (BUY, 401.23, "401.23"), (SELL, 0.1 + 0.2, "0.30")],
)
def test_a_limit_is_rounded_away_from_harm(side: Side, written: float, limit: str) -> None:
    [leg] = legs(order(side, pricing=AtLimit(Number(written))))
    assert (leg.kind, leg.limit) == (OrderKind.LIMIT, Decimal(limit))


@pytest.mark.parametrize(("side", "written", "stop"), [(BUY, 410.231, "410.25"), (SELL, 390.239, "390.00")])
def test_a_stop_never_triggers_before_the_price_written(side: Side, written: float, stop: str) -> None:
    market = FakeMarket(contracts={"MA": stock("MA", min_tick=Decimal("0.25"))})
    [leg] = legs(order(side, pricing=AtStop(Number(written))), market=market)
    assert (leg.kind, leg.stop, leg.limit) == (OrderKind.STOP, Decimal(stop), None)


def test_a_stop_limit_rounds_each_price_its_own_way() -> None:
    [leg] = legs(order(pricing=AtStop(Number(410.001), Number(410.509))))
    assert (leg.kind, leg.stop, leg.limit) == (OrderKind.STOP_LIMIT, Decimal("410.01"), Decimal("410.50"))


def test_other_ways_to_price() -> None:
    assert legs(order(pricing=AtMidpoint()))[0].kind is OrderKind.MIDPRICE
    [percent] = legs(order(pricing=Trailing(Amount(0.02, True))))
    assert (percent.kind, percent.trail_percent, percent.trail_amount) == (OrderKind.TRAILING, Decimal(2), None)
    [points] = legs(order(pricing=Trailing(Amount(3.001, False))))
    assert (points.trail_percent, points.trail_amount) == (None, Decimal("3.01"))


def test_expressions_read_the_market_at_the_moment_of_firing() -> None:
    ask = Reading(MA, Field.ASK)
    quantity = Quantity(Call("floor", (Arithmetic("/", Number(10000), ask),)))
    market = FakeMarket(values={str(quantity.amount): 24.0})
    [leg] = legs(replace(order(), quantity=quantity, pricing=AtLimit(ask)), market=market)
    assert (leg.quantity, leg.limit) == (Decimal(24), Decimal("400.05"))


@pytest.mark.parametrize(
    ("pricing", "shares"), [(AtMarket(), 12), (AtLimit(Number(500)), 10), (AtStop(Number(410), Number(250)), 20)]
)
def test_a_share_of_equity_buys_whole_shares_at_the_order_s_price(pricing: AtMarket | AtLimit, shares: int) -> None:
    market = FakeMarket(values={"account.equity": 100_000.0})
    part = replace(order(), quantity=Quantity(Number(0.05, percent=True), of_equity=True), pricing=pricing)
    assert legs(part, market=market)[0].quantity == shares


def test_a_share_of_equity_applies_multiplier_and_exchange_rate() -> None:
    market = FakeMarket(
        values={"account.equity": 1_000_000.0},
        contracts={"MA": stock("MA", multiplier=Decimal(50), currency="EUR")},
        rates={"EUR": Decimal("1.25")},
    )
    part = replace(order(), quantity=Quantity(Number(0.1), of_equity=True), pricing=AtLimit(Number(400)))
    assert legs(part, market=market)[0].quantity == 4
    assert reason(part, market=replace(market, rates={})) is Reason.NO_PRICE
    assert reason(part, market=replace(market, values={})) is Reason.UNKNOWN_DATA


@pytest.mark.parametrize("quantity", [0, -5, 0.0])
def test_a_quantity_that_is_not_positive_holds_back(quantity: float) -> None:
    assert reason(order(quantity=quantity)) is Reason.BAD_QUANTITY


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_an_unknown_value_holds_back(value: float | None) -> None:
    last = Reading(V, Field.LAST)
    market = FakeMarket(values={str(last): value})
    assert reason(order(pricing=AtLimit(last)), market=market) is Reason.UNKNOWN_DATA
    assert reason(replace(order(), quantity=Quantity(last)), market=market) is Reason.UNKNOWN_DATA


@pytest.mark.parametrize("price", [0, -3, 0.001])
def test_a_price_that_is_not_positive_on_its_step_holds_back(price: float) -> None:
    assert reason(order(pricing=AtLimit(Number(price)))) is Reason.BAD_PRICE


def test_a_share_too_small_for_one_holds_back() -> None:
    market = FakeMarket(values={"account.equity": 100.0})
    assert (
        reason(replace(order(), quantity=Quantity(Number(0.5), of_equity=True)), market=market) is Reason.BAD_QUANTITY
    )


def test_expires_wins_over_good_till_cancelled_only() -> None:
    ending = Ending(NOW_S + 9, "2030-12-18 16:00")
    until = TimeInForce(Duration.GOOD_TILL_DATE, NOW_S + 9, "2030-12-18 16:00")
    fill_or_kill = TimeInForce(Duration.FILL_OR_KILL)
    for written, meant in [(GTC, until), (None, DAY), (DAY, DAY), (fill_or_kill, fill_or_kill)]:
        resolved = resolve((order(time_in_force=written),), FakeMarket(), (), ending)
        assert isinstance(resolved, Resolved)
        assert resolved.unit[0].time_in_force == meant


def test_a_bracket_measures_from_the_limit_of_its_entry() -> None:
    entry = order(quantity=300, pricing=AtLimit(Number(400)), outside_hours=True)
    parent, profit, stop = legs(Bracket(entry, Amount(0.02, True), Amount(-0.015, True)))
    assert (parent.kind, parent.limit, parent.parent) == (OrderKind.LIMIT, Decimal(400), None)
    assert (profit.side, profit.kind, profit.limit, profit.parent) == (SELL, OrderKind.LIMIT, Decimal(408), 0)
    assert (stop.side, stop.kind, stop.stop, stop.limit) == (SELL, OrderKind.STOP, Decimal(394), None)
    assert [leg.time_in_force for leg in (parent, profit, stop)] == [DAY, GTC, GTC]
    assert [leg.quantity for leg in (parent, profit, stop)] == [300, 300, 300]


def test_a_bracket_at_market_measures_from_the_side_it_takes_and_mirrors_for_a_sell() -> None:
    bought = legs(Bracket(order(), Amount(0.1, True), Amount(-10, False)))
    assert (bought[1].limit, bought[2].stop) == (Decimal("440.06"), Decimal("390.05"))
    sold = legs(Bracket(order(SELL), Amount(0.1, True), Amount(-10, False)))
    assert (sold[1].limit, sold[2].stop) == (Decimal("359.95"), Decimal("409.95"))
    assert {leg.side for leg in sold[1:]} == {BUY}


def test_the_children_of_a_later_bracket_point_at_their_own_entry() -> None:
    unit = legs(order(), Bracket(order(), None, Amount(-0.01, True)), Bracket(order(), Number(450), None))
    assert [leg.parent for leg in unit] == [None, None, 1, None, 3]


@pytest.mark.parametrize(
    ("side", "profit", "stop"),
    [
        (BUY, Amount(-0.02, True), None),
        (BUY, None, Amount(0.01, True)),
        (SELL, Amount(-0.02, True), None),
        (SELL, None, Amount(1, False)),
        (BUY, Number(399), None),
        (BUY, None, Number(401)),
        (BUY, Amount(0.000001, True), Amount(-0.000001, True)),
    ],
)
def test_a_child_on_the_wrong_side_holds_the_whole_back(
    side: Side, profit: Amount | Number | None, stop: Amount | Number | None
) -> None:
    entry = order(side, pricing=AtLimit(Number(400)))
    refused = resolve((order(instrument=V), Bracket(entry, profit, stop)), FakeMarket(), ())
    if profit == Amount(0.000001, True):
        assert isinstance(refused, Resolved), "rounded away from the entry it is a step apart"
    else:
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.WRONG_SIDE


def test_a_bracket_at_market_without_a_quote_holds_back() -> None:
    market = FakeMarket(quotes={"MA": Quote(NOW_S, bid=Decimal(399))})
    assert reason(Bracket(order(), Amount(0.1, True), None), market=market) is Reason.NO_PRICE
    assert legs(Bracket(order(SELL), Amount(0.1, True), None), market=market)


def test_one_cancels_all_is_one_group_and_each_group_its_own() -> None:
    pair = (order(pricing=AtStop(Number(410))), order(SELL, pricing=AtStop(Number(390))))
    unit = legs(OneCancelsAll(pair), OneCancelsAll(pair, Remaining.REDUCE))
    assert [leg.remaining for leg in unit] == [Remaining.CANCEL] * 2 + [Remaining.REDUCE] * 2
    groups = [leg.group for leg in unit]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert all(groups)


@pytest.mark.parametrize(("position", "side"), [(70, SELL), (-30, BUY)])
def test_close_flattens_a_position_either_way(position: int, side: Side) -> None:
    [leg] = legs(ClosePosition(MA), market=FakeMarket(positions={"MA": Decimal(position)}))
    assert (leg.side, leg.quantity, leg.kind, leg.closes) == (side, Decimal(abs(position)), OrderKind.MARKET, True)


def test_close_leaves_out_what_is_being_closed_already() -> None:
    market = FakeMarket(positions={"MA": Decimal(100)})
    [leg] = legs(ClosePosition(MA), market=market, working=(working(SELL, 30), working(BUY, 500, seq=2)))
    assert leg.quantity == 70
    assert reason(ClosePosition(MA), market=market, working=(working(SELL, 100),)) is Reason.NOTHING_TO_CLOSE


def test_close_counts_a_bracket_s_children_once() -> None:
    market = FakeMarket(positions={"MA": Decimal(100)})
    children = (working(SELL, 60, leg=1, parent=0), working(SELL, 60, leg=2, parent=0))
    assert legs(ClosePosition(MA), market=market, working=children)[0].quantity == 40


def test_close_after_cancelling_in_the_same_firing_takes_the_whole() -> None:
    market = FakeMarket(positions={"MA": Decimal(100)})
    resting = (working(SELL, 100, rule="a"),)
    assert legs(CancelOrders(instrument=MA), ClosePosition(MA), market=market, working=resting)[0].quantity == 100
    assert legs(CancelOrders(rule="a"), ClosePosition(MA), market=market, working=resting)[0].quantity == 100
    assert reason(CancelOrders(rule="b"), ClosePosition(MA), market=market, working=resting) is Reason.NOTHING_TO_CLOSE


def test_a_close_that_other_orders_leave_nothing_to_names_them_and_what_to_write_instead() -> None:
    market = FakeMarket(positions={"MA": Decimal(100)})
    children = (
        working(SELL, 300, rule="br", leg=1, parent=0, kind=OrderKind.LIMIT, limit=Decimal(408)),
        working(SELL, 300, rule="br", leg=2, parent=0, kind=OrderKind.STOP, stop=Decimal(394)),
    )
    refused = resolve([ClosePosition(MA)], market, (working(BUY, 300, rule="br"), *children))
    assert isinstance(refused, Refusal)
    assert refused.detail == (
        "nothing of 100 MA is left; orders that may close it are open: sell 300 MA at limit 408 day (br); sell 300 MA"
        " at stop 394 day (br). To close it now: [cancel orders in MA, close MA]"
    )
    many = resolve([ClosePosition(MA)], market, tuple(working(SELL, 100, seq=seq) for seq in range(5)))
    assert isinstance(many, Refusal) and "; 2 more. To close it now" in many.detail


def test_a_close_against_orders_under_another_name_says_to_cancel_in_the_contract() -> None:
    visa = replace(V, name="VISA")
    market = FakeMarket(positions={"V": Decimal(100)}, contracts={"VISA": stock("V")})
    refused = resolve([ClosePosition(V)], market, (working(SELL, 60, instrument=visa), working(SELL, 40, instrument=V)))
    assert isinstance(refused, Refusal)
    assert refused.detail.endswith("[cancel orders in V, close V]")


def test_what_an_entry_has_not_filled_yet_counts_at_its_children_since_a_fill_may_be_told_after_the_position() -> None:
    market = FakeMarket(positions={"MA": Decimal(500)})
    bracket = (working(BUY, 300), working(SELL, 300, leg=1, parent=0, kind=OrderKind.STOP, stop=Decimal(394)))
    assert legs(ClosePosition(MA), market=market, working=bracket)[0].quantity == 200


def test_close_of_nothing_or_of_the_unknown_holds_back() -> None:
    assert reason(ClosePosition(MA)) is Reason.NOTHING_TO_CLOSE
    assert reason(ClosePosition(MA), market=FakeMarket(positions={"MA": None})) is Reason.POSITION_UNKNOWN


def test_an_unconfirmed_contract_holds_back_a_priced_order() -> None:
    market = FakeMarket(contracts={"MA": None})
    assert reason(order(pricing=AtLimit(Number(400))), market=market) is Reason.NO_PRICE


def test_notices_and_cancellations_send_nothing() -> None:
    resolved = resolve((Notify("desk"), CancelOrders(rule="a")), FakeMarket(), ())
    assert resolved == Resolved((), (CancelOrders(rule="a"),))
