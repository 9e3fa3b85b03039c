"""Two names may mean one contract at IB: every limit counts what is on its way, under either of them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.ports import Quote
from rules_engine.execution.resolve import Resolved, resolve
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import CancelOrders, ClosePosition, Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.settings import Limits
from tests.execution.bench import Bench
from tests.execution.doubles import MA, NOW_S, FakeMarket, V, decision, draft, stock

V_CONTRACT = stock("V").contract_id
VISA = Instrument("VISA", Kind.CONTRACT, contract_id=V_CONTRACT)
LIMITS = Limits(price_collar=None, max_spread=None)


def market(held: int = 300) -> FakeMarket:
    """V and VISA are the same contract, of which so many are held."""
    quote = Quote(NOW_S, Decimal("199.95"), Decimal("200.05"), Decimal(200))
    position: Decimal | None = Decimal(held)
    return FakeMarket(
        contracts={"VISA": stock("V")}, quotes={"VISA": quote}, positions={"V": position, "VISA": position}
    )


def at_work(one: OrderDraft) -> Intent:
    return Intent("other.1.0", "other", 1, 0, one, NOW_S - 1, IntentState.WORKING, sent_s=NOW_S - 1)


def order(instrument: Instrument, side: Side, quantity: int, **changes: object) -> OrderDraft:
    return draft(instrument=instrument, side=side, quantity=Decimal(quantity), **changes)


def reason(
    leg: OrderDraft, before: OrderDraft, *, limits: Limits = LIMITS, seen: FakeMarket | None = None
) -> Reason | None:
    """What stands against the leg while the other order is at work, which was sent a second ago."""
    one = at_work(before)
    refused = RiskGate(limits, seen or market(), SteppedClock(NOW_S)).check((leg,), Book(open=[one], recent=[one]))
    return refused.reason if refused else None


@pytest.mark.parametrize(("before", "after"), [(V, VISA), (VISA, V)])
def test_a_sale_under_one_name_leaves_nothing_to_sell_under_the_other(before: Instrument, after: Instrument) -> None:
    resting = order(before, Side.SELL, 300, kind=OrderKind.LIMIT, limit=Decimal(210))
    assert reason(order(after, Side.SELL, 1), resting) is Reason.SHORT_SALE
    assert reason(order(after, Side.SELL, 300, closes=True), resting) is Reason.NOTHING_TO_CLOSE
    assert reason(order(after, Side.SELL, 1), replace(resting, quantity=Decimal(299))) is None


@pytest.mark.parametrize(("before", "after"), [(V, VISA), (VISA, V)])
def test_close_leaves_out_what_is_being_closed_under_the_other_name(before: Instrument, after: Instrument) -> None:
    resting = at_work(order(before, Side.SELL, 200, kind=OrderKind.LIMIT, limit=Decimal(210)))
    resolved = resolve([ClosePosition(after)], market(), [resting])
    assert isinstance(resolved, Resolved)
    assert [leg.quantity for leg in resolved.unit] == [Decimal(100)]
    whole = replace(resting, draft=replace(resting.draft, quantity=Decimal(300)))
    refused = resolve([ClosePosition(after)], market(), [whole])
    assert isinstance(refused, Refusal) and refused.reason is Reason.NOTHING_TO_CLOSE


def test_the_value_of_a_position_counts_orders_under_both_names() -> None:
    resting = order(V, Side.BUY, 100, kind=OrderKind.LIMIT, limit=Decimal(190))
    another = order(VISA, Side.BUY, 100, kind=OrderKind.LIMIT, limit=Decimal(191))
    limits = replace(LIMITS, max_position_value=Decimal(95_500))
    assert reason(another, resting, limits=limits) is None
    assert reason(another, resting, limits=replace(limits, max_position_value=Decimal(95_499))) is Reason.OVER_LIMIT


def test_the_same_order_under_the_other_name_is_a_duplicate() -> None:
    assert reason(order(VISA, Side.BUY, 100), order(V, Side.BUY, 100)) is Reason.DUPLICATE
    assert reason(order(VISA, Side.BUY, 100), order(V, Side.BUY, 99)) is None


def test_an_order_counts_when_its_name_is_gone_from_the_rules_but_said_its_contract() -> None:
    gone = market()
    gone.contracts["VISA"] = None
    resting = order(VISA, Side.SELL, 300, kind=OrderKind.LIMIT, limit=Decimal(210))
    assert reason(order(V, Side.SELL, 1), resting, seen=gone) is Reason.SHORT_SALE


def test_names_of_different_contracts_do_not_count_against_each_other() -> None:
    apart = market()
    apart.contracts["VISA"] = replace(stock("V"), contract_id=99)
    resting = order(VISA, Side.SELL, 300, kind=OrderKind.LIMIT, limit=Decimal(210))
    assert reason(order(V, Side.SELL, 300), resting, seen=apart) is None


def test_names_whose_contracts_have_no_number_are_not_taken_for_one() -> None:
    unnumbered = market()
    unnumbered.contracts = {name: replace(stock("V"), contract_id=0) for name in ("V", "VISA")}
    resting = order(VISA, Side.SELL, 300, kind=OrderKind.LIMIT, limit=Decimal(210))
    assert reason(order(V, Side.SELL, 300), resting, seen=unnumbered) is None


@pytest.mark.parametrize(("ordered", "named"), [(V, VISA), (VISA, V)])
@pytest.mark.parametrize("restarts", [False, True])
async def test_orders_in_a_contract_are_cancelled_under_either_name(
    bench: Bench, ordered: Instrument, named: Instrument, restarts: bool
) -> None:
    link = bench.accepting(await bench.connect())
    bench.market = market()
    link.traded = lambda instrument: stock("MA" if instrument == "MA" else "V")  # type: ignore[method-assign]  # Two names, one contract.
    resting = bench.record(decision(order(ordered, Side.BUY, 10, kind=OrderKind.LIMIT, limit=Decimal(190))))
    other = bench.record(decision(draft(kind=OrderKind.LIMIT, limit=Decimal(390))))
    if restarts:
        bench.restart()
    resolved = resolve([CancelOrders(instrument=named)], bench.market, bench.journal.intents.open())
    assert isinstance(resolved, Resolved)
    bench.record(replace(decision(rule="out"), unit=(), cancels=resolved.cancels))
    assert [bench.intent(key).cancel_wanted for key in (resting, other)] == [True, False]
    assert [intent.key for intent in resolved.rest] == [other]


def cancelled(named: Instrument, ordered: Sequence[Instrument], seen: FakeMarket) -> list[str]:
    """The names under which `cancel orders in` looks for orders, which we have in these."""
    working = [at_work(order(one, Side.BUY, 10)) for one in ordered]
    resolved = resolve([CancelOrders(instrument=named)], seen, working)
    assert isinstance(resolved, Resolved)
    assert len(resolved.rest) == sum(
        one.name not in {str(cancel.instrument) for cancel in resolved.cancels} for one in ordered
    )
    return sorted(str(cancel.instrument) for cancel in resolved.cancels)


def test_each_name_is_looked_for_once_and_its_own_also_without_an_order() -> None:
    assert cancelled(V, [VISA, V, VISA, MA], market()) == ["V", "VISA"]
    assert cancelled(V, [MA], market()) == ["V"]


def test_what_ib_was_not_asked_about_is_the_same_where_it_says_the_same() -> None:
    unasked = market()
    unasked.contracts |= {"VISA": None, "TOO": None}
    too = replace(V, name="TOO")
    assert cancelled(too, [V, VISA], unasked) == ["TOO", "V"]
    assert cancelled(V, [too, VISA], unasked) == ["TOO", "V", "VISA"], "a bare number says which contract it is"
    assert cancelled(replace(too, currency="EUR"), [V], unasked) == ["TOO"]


def test_names_of_different_contracts_are_not_cancelled_together() -> None:
    apart = market()
    apart.contracts["VISA"] = replace(stock("V"), contract_id=99)
    assert cancelled(V, [VISA], apart) == ["V"]
