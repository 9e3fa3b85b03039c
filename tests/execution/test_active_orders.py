"""IB takes twenty open orders of one contract and side: ours and others' are counted before the next one leaves."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import us_stock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus, OrderReport
from rules_engine.model.settings import Limits
from tests.execution.bench import Bench, limits
from tests.execution.doubles import MA, NOW_S, FakeMarket, V, decision, draft, stock

State = IntentState
LIMITS = Limits(price_collar=None, max_spread=None, allow_short=True)


def resting(number: int = 1, **changes: object) -> OrderDraft:
    """A small order that no other one is a copy of."""
    return draft(**{"kind": OrderKind.LIMIT, "limit": Decimal(399), "quantity": Decimal(number + 1), **changes})


def ours(count: int, state: IntentState = State.WORKING, **changes: object) -> Sequence[Intent]:
    drafts = [resting(number, **changes) for number in range(count)]
    return [Intent(f"a.{number}.0", "a", number, 0, one, NOW_S, state) for number, one in enumerate(drafts)]


def other(number: int, contract_id: int = 7, side: str = "buy", account: str = "DU1") -> OrderReport:
    """Somebody else's order, alive at IB."""
    left, none = Decimal(5), Decimal(0)
    return OrderReport(
        *("by hand", 500 + number, 0, 0, BrokerStatus.WORKING, none, left, None),
        contract_id=contract_id,
        side=side,
        account=account,
    )


def check(*unit: OrderDraft, book: Book, market: FakeMarket | None = None, most: int = 20) -> Refusal | None:
    gate = RiskGate(replace(LIMITS, max_active_orders_per_side=most), market or FakeMarket(), SteppedClock(NOW_S))
    return gate.check(unit, book)


async def test_the_twenty_first_order_is_held_back_by_name_told_and_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=20))
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(resting(number))) for number in range(21)]
    elsewhere = bench.record(decision(resting(instrument=V, limit=Decimal(199))))
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.WORKING] * 20 + [State.BLOCKED]
    assert (bench.state(elsewhere), len(bench.ib.wire)) == (State.WORKING, 21)
    assert "max_active_orders_per_side is 20, this would be open order 21 to buy MA" in bench.texts()[0]
    assert bench.told() == [NoticeKind.HELD_BACK]
    assert [(one.limit, one.count) for one in bench.journal.ledger.refusals()] == [("max_active_orders_per_side", 1)]


async def test_an_order_that_ends_makes_room_for_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=2))
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(resting(number))) for number in range(2)]
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(keys[0], "1", "399"))
    third = bench.record(decision(resting(5)))
    await bench.desk.dispatch()
    assert bench.state(third) is State.WORKING


@pytest.mark.parametrize(
    "state", [State.SENDING, State.ACKED, State.WORKING, State.PARTIAL, State.UNKNOWN, State.ADOPTED]
)
def test_everything_that_may_still_be_open_counts(state: IntentState) -> None:
    assert check(resting(), book=Book(ours(19, state))) is None
    assert check(resting(), book=Book(ours(20, state))) is not None


@pytest.mark.parametrize("state", [State.INTENT, State.FILLED, State.CANCELLED, State.REJECTED, State.ABANDONED])
def test_what_is_over_or_waits_for_its_turn_does_not_count(state: IntentState) -> None:
    assert check(resting(), book=Book(ours(50, state))) is None


def test_the_other_side_and_other_contracts_have_their_own_count() -> None:
    full = Book(ours(20))
    assert check(resting(side=Side.SELL), book=full) is None
    assert check(resting(instrument=V), book=full) is None
    assert check(resting(), book=full) is not None


def test_two_names_of_one_contract_count_together() -> None:
    market, alias = FakeMarket(), us_stock("MA2")
    market.contracts["MA2"] = stock("MA")
    assert check(resting(), book=Book(ours(20, instrument=alias)), market=market) is not None
    market.contracts["MA2"] = None
    assert check(resting(), book=Book(ours(20, instrument=alias)), market=market) is None


