"""What a rule's own fills came to, and the limit on it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.execution.ports import Quote
from rules_engine.execution.rule_profit import RuleProfit
from rules_engine.model.action import Side
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import BrokerStatus, OrderReport
from tests.execution.bench import Bench, limits
from tests.execution.doubles import NOW_S, FakeMarket, V, decision, draft, stock

State = IntentState
TODAY_S = 100.0


@dataclass(frozen=True)
class Fill:
    at_s: float
    instrument: str
    side: Side
    quantity: int
    price: int


def profit_of(fills: Sequence[Fill]) -> RuleProfit:
    profit = RuleProfit()
    for one in fills:
        profit.fill(one.at_s, one.instrument, one.side, Decimal(one.quantity), Decimal(one.price))
    return profit


def obviously(fills: Sequence[Fill], market: FakeMarket) -> float:
    """Share by share: each is bought at the average of those held, or closes one of them."""
    total = 0.0
    for name in {one.instrument for one in fills}:
        held, cost = 0, 0.0
        for one in (one for one in fills if one.instrument == name):
            step = 1 if one.side is Side.BUY else -1
            for _ in range(one.quantity):
                if held * step >= 0:
                    cost = (abs(held) * cost + one.price) / (abs(held) + 1)
                elif one.at_s >= TODAY_S:
                    total += -step * (one.price - cost)
                held += step
        quote = market.quote(name)
        assert quote is not None and quote.bid is not None and quote.ask is not None
        total += held * (float(quote.bid if held > 0 else quote.ask) - cost)
    return total


fills = st.lists(
    st.builds(
        Fill,
        at_s=st.sampled_from((50.0, 99.0, 100.0, 150.0)),
        instrument=st.sampled_from(("MA", "V")),
        side=st.sampled_from(Side),
        quantity=st.integers(1, 5),
        price=st.integers(100, 500),
    ),
    max_size=12,
).map(lambda found: sorted(found, key=lambda one: one.at_s))


@given(fills)
def test_it_is_what_going_through_it_share_by_share_finds(found: list[Fill]) -> None:
    market = FakeMarket()
    profit = profit_of(found).today(market, TODAY_S)
    assert profit is not None
    assert float(profit) == pytest.approx(obviously(found, market), abs=1e-6)


BUY, SELL = Side.BUY, Side.SELL
BOUGHT = Fill(150.0, "MA", BUY, 10, 410)


@pytest.mark.parametrize(
    ("found", "profit"),
    [
        ([], "0"),
        ([BOUGHT], "-100.50"),
        ([BOUGHT, Fill(160.0, "MA", SELL, 10, 400)], "-100"),
        ([Fill(50.0, "MA", BUY, 10, 410), Fill(60.0, "MA", SELL, 10, 400)], "0"),
        ([Fill(50.0, "MA", BUY, 10, 410), Fill(160.0, "MA", SELL, 10, 400)], "-100"),
        ([Fill(150.0, "MA", SELL, 10, 390)], "-100.50"),
        ([Fill(150.0, "MA", BUY, 10, 390), Fill(151.0, "MA", SELL, 20, 395)], "-0.50"),
    ],
)
def test_profit_taken_today_and_profit_of_what_is_held_count(found: list[Fill], profit: str) -> None:
    assert profit_of(found).today(FakeMarket(), TODAY_S) == Decimal(profit)


def test_it_is_in_the_account_s_own_currency_with_multipliers() -> None:
    market = FakeMarket(
        contracts={"MA": stock("MA", currency="CHF", multiplier=Decimal(50))}, rates={"CHF": Decimal("1.1")}
    )
    assert profit_of([BOUGHT]).today(market, TODAY_S) == Decimal("-100.50") * 55


def no_quote(market: FakeMarket) -> None:
    market.quotes["MA"] = None


def no_price(market: FakeMarket) -> None:
    market.quotes["MA"] = Quote(NOW_S)


def no_contract(market: FakeMarket) -> None:
    market.contracts["MA"] = None


def no_rate(market: FakeMarket) -> None:
    market.rates.clear()


@pytest.mark.parametrize("unknown", [no_quote, no_price, no_contract, no_rate])
def test_what_is_not_known_is_no_profit(unknown: Callable[[FakeMarket], None]) -> None:
    market = FakeMarket()
    unknown(market)
    assert profit_of([BOUGHT]).today(market, TODAY_S) is None


def test_a_fill_without_a_price_makes_it_unknown() -> None:
    profit = RuleProfit()
    profit.fill(1.0, "MA", BUY, Decimal(1), None)
    assert profit.today(FakeMarket(), TODAY_S) is None


async def lost(folder: Path) -> Bench:
    """Rule r bought 100 MA at 410; they can be sold at 399.95."""
    bench = Bench(folder, limits(max_daily_loss_per_rule=Decimal(1000)))
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "100", "410"))
    bench.market.positions["MA"] = Decimal(100)
    return bench


async def sent(bench: Bench, rule: str = "r", **changes: object) -> IntentState:
    key = bench.record(decision(draft(**changes), rule=rule))
    await bench.desk.step()
    await bench.later(31)
    return bench.state(key)


async def test_a_rule_that_lost_too_much_sends_no_more_and_may_close(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    assert await sent(bench, instrument=V) is State.BLOCKED
    [refused] = bench.journal.ledger.refusals()
    assert (refused.reason, refused.limit) == (Reason.OVER_LIMIT, "max_daily_loss_per_rule")
    assert "max_daily_loss_per_rule is 1000, the fills of r have lost 1005.00 today" in bench.texts()[-1]
    assert await sent(bench, side=Side.SELL, closes=True) is State.WORKING


async def test_other_rules_go_on(tmp_path: Path) -> None:
    assert await sent(await lost(tmp_path), "other", instrument=V) is State.WORKING


async def test_it_counts_after_a_restart_and_no_more_once_the_price_is_back(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    bench.restart()
    bench.accepting(await bench.connect())
    assert await sent(bench, instrument=V) is State.BLOCKED
    bench.market.quotes["MA"] = Quote(NOW_S, Decimal(409), Decimal("409.1"), Decimal(409))
    assert await sent(bench, instrument=V) is State.WORKING


async def test_a_correction_of_a_fill_counts(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    first = bench.ib.executions[0]
    bench.desk.on_report(replace(first, exec_id=first.exec_id.removesuffix("01") + "02", price=Decimal(401)))
    assert await sent(bench, instrument=V) is State.WORKING


async def test_a_loss_that_cannot_be_known_holds_back(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    bench.market.quotes["MA"] = None
    assert await sent(bench, instrument=V) is State.BLOCKED
    assert (
        "max_daily_loss_per_rule cannot be checked: r has fills in MA, of which there is no price" in bench.texts()[-1]
    )
    assert "rules resume r" in bench.texts()[-1]


async def test_a_fill_of_which_ib_tells_no_price_holds_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_daily_loss_per_rule=Decimal(1000)))
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    perm_id = bench.ib.orders[key].perm_id
    bench.desk.on_report(
        OrderReport(key, perm_id, 0, 17, BrokerStatus.FILLED, Decimal(100), Decimal(0), None, completed=True)
    )
    assert await sent(bench, instrument=V, kind=OrderKind.LIMIT, limit=Decimal(200)) is State.BLOCKED


@pytest.mark.parametrize("unknown", [no_quote, no_price, no_contract, no_rate])
def test_what_is_set_aside_needs_no_price_and_counts_no_more(unknown: Callable[[FakeMarket], None]) -> None:
    market = FakeMarket()
    unknown(market)
    profit = profit_of([BOUGHT, Fill(151.0, "MA", SELL, 4, 300)])
    assert profit.unknown(market, TODAY_S) == ["MA"]
    profit.set_aside("MA")
    assert profit.unknown(market, TODAY_S) == []
    assert profit.today(market, TODAY_S) == Decimal(0)


@pytest.mark.parametrize(
    ("later", "profit"),
    [
        ([], "0"),
        ([Fill(160.0, "MA", SELL, 10, 300)], "0"),
        ([Fill(160.0, "MA", SELL, 15, 300)], "-500.25"),
        ([Fill(160.0, "MA", BUY, 10, 410)], "-100.50"),
        ([Fill(160.0, "MA", BUY, 10, 410), Fill(161.0, "MA", SELL, 10, 300)], "-100.50"),
    ],
)
def test_what_was_set_aside_is_closed_first_and_only_what_comes_after_counts(later: list[Fill], profit: str) -> None:
    known = profit_of([BOUGHT])
    known.set_aside("MA")
    for one in later:
        known.fill(one.at_s, one.instrument, one.side, Decimal(one.quantity), Decimal(one.price))
    assert known.today(FakeMarket(), TODAY_S) == Decimal(profit)


async def test_a_holding_without_a_price_blocks_its_rule_until_its_user_counts_it_no_more(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    bench.market.quotes["MA"] = None
    assert await sent(bench, instrument=V) is State.BLOCKED
    assert bench.desk.set_aside_unpriced("r") == ["MA"]
    assert bench.desk.set_aside_unpriced("r") == []
    assert await sent(bench, instrument=V) is State.WORKING
    bench.restart()
    bench.accepting(await bench.connect())
    assert await sent(bench, instrument=V, quantity=Decimal(7)) is State.WORKING, "it is remembered"


async def test_what_the_rule_does_after_that_counts_again(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    bench.market.quotes["MA"] = None
    bench.clock.time_s += 60
    assert bench.desk.set_aside_unpriced("r") == ["MA"]
    del bench.market.quotes["MA"]
    bench.clock.time_s += 60
    key = bench.record(decision(draft(quantity=Decimal(90))))
    await bench.desk.dispatch()
    fill = replace(bench.ib.fill(key, "90", "420"), time_s=bench.clock.now_s())
    bench.desk.on_report(fill)
    assert await sent(bench, instrument=V) is State.BLOCKED
    assert "have lost 1804.50 today" in bench.texts()[-1]


async def test_nothing_is_set_aside_that_has_a_price_or_before_ib_has_told_everything(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    assert bench.desk.set_aside_unpriced("r") == []
    bench.market.quotes["MA"] = None
    bench.desk.detach()
    assert bench.desk.set_aside_unpriced("r") == []
    await bench.connect()
    assert bench.desk.set_aside_unpriced("other") == []
    assert bench.desk.set_aside_unpriced("r") == ["MA"]


async def test_without_the_limit_nothing_is_set_aside(tmp_path: Path) -> None:
    bench = await lost(tmp_path)
    bench.settings = limits()
    bench.restart()
    await bench.connect()
    bench.market.quotes["MA"] = None
    assert bench.desk.set_aside_unpriced("r") == []
