"""Looking up contracts over the wire."""

import pytest
from ib_insync import CFD, Contract, Crypto, Forex, Future, Index, Stock

from rules_engine.gateway import Gateway
from tests.gateway.conftest import Connect


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
    ],
    ids=lambda contract: contract.secType,
)
async def test_every_kind_can_be_qualified(gateway: Gateway, connect: Connect, contract: Contract) -> None:
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