def test_each_leg_of_a_unit_counts_also_the_children_of_brackets() -> None:
    entry = resting()
    exits = [draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(400 + one), parent=0) for one in range(2)]
    assert check(entry, *exits, book=Book(), most=2) is None
    assert check(entry, *exits, book=Book(), most=1) is not None
    assert check(*[resting(number) for number in range(21)], book=Book()) is not None, "more than can ever be open"


@pytest.mark.parametrize("state", [State.ACKED, State.WORKING, State.PARTIAL])
def test_a_cancellation_that_leaves_makes_room(state: IntentState) -> None:
    leaving = [replace(one, cancel_wanted=True) for one in ours(20, state)]
    assert check(resting(), book=Book(leaving)) is None


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.ADOPTED])
def test_a_cancellation_that_cannot_be_sent_yet_makes_none(state: IntentState) -> None:
    unseen = [replace(one, cancel_wanted=True) for one in ours(20, state)]
    assert check(resting(), book=Book(unseen)) is not None


async def test_of_two_that_waited_for_the_pace_only_one_takes_the_last_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=2, max_orders_per_second=1))
    bench.accepting(await bench.connect())
    keys = [bench.record(decision(resting(number))) for number in range(3)]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.WORKING, State.INTENT, State.INTENT]
    for _ in range(2):
        await bench.later(1)
    assert [bench.state(key) for key in keys] == [State.WORKING, State.WORKING, State.BLOCKED]


async def test_of_two_that_waited_for_a_price_only_one_takes_the_last_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=1))
    bench.accepting(await bench.connect())
    bench.market.quotes["MA"] = None
    keys = [bench.record(decision(resting(number), rule=f"r{number}")) for number in range(2)]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in keys] == [State.INTENT, State.INTENT]
    del bench.market.quotes["MA"]
    await bench.later(1)
    assert [bench.state(key) for key in keys] == [State.WORKING, State.BLOCKED]


async def test_of_two_that_waited_for_a_cancellation_only_one_takes_its_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=1))
    link = bench.accepting(await bench.connect())
    before = bench.record(decision(resting(9)))
    await bench.desk.dispatch()
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(before))
    bench.desk.cancel_ours(rule="r")
    keys = [bench.record(decision(resting(number), rule=f"r{number}")) for number in range(2)]
    await bench.desk.dispatch()
    assert [bench.state(key) for key in (before, *keys)] == [State.CANCELLED, State.WORKING, State.BLOCKED]
    assert len(bench.ib.orders) == 1


def test_open_orders_of_others_count_as_far_as_they_are_known() -> None:
    others = [other(number) for number in range(12)]
    assert check(resting(), book=Book(ours(7), others=others)) is None
    assert check(resting(), book=Book(ours(8), others=others)) is not None
    assert check(resting(), book=Book(ours(8), others=[replace(one, side="sell") for one in others])) is None
    assert check(resting(), book=Book(ours(8), others=[replace(one, contract_id=8) for one in others])) is None


async def test_others_are_learnt_from_the_evidence_and_from_news_and_end_with_news(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=2))
    bench.ib.orders = {"by hand": other(1), "of another account": other(2, account="DU9")}
    bench.accepting(await bench.connect())
    first = bench.record(decision(resting(1)))
    await bench.desk.dispatch()
    assert bench.state(first) is State.WORKING
    second = bench.record(decision(resting(2)))
    await bench.desk.dispatch()
    assert bench.state(second) is State.BLOCKED
    bench.desk.on_report(replace(other(1), status=BrokerStatus.CANCELLED))
    third = bench.record(decision(resting(3)))
    await bench.desk.dispatch()
    assert bench.state(third) is State.WORKING
    bench.desk.on_report(bench.ib.end(third))
    bench.desk.on_report(other(4))
    fourth = bench.record(decision(resting(4)))
    await bench.desk.dispatch()
    assert bench.state(fourth) is State.BLOCKED
    assert MA.name in bench.texts()[-1]
