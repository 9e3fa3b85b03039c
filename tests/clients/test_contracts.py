"""Every client finds contracts, and hears what is wrong with those that it does not find."""

import pytest

from tests.clients.conftest import stock
from tests.clients.process import Record, Session


def test_a_stock_has_its_details(session: Session) -> None:
    (v,) = session.ask("details", contract=stock("V"))
    assert (v["symbol"], v["secType"], v["currency"], v["primaryExchange"]) == ("V", "STK", "USD", "NYSE")
    assert v["minTick"] == 0.01
    assert v["timeZoneId"] == "US/Eastern"
    assert "VISA" in v["longName"].upper()
    assert "SMART" in v["validExchanges"].split(",")
    assert "MKT" in v["orderTypes"].split(",")
    assert "20260701:" in v["tradingHours"]
    assert session.ask("details", contract={"conId": v["conId"], "exchange": "SMART"}) == [v]


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        ({"symbol": "EUR", "secType": "CASH", "exchange": "IDEALPRO", "currency": "USD"}, {"localSymbol": "EUR.USD"}),
        ({"symbol": "SPX", "secType": "IND", "exchange": "CBOE", "currency": "USD"}, {"conId": 416904}),
        ({"symbol": "BTC", "secType": "CRYPTO", "exchange": "PAXOS", "currency": "USD"}, {"minTick": 0.25}),
        ({"symbol": "XAUUSD", "secType": "CFD", "exchange": "SMART", "currency": "USD"}, {"minTick": 0.01}),
        ({"symbol": "XAUUSD", "secType": "CMDTY", "exchange": "SMART", "currency": "USD"}, {"minTick": 0.01}),
        ({"symbol": "ES", "secType": "CONTFUT", "exchange": "CME"}, {"multiplier": "50", "localSymbol": "ESU6"}),
        ({"symbol": "US-T", "secType": "BOND", "exchange": "SMART", "currency": "USD"}, {"conId": 495512516}),
    ],
    ids=lambda value: value.get("secType", ""),
)
def test_every_kind_of_contract_is_found(session: Session, contract: Record, told: Record) -> None:
    (found,) = session.ask("details", contract=contract)
    assert {name: found[name] for name in told} == told
    assert session.codes() == []


def test_a_future_has_a_month_and_a_multiplier(session: Session) -> None:
    months = session.ask("details", contract={"symbol": "ES", "secType": "FUT", "exchange": "CME"})
    assert len(months) > 4
    assert {month["multiplier"] for month in months} == {"50"}
    soonest = min(month["lastTradeDateOrContractMonth"] for month in months)
    assert soonest == "20260918"


def test_an_unknown_contract_is_200_and_nothing(session: Session) -> None:
    assert session.ask("details", contract=stock("NOSUCH")) == []
    assert session.codes() == [200]


def test_an_ambiguous_contract_answers_with_all_that_it_may_be(session: Session) -> None:
    found = session.ask("details", contract={"symbol": "SHOP", "secType": "STK"})
    assert {one["currency"] for one in found} == {"USD", "CAD"}


def test_symbols_are_found_by_their_beginning(session: Session) -> None:
    assert "V" in session.ask("symbols", pattern="V")
    assert session.ask("symbols", pattern="NOSUCHTHING") == []


def test_an_option_chain_has_dates_and_strikes_and_leads_to_options(session: Session) -> None:
    (v,) = session.ask("details", contract=stock("V"))
    chain = session.ask("chain", symbol="V", secType="STK", conId=v["conId"])[0]
    assert chain["expirations"][0] > "20260701"
    (option,) = session.ask(
        "details",
        contract={
            "symbol": "V",
            "secType": "OPT",
            "exchange": "SMART",
            "currency": "USD",
            "lastTradeDateOrContractMonth": chain["expirations"][0],
            "strike": chain["strikes"][len(chain["strikes"]) // 2],
            "right": "C",
        },
    )
    assert (option["secType"], option["underSymbol"], option["underConId"]) == ("OPT", "V", v["conId"])


def test_a_market_rule_says_how_prices_step(session: Session) -> None:
    (v,) = session.ask("details", contract=stock("V"))
    number = int(v["marketRuleIds"].split(",")[0])
    assert session.ask("market_rule", number=number)[-1][1] == v["minTick"]
