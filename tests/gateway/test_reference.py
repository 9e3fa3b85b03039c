"""Requests beside trading: each is answered or refused such that nobody waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from ib_insync import IB, MarketOrder, Option, ScannerSubscription, Stock, WshEventData

from rules_engine.gateway import Gateway
from tests.gateway.conftest import DEADLINE_S, Bench, Connect, Dial, echo, stock, until

STOCK = Stock("V", "SMART", "USD")
OPTION = Option("V", "20301220", 200.0, "C", "SMART", currency="USD")
REQUESTS: dict[str, Callable[[IB], Awaitable[object]]] = {
    "advisor data": lambda ib: ib.requestFAAsync(1),
    "scanner parameters": lambda ib: ib.reqScannerParametersAsync(),
    "scanner": lambda ib: ib.reqScannerDataAsync(ScannerSubscription(scanCode="TOP_PERC_GAIN")),
    "smart components": lambda ib: ib.reqSmartComponentsAsync("9c0001"),
    "depth exchanges": lambda ib: ib.reqMktDepthExchangesAsync(),
    "news providers": lambda ib: ib.reqNewsProvidersAsync(),
    "news article": lambda ib: ib.reqNewsArticleAsync("BZ", "BZ$1"),
    "past news": lambda ib: ib.reqHistoricalNewsAsync(5, "BZ", "", "", 10),
    "fundamental data": lambda ib: ib.reqFundamentalDataAsync(STOCK, "ReportsFinSummary"),
    "implied volatility": lambda ib: ib.calculateImpliedVolatilityAsync(OPTION, 5.5, 200.0),
    "option price": lambda ib: ib.calculateOptionPriceAsync(OPTION, 0.3, 200.0),
    "calendar of companies": lambda ib: ib.getWshMetaDataAsync(),
    "events of a company": lambda ib: ib.getWshEventDataAsync(WshEventData(conId=5)),
    "user": lambda ib: ib.reqUserInfoAsync(),
}


@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS)
async def test_every_request_of_ib_insync_comes_to_an_end(
    gateway: Gateway, connect: Connect, ask: Callable[[IB], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ib = await connect()
    # Some of these give up by themselves after four seconds; the gateway must be what ends them.
    monkeypatch.setattr(asyncio, "wait_for", lambda answer, timeout: answer)
    async with asyncio.timeout(DEADLINE_S):
        await ask(ib)
    monkeypatch.undo()
    await echo(ib)


async def test_exchanges_with_books_are_listed(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    found = await ib.reqMktDepthExchangesAsync()
    assert {"ISLAND", "CME", "IDEALPRO"} <= {one.exchange for one in found}


async def test_every_account_has_a_family_code(bench: Bench, dial: Dial) -> None:
    wire = await dial.greeted(await bench.gateway(accounts=("DU1", "DU2")))
    wire.send(80)
    assert await wire.read() == ["78", "2", "DU1", "", "DU2", ""]


async def test_advisor_data_is_refused_in_so_many_words(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    told: list[str] = []
    ib.errorEvent += lambda reqId, code, text, contract: told.append(text)
    assert await ib.requestFAAsync(1) == ""
    assert "non FA customers" in told[0]


async def test_positions_of_one_account_are_told_at_once_and_after_each_fill(bench: Bench, dial: Dial) -> None:
    gateway = await bench.gateway(accounts=("DU1", "DU2"))
    wire = await dial.greeted(gateway)
    wire.send(74, 1, 21, "DU2", "")
    assert await wire.read() == ["72", "1", "21"]
    trader = IB()
    try:
        await trader.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=DEADLINE_S)
        contract = await stock(trader, "V")
        for account in ("DU1", "DU2"):
            trade = trader.placeOrder(contract, MarketOrder("BUY", 10, account=account))
            await until(trader, trade.isDone)
    finally:
        trader.disconnect()
    told = await wire.read()
    assert told[:6] == ["71", "1", "21", "DU2", str(contract.conId), "V"]
    assert told[-3] == "10"
    wire.send(75, 1, 21)
    wire.send(74, 1, 22, "", "")
    assert [(await wire.read())[3] for _ in range(2)] == ["DU1", "DU2"]
    assert await wire.read() == ["72", "1", "22"]


async def test_positions_of_an_unknown_account_are_refused(dial: Dial, gateway: Gateway) -> None:
    wire = await dial.greeted(gateway)
    wire.send(74, 1, 21, "DU9", "")
    assert (await wire.read())[2:4] == ["21", "321"]
