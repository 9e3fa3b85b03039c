"""Orders that the user has in TWS sell too: a sale of ours beside them may leave the account short."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft
from rules_engine.model.reports import BrokerStatus, OrderReport
from rules_engine.model.settings import Limits
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, FakeMarket, decision, draft, stock

FREE = Limits(price_collar=None, max_spread=None)
OUT = draft(side=Side.SELL, quantity=Decimal(300), closes=True)


def sell(quantity: int) -> OrderDraft:
    return draft(side=Side.SELL, quantity=Decimal(quantity))


def in_tws(quantity: int, perm_id: int = 77, **changes: object) -> OrderReport:
    """A stop of the user's own, to sell so many MA."""
    said = OrderReport("", perm_id, 0, 0, BrokerStatus.HELD, Decimal(0), Decimal(quantity), None)
    return replace(said, **{"contract_id": 7, "side": "sell", "account": "DU1", **changes})  # type: ignore[arg-type]  # By name.


def check(leg: OrderDraft, *others: OrderReport, age_s: float = 0.0, limits: Limits = FREE, **kind: str) -> str | None:
    contract = stock("MA", **kind)
    market = FakeMarket(positions={"MA": Decimal(300)}, contracts={"MA": contract})
    found: Refusal | None = RiskGate(limits, market, SteppedClock(NOW_S)).check(
        (leg,), Book(others=others, others_s=NOW_S - age_s)
    )
    return None if found is None else found.reason


@pytest.mark.parametrize(
    ("quantity", "others"),
    [
        (200, [in_tws(100)]),
        (300, [in_tws(300, side="buy")]),
        (300, [in_tws(300, contract_id=8)]),
        (100, [in_tws(200, 1, group="a"), in_tws(200, 2, group="a")]),
        (300, []),
    ],
)
def test_a_sale_passes_beside_what_leaves_enough(quantity: int, others: list[OrderReport]) -> None:
    assert check(sell(quantity), *others) is None
    assert check(sell(301), *others) == Reason.SHORT_SALE


@pytest.mark.parametrize(
    ("quantity", "others"),
    [
        (300, [in_tws(300)]),
        (201, [in_tws(100)]),
        (101, [in_tws(100, 1), in_tws(100, 2)]),
        (1, [in_tws(200, 1, group="a"), in_tws(200, 2, group="b")]),
    ],
)
def test_a_sale_that_would_sell_the_same_shares_is_held_back(quantity: int, others: list[OrderReport]) -> None:
    assert check(sell(quantity), *others) == Reason.SHORT_SALE


def test_what_may_be_sold_short_is_no_matter_of_other_orders() -> None:
    assert check(OUT, in_tws(300), limits=replace(FREE, allow_short=True)) is None
    assert check(OUT, in_tws(300), kind="future") is None
    assert check(draft(), in_tws(300)) is None


@pytest.mark.parametrize("age_s", [5.1, 900.0, -60.0])
def test_on_older_word_of_ib_nothing_is_refused_but_asked_about(age_s: float) -> None:
    assert check(OUT, in_tws(300), age_s=age_s) == Reason.UNKNOWN_DATA
    assert check(OUT, in_tws(300), age_s=5.0) == Reason.SHORT_SALE
    assert check(OUT, age_s=age_s) is None


def test_ours_alone_are_refused_whenever_ib_was_asked() -> None:
    market = FakeMarket(positions={"MA": Decimal(300)})
    working = Intent("a.1.0", "a", 1, 0, sell(200), NOW_S, IntentState.WORKING)
    found = RiskGate(FREE, market, SteppedClock(NOW_S)).check((sell(200),), Book(open=[working], others=[in_tws(1)]))
    assert found is not None and found.reason is Reason.SHORT_SALE


@pytest.fixture
def held(tmp_path: Path) -> Bench:
    """300 are held, and TWS has a stop for them."""
    bench = Bench(tmp_path)
    bench.market.positions["MA"] = Decimal(300)
    bench.ib.orders["tws"] = in_tws(300)
    return bench


async def test_closing_beside_a_stop_in_tws_is_held_back_and_names_it(held: Bench) -> None:
    held.accepting(await held.connect())
    key = held.record(decision(OUT))
    await held.desk.dispatch()
    assert (held.state(key), held.ib.wire) == (IntentState.BLOCKED, [])
    assert "300 MA held, 300 to sell beside 300 by orders that were placed elsewhere" in "\n".join(held.texts())


async def test_closing_leaves_at_once_when_ib_shows_that_the_stop_is_gone(held: Bench) -> None:
    link = held.accepting(await held.connect())
    held.clock.time_s += 60
    del held.ib.orders["tws"]
    key, asked = held.record(decision(OUT)), link.asked
    await held.desk.dispatch()
    assert (held.state(key), held.ib.wire) == (IntentState.INTENT, [])
    await held.later(0.25)
    assert held.state(key) is IntentState.WORKING
    assert link.asked == asked + 1


async def test_closing_that_waits_for_ib_s_word_is_held_back_when_the_stop_is_still_there(held: Bench) -> None:
    link = held.accepting(await held.connect())
    held.clock.time_s += 60
    key, asked = held.record(decision(OUT)), link.asked
    await held.desk.dispatch()
    await held.later(0.25)
    assert (held.state(key), held.ib.wire) == (IntentState.BLOCKED, [])
    assert link.asked == asked + 1


async def test_without_orders_of_others_nothing_is_asked_before_a_sale(held: Bench) -> None:
    del held.ib.orders["tws"]
    link = held.accepting(await held.connect())
    held.clock.time_s += 60
    key, asked = held.record(decision(OUT)), link.asked
    await held.desk.dispatch()
    assert (held.state(key), link.asked) == (IntentState.WORKING, asked)
