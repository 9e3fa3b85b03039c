"""Looking up contracts over the wire."""

from datetime import UTC, datetime

import pytest
from ib_insync import (
    CFD,
    IB,
    Bond,
    Commodity,
    ContFuture,
    Contract,
    Crypto,
    Forex,
    Future,
    FuturesOption,
    Index,
    MarketOrder,
    Option,
    Stock,
)

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import Bench, Connect, Dial, echo


async def test_a_stock_has_details_hours_and_a_price_step(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (details,) = await ib.reqContractDetailsAsync(Stock("V", "SMART", "USD"))
    contract = details.contract
    assert contract is not None
    assert (contract.symbol, contract.secType, contract.exchange, contract.currency) == ("V", "STK", "SMART", "USD")
    assert contract.conId > 0
    assert details.minTick == 0.01
    assert details.longName
    assert details.timeZoneId == "US/Eastern"
    assert "SMART" in details.validExchanges
    assert len(details.liquidHours.split(";")) >= 5
    assert details.minSize == 1


@pytest.mark.parametrize(
    "contract",
    [
        Forex("EURUSD"),
        Index("SPX", "CBOE", "USD"),
        Crypto("BTC", "PAXOS", "USD"),
        CFD("V", "SMART", "USD"),
        Stock("SPY", "SMART", "USD"),
        Stock("SPY", "SMART", "MXN"),
        Stock("7203", "TSEJ", "JPY"),
        Commodity("XAUUSD", "SMART", "USD"),
        Future("DAX", "202612", "EUREX", multiplier="5"),
        ContFuture("ES", "CME"),
        Option("V", "20261218", 200, "C", "SMART"),
        FuturesOption("ES", "20261218", 5800, "P", "CME"),
        Bond(secIdType="CUSIP", secId="912810QE1"),
    ],
    ids=lambda contract: contract.secType,
)
async def test_every_kind_can_be_qualified(
    bench: Bench, connect: Connect, clock: SteppedClock, contract: Contract
) -> None:
    await bench.gateway(clock=clock)
    ib = await connect()
    (found,) = await ib.qualifyContractsAsync(contract)
    assert found.conId > 0


async def test_a_future_is_found_by_its_month(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    months = await ib.reqContractDetailsAsync(Future("ES", exchange="CME"))
    assert len(months) > 1
    first = months[0].contract
    assert first is not None
    (one,) = await ib.reqContractDetailsAsync(
        Future("ES", first.lastTradeDateOrContractMonth, "CME", currency="USD", multiplier="50")
    )
    assert one.contract is not None
    assert one.contract.conId == first.conId


async def test_an_unknown_contract_is_error_200(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    assert await ib.reqContractDetailsAsync(Stock("QZQZQ", "SMART", "USD")) == []
    assert heard == [200]


async def test_a_symbol_pattern_finds_contracts(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    samples = await ib.reqMatchingSymbolsAsync("MA")
    assert samples is not None
    assert "MA" in [sample.contract.symbol for sample in samples if sample.contract]


async def test_the_market_rule_of_a_contract_is_its_price_step(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = []
    for contract in (Stock("V", "SMART", "USD"), Forex("EURUSD"), Index("SPX", "CBOE", "USD")):
        details = await ib.reqContractDetailsAsync(contract)
        rule = await ib.reqMarketRuleAsync(int(details[0].marketRuleIds.split(",")[0]))
        assert rule is not None
        assert [(step.lowEdge, step.increment) for step in rule] == [(0.0, details[0].minTick)]
        heard.append(details[0].minTick)
    assert len(set(heard)) > 1


async def test_option_chains_list_expirations_and_strikes(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (v,) = await ib.qualifyContractsAsync(Stock("V", "SMART", "USD"))
    chains = await ib.reqSecDefOptParamsAsync("V", "", "STK", v.conId)
    assert chains
    assert all(chain.expirations and chain.strikes and chain.multiplier == "100" for chain in chains)


async def heard_of(ib: IB, contract: Contract) -> list[tuple[int, str]]:
    """What the gateway says to a request for details, besides the details."""
    heard: list[tuple[int, str]] = []

    def hear(reqId: int, code: int, text: str, about: object) -> None:
        heard.append((code, text))

    ib.errorEvent += hear
    await ib.reqContractDetailsAsync(contract)
    ib.errorEvent -= hear
    return heard


async def test_what_may_mean_several_is_the_list_of_them_and_its_end(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    found = await ib.reqContractDetailsAsync(Stock("V", "SMART"))
    told = [(one.contract.primaryExchange, one.contract.currency) for one in found if one.contract]
    assert told == [("NYSE", "USD"), ("MEXI", "MXN")]
    assert {one.contract.exchange for one in found if one.contract} == {"SMART"}
    assert await heard_of(ib, Stock("V", "SMART")) == []


async def test_where_one_is_wanted_several_are_error_200(gateway: Gateway, connect: Connect, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    share = ["0", "V", "STK", "", "0", "", "", "SMART", "", "", "", ""]
    wire.send(1, 11, 5, *share, 0, "", 0, 0, "")
    assert (await wire.read())[2:5] == ["5", "200", "The contract description specified for V is ambiguous."]
    wire.send(20, 6, *share, 0, "", "1 min", "60 S", 0, "TRADES", 1, 0, "")
    assert (await wire.read())[2:5] == ["6", "200", "The contract description specified for V is ambiguous."]
    share[1] = "NOPE"
    wire.send(1, 11, 7, *share, 0, "", 0, 0, "")
    assert (await wire.read())[2:5] == ["7", "200", "No security definition has been found for the request"]
    ib = await connect()
    trade = ib.placeOrder(Stock("V", "SMART"), MarketOrder("BUY", 1))
    await echo(ib)
    assert trade.log[-1].errorCode == 200
    assert "The contract description specified for V is ambiguous." in trade.log[-1].message


async def test_an_order_needs_an_exchange(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (visa,) = await ib.qualifyContractsAsync(Stock("V", "SMART", "USD"))
    trade = ib.placeOrder(Contract(conId=visa.conId, secType="STK"), MarketOrder("BUY", 1))
    await echo(ib)
    assert trade.log[-1].errorCode == 321
    assert "Missing order exchange" in trade.log[-1].message


@pytest.mark.parametrize(
    ("contract", "code", "text"),
    [
        (Contract(symbol="V", secType="STOCK"), 321, "Please enter a valid security type"),
        (Contract(conId=123), 200, "No security definition has been found for the request"),
        (Stock("V", "GLOBEX", "USD"), 200, "No security definition has been found for the request"),
        (Future("ES", exchange="GLOBEX"), 200, "No security definition has been found for the request"),
        (Option("V", "20261218", 201.3, "C", "SMART"), 200, "No security definition has been found for the request"),
        (ContFuture("V", "CME"), 200, "No security definition has been found for the request"),
    ],
    ids=str,
)
async def test_what_is_not_found_is_said_with_its_code(
    gateway: Gateway, connect: Connect, contract: Contract, code: int, text: str
) -> None:
    ib = await connect()
    ((heard_code, heard_text),) = await heard_of(ib, contract)
    assert heard_code == code and heard_text.endswith(text)


async def test_security_numbers_travel_as_tags_and_find_their_contract(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    found = await ib.reqContractDetailsAsync(Contract(secIdType="ISIN", secId="US0378331005", currency="USD"))
    (apple,) = found
    assert apple.contract is not None and apple.contract.symbol == "AAPL"
    assert [(tag.tag, tag.value) for tag in apple.secIdList] == [("ISIN", "US0378331005")]
    assert (apple.industry, apple.category, apple.subcategory) == ("Technology", "Computers", "Computers")
    assert (apple.stockType, apple.aggGroup, apple.marketName) == ("COMMON", 1, "NMS")
    assert len(apple.marketRuleIds.split(",")) == len(apple.validExchanges.split(","))
    assert {"LMT", "MKT", "STPLMT", "TRAILLMT", "COND", "WHATIF"} <= set(apple.orderTypes.split(","))


async def test_the_details_of_a_future(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    await bench.gateway(clock=clock)
    ib = await connect()
    (one,) = await ib.reqContractDetailsAsync(Future("ES", "202609", "CME"))
    contract = one.contract
    assert contract is not None
    assert (contract.localSymbol, contract.multiplier, contract.tradingClass) == ("ESU6", "50", "ES")
    assert (contract.lastTradeDateOrContractMonth, one.realExpirationDate) == ("20260918", "20260918")
    assert (one.contractMonth, one.lastTradeTime, one.timeZoneId) == ("202609", "08:30:00", "US/Central")
    assert (one.underSymbol, one.underSecType, one.aggGroup) == ("ES", "IND", 2147483647)
    (index,) = await ib.reqContractDetailsAsync(Contract(conId=one.underConId))
    assert index.contract is not None and index.contract.secType == "IND"


async def test_a_continuous_future_has_a_past_and_nothing_else(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    gateway.push("ESU6", 5820.25)
    clock.time_s += 60
    ib = await connect()
    (continuous,) = await ib.qualifyContractsAsync(ContFuture("ES", "CME"))
    (front,) = await ib.qualifyContractsAsync(Future("ES", "202609", "CME"))
    assert (continuous.secType, continuous.localSymbol, continuous.conId) == ("CONTFUT", "ESU6", front.conId)
    bars = await ib.reqHistoricalDataAsync(continuous, "", "3600 S", "1 min", "TRADES", False)
    assert [bar.close for bar in bars] == [5820.25]
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    ib.reqMktData(continuous)
    trade = ib.placeOrder(continuous, MarketOrder("BUY", 1))
    await echo(ib)
    assert len(heard) == 2
    assert trade.orderStatus.status == "Cancelled" and gateway.orders == ()


async def test_steps_that_grow_with_the_price_are_told_as_bands(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (details,) = await ib.reqContractDetailsAsync(Stock("VOD", "SMART", "GBP"))
    rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
    assert rule is not None
    bands = [(step.lowEdge, step.increment) for step in rule]
    assert bands[:3] == [(0.0, 0.0001), (1.0, 0.0002), (2.0, 0.0005)] and len(bands) == 12
    assert details.minTick == 0.0001


async def test_an_unknown_market_rule_is_error_321(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    wire.send(91, 424242)
    assert (await wire.read())[:4] == ["4", "2", "-1", "321"]


async def test_a_search_tells_what_is_listed_on_each_match(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    samples = await ib.reqMatchingSymbolsAsync("V")
    assert samples is not None
    told = {
        (one.contract.primaryExchange, one.contract.currency): one.derivativeSecTypes
        for one in samples
        if one.contract and one.contract.symbol == "V" and one.contract.secType == "STK"
    }
    assert told == {("NYSE", "USD"): ["CFD", "OPT", "BAG"], ("MEXI", "MXN"): []}
    first = samples[0].contract
    assert first is not None and first.description == "VISA INC-CLASS A SHARES"


async def test_the_chains_of_a_future(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    await bench.gateway(clock=clock)
    ib = await connect()
    (future,) = await ib.qualifyContractsAsync(Future("ES", "202609", "CME"))
    (chain,) = await ib.reqSecDefOptParamsAsync("ES", "CME", "FUT", future.conId)
    assert (chain.exchange, chain.multiplier, chain.tradingClass) == ("CME", "50", "ES")
    assert max(chain.expirations) == "20260918" and 5800.0 in chain.strikes
    assert await ib.reqSecDefOptParamsAsync("ES", "EUREX", "FUT", future.conId) == []
    assert await ib.reqSecDefOptParamsAsync("NQ", "CME", "FUT", future.conId) == []


async def test_options_that_are_half_described_are_a_list(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    await bench.gateway(clock=clock)
    ib = await connect()
    found = await ib.reqContractDetailsAsync(Option("V", "20261218", 0, "C", "SMART"))
    strikes = [one.contract.strike for one in found if one.contract]
    assert len(strikes) > 100 and strikes == sorted(strikes)
    assert {(one.contract.right, one.contract.multiplier) for one in found if one.contract} == {("C", "100")}
    assert {one.underConId for one in found} == {49462172}
    both = await ib.reqContractDetailsAsync(Option("V", "20261218", 200, "", "SMART"))
    assert [one.contract.right for one in both if one.contract] == ["C", "P"]


THANKSGIVING_S = datetime(2026, 11, 26, 17, 0, tzinfo=UTC).timestamp()


async def test_a_market_that_keeps_hours_tells_the_holiday_and_the_half_day(connect: Connect, bench: Bench) -> None:
    clock = SteppedClock(THANKSGIVING_S)
    gateway = Gateway(Market(Catalogue(clock=clock), sessions=True), clock=clock)
    await gateway.start()
    bench.running.append(gateway)
    ib = await connect()
    (visa,) = await ib.reqContractDetailsAsync(Stock("V", "SMART", "USD"))
    assert visa.liquidHours.split(";")[:2] == ["20261126:CLOSED", "20261127:0930-20261127:1300"]
    assert visa.tradingHours.split(";")[1] == "20261127:0400-20261127:1700"
    sessions = visa.liquidSessions()
    assert (sessions[0].end - sessions[0].start).total_seconds() == 3.5 * 3600
    (future,) = await ib.reqContractDetailsAsync(Future("ES", "202612", "CME"))
    assert future.tradingHours.split(";")[:2] == ["20261125:1700-20261126:1200", "20261126:1700-20261127:1200"]


@pytest.mark.parametrize(
    ("name", "hour", "opened"),
    [("V", 17, False), ("ESZ6", 17, True), ("ESZ6", 18, False), ("EURUSD", 18, True), ("BTC", 18, True)],
)
def test_a_market_that_keeps_hours_is_open_by_its_exchange_s_calendar(name: str, hour: int, opened: bool) -> None:
    market = Market(Catalogue(clock=SteppedClock(THANKSGIVING_S)), sessions=True)
    listing = market.catalogue.named(name)
    assert listing is not None
    now_s = THANKSGIVING_S + (hour - 17) * 3600.0
    assert market.is_open(listing.conId, now_s, True) == opened
    assert Market(market.catalogue).is_open(listing.conId, now_s, False)


@pytest.mark.parametrize("version", [157, 163, 164, 178])
async def test_details_have_the_fields_of_each_server_version(gateway: Gateway, dial: Dial, version: int) -> None:
    wire = await dial.greeted(gateway, version)
    share: list[object] = ["0", "AAPL", "STK", "", "0", "", "", "SMART", "", "USD", "", ""]
    wire.send(9, 8, 5, *share, 0, "", "", *([""] if version >= 176 else []))
    details = await wire.read()
    assert details[0] == "10" and "US0378331005" in details
    at = details.index("ISIN")
    assert details[at - 1 : at + 2] == ["1", "ISIN", "US0378331005"]
    assert details[1] == ("8" if version < 164 else "5")
    assert (await wire.read()) == ["52", "1", "5"]
