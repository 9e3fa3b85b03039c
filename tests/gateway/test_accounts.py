"""Accounts: values, positions, profit, and that money is conserved."""

import pytest
from ib_insync import IB, Contract, Forex, Future, MarketOrder

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, Transcript, echo, stock, until


def value(ib: IB, tag: str, currency: str = "USD", account: str = "DU1") -> float:
    return next(
        float(one.value)
        for one in ib.accountValues(account)
        if one.tag == tag and one.currency == currency and not one.modelCode
    )


async def trade(ib: IB, contract: Contract, action: str, quantity: float, account: str = "DU1") -> None:
    await until(ib, ib.placeOrder(contract, MarketOrder(action, quantity, account=account, tif="DAY")).isDone)
    await echo(ib)


async def test_a_fresh_account_has_a_million(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    for tag in ("NetLiquidation", "TotalCashValue", "AvailableFunds", "ExcessLiquidity"):
        assert value(ib, tag) == 1_000_000.0
    assert value(ib, "BuyingPower") == 4_000_000.0
    assert ib.portfolio() == ib.positions() == []


async def test_a_fill_moves_cash_position_and_margin(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    await trade(ib, await stock(ib, "V"), "BUY", 100)
    gateway.push("V", 209.0)
    (position,) = ib.positions()
    assert (position.account, position.position, position.avgCost) == ("DU1", 100, 199.01)
    assert value(ib, "TotalCashValue") == 1_000_000 - 19_900 - 1
    assert value(ib, "NetLiquidation") == 1_000_000 - 1
    assert value(ib, "InitMarginReq") == 9_950
    assert value(ib, "GrossPositionValue") == 19_900
    (item,) = ib.portfolio()
    assert (item.position, item.averageCost) == (100, 199.01)


async def test_selling_realises_and_reversing_opens_anew(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    await trade(ib, v, "BUY", 100)
    gateway.push("V", 209.0)
    await trade(ib, v, "SELL", 150)
    (position,) = ib.positions()
    # Both commissions are a dollar; a third of the second one opens the short position.
    assert (position.position, position.avgCost) == (-50, pytest.approx(209.0 - 1 / 150))
    opened, closed = (fill.commissionReport.realizedPNL for fill in ib.fills())
    assert opened == 0.0, "ib_insync reads what is unset as zero"
    assert transcript.of(59)[0][5] == "1.7976931348623157E308"
    assert closed == pytest.approx(100 * 10.0 - 1 - 2 / 3)
    assert value(ib, "RealizedPnL") == pytest.approx(closed, abs=0.005)
    await trade(ib, v, "BUY", 50)
    assert ib.positions() == []


async def test_the_commission_of_a_short_sale_lowers_what_it_brought_in(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    await trade(ib, v, "SELL", 100)
    await trade(ib, v, "SELL", 100)
    assert [(position.position, position.avgCost) for position in ib.positions()] == [(-200, 198.99)]
    await trade(ib, v, "BUY", 50)
    assert ib.fills()[-1].commissionReport.realizedPNL == pytest.approx(-50 * 0.01 - 1)
    assert [(position.position, position.avgCost) for position in ib.positions()] == [(-150, 198.99)]
    assert value(ib, "UnrealizedPnL") == -1.5


async def test_cash_moves_by_price_and_commission_and_nothing_else(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    for contract, action, quantity in ((v, "BUY", 1000), (ma, "SELL", 10), (v, "SELL", 400), (ma, "BUY", 10)):
        await trade(ib, contract, action, quantity)
    paid = sum(one.signed * one.price + one.commission for one in gateway.executions)
    assert value(ib, "TotalCashValue") == pytest.approx(1_000_000 - paid)
    held = {position.contract.symbol: position.position for position in ib.positions()}
    assert held == {"V": sum(one.signed for one in gateway.executions if one.contract.symbol == "V")}


async def test_a_future_costs_no_cash_and_counts_its_multiplier(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    details = await ib.reqContractDetailsAsync(Future("ES", exchange="CME"))
    future = details[0].contract
    assert future is not None
    gateway.push(future.conId, 5000.0)
    await trade(ib, future, "BUY", 2)
    assert value(ib, "TotalCashValue") == 1_000_000 - 4.5
    assert ib.positions()[0].avgCost == 5000.0 * 50 + 2.25
    gateway.push(future.conId, 5010.0)
    await trade(ib, future, "SELL", 2)
    assert value(ib, "NetLiquidation") == pytest.approx(1_000_000 + 2 * 10 * 50 - 9)


async def test_a_currency_pair_moves_cash_in_its_own_currency(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (pair,) = await ib.qualifyContractsAsync(Forex("USDJPY"))
    gateway.push_quote("USDJPY", 150.0, 150.0)
    await trade(ib, pair, "BUY", 20_000)
    assert value(ib, "CashBalance", "JPY") == pytest.approx(-20_000 * 150.0 - 0.00002 * 20_000 * 150)


async def test_accounts_are_apart(bench: Bench, connect: Connect) -> None:
    gateway = await bench.gateway(accounts=("DU1", "DU2"))
    ib = await connect()
    await trade(ib, await stock(ib, "V"), "BUY", 10, account="DU2")
    assert [(position.account, position.position) for position in ib.positions()] == [("DU2", 10)]
    assert gateway.executions[0].account == "DU2"
    assert [one.value for one in await ib.accountSummaryAsync("DU1") if one.tag == "NetLiquidation"] == ["1000000.00"]


async def test_a_summary_tells_what_was_asked_for(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    transcript = Transcript(ib)
    ib.client.reqAccountSummary(900, "All", "NetLiquidation,BuyingPower")
    await echo(ib)
    assert [(frame[4], frame[5], frame[6]) for frame in transcript.of(63)] == [
        ("NetLiquidation", "1000000.00", "USD"),
        ("BuyingPower", "4000000.00", "USD"),
    ]
    assert transcript.of(64) == [["64", "1", "900"]]


async def test_groups_and_unknown_accounts_are_refused(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard: list[tuple[int, int]] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append((reqId, code))
    ib.client.reqAccountSummary(900, "Family", "NetLiquidation")
    ib.client.reqPnL(901, "DU9", "")
    ib.client.reqAccountUpdatesMulti(902, "DU9", "", False)
    ib.client.reqAccountUpdates(True, "DU9")
    await echo(ib)
    assert heard == [(900, 321), (901, 321), (902, 321), (-1, 321)]


async def test_profit_is_told_every_second(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v = await stock(ib, "V")
    await trade(ib, v, "BUY", 100)
    profit = ib.reqPnL("DU1")
    single = ib.reqPnLSingle("DU1", "", v.conId)
    await echo(ib)
    assert profit.unrealizedPnL == -1
    gateway.push("V", 204.0)
    gateway.step_to(NOON_S + 1)
    await until(ib, lambda: profit.unrealizedPnL == 499.0 and single.value == 20_400.0)
    assert (single.position, single.unrealizedPnL) == (100, 499.0)
    assert profit.realizedPnL == 0.0
    ib.cancelPnL("DU1")
    ib.cancelPnLSingle("DU1", "", v.conId)
    await echo(ib)
    transcript = Transcript(ib)
    gateway.step_to(NOON_S + 5)
    await echo(ib)
    assert transcript.of(94) == transcript.of(95) == []


async def test_profits_are_told_in_the_order_in_which_they_were_asked_for(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    transcript = Transcript(ib)
    asked = [917, 4, 88, 1203, 31, 502]
    for reqId in asked:
        ib.client.reqPnL(reqId, "DU1", "")
    await echo(ib)
    gateway.step_to(NOON_S + 1)
    await echo(ib)
    assert [int(frame[1]) for frame in transcript.of(94)] == asked * 2


async def test_an_order_beyond_the_margin_is_refused_and_closing_is_not(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    await trade(ib, v, "BUY", 9000)
    ib.placeOrder(v, MarketOrder("BUY", 2000, account="DU1"))
    await echo(ib)
    assert heard == [201]
    gateway.push("V", 20.0)
    await trade(ib, v, "SELL", 9000)
    assert ib.positions() == []


async def test_todays_profit_begins_anew_at_midnight_and_the_position_keeps_its_cost(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    await trade(ib, v, "BUY", 100)
    await trade(ib, ma, "BUY", 10)
    await trade(ib, ma, "SELL", 10)
    gateway.push("V", 209.0)
    gateway.step_to(NOON_S + 13 * 3600)
    gateway.push("V", 211.0)
    profit, single = ib.reqPnL("DU1"), ib.reqPnLSingle("DU1", "", v.conId)
    await until(ib, lambda: profit.unrealizedPnL == 1199.0)
    assert (profit.dailyPnL, profit.realizedPnL) == (200.0, 0.0)
    assert (single.dailyPnL, single.unrealizedPnL, single.value) == (200.0, 1199.0, 21_100.0)
    ib.client.reqAccountUpdates(True, "DU1")
    await echo(ib)
    assert value(ib, "PreviousDayEquityWithLoanValue") == 1_000_000 + 1000 - 3
    assert [item.contract.symbol for item in ib.portfolio() if item.position] == ["V"]


async def test_values_and_portfolio_are_told_every_three_minutes_with_the_prices_of_then(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    await trade(ib, await stock(ib, "V"), "BUY", 100)
    gateway.push("V", 219.0)
    gateway.step_to(NOON_S + 179)
    await echo(ib)
    assert value(ib, "UnrealizedPnL") == -1
    gateway.step_to(NOON_S + 180)
    await echo(ib)
    assert value(ib, "UnrealizedPnL") == 1999
    assert value(ib, "MaintMarginReq") == 219 * 100 * 0.25
    assert [item.marketPrice for item in ib.portfolio()] == [219.0]


@pytest.mark.parametrize(
    ("tag", "currencies"),
    [("$LEDGER", {"BASE"}), ("$LEDGER:JPY", {"JPY"}), ("$LEDGER:ALL", {"BASE", "USD", "JPY"}), ("$LEDGER:CHF", set())],
)
async def test_a_summary_of_the_ledger_is_in_the_currencies_it_names(
    gateway: Gateway, connect: Connect, tag: str, currencies: set[str]
) -> None:
    ib = await connect()
    (pair,) = await ib.qualifyContractsAsync(Forex("USDJPY"))
    gateway.push_quote("USDJPY", 150.0, 150.0)
    await trade(ib, pair, "BUY", 20_000)
    transcript = Transcript(ib)
    ib.client.reqAccountSummary(900, "All", tag)
    await echo(ib)
    assert {frame[6] for frame in transcript.of(63)} == currencies


async def test_every_tag_that_clients_ask_for_by_default_is_there(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    tags = {one.tag for one in await ib.accountSummaryAsync() if not one.tag.startswith("$")}
    assert {"SMA", "RegTMargin", "Leverage", "LookAheadExcessLiquidity", "DayTradesRemainingT+4"} <= tags
    assert {"GrossPositionValue", "FullInitMarginReq", "HighestSeverity", "LookAheadNextChange"} <= tags
