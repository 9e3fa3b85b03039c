"""Instruments into contracts: the one that is meant, or candidates in words."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from rules_engine.broker.contracts import Qualified, Unqualified, choose, query, words_of
from rules_engine.broker.library import Contract, ContractDetails
from rules_engine.model.instrument import Instrument, Kind, us_stock
from rules_engine.model.reports import FeedDown
from tests.broker.conftest import Connect, Heard, V

ES = Instrument("ES", Kind.FUTURE, "ES", "CME", expiry="front")
KNOWN = {
    "stock": (us_stock("V"), {"secType": "STK", "conId": 49462172, "exchange": "SMART"}),
    "stock with a space": (Instrument("BRK_B", Kind.STOCK, "BRK B"), {"symbol": "BRK B"}),
    "forex": (
        Instrument("EUR", Kind.FOREX, "EURUSD"),
        {"secType": "CASH", "symbol": "EUR", "currency": "USD", "exchange": "IDEALPRO"},
    ),
    "index": (Instrument("VIX", Kind.INDEX, "VIX", "CBOE"), {"secType": "IND", "exchange": "CBOE"}),
    "contract number": (
        Instrument("bond", Kind.CONTRACT, contract_id=49462172),
        {"secType": "STK", "symbol": "V", "exchange": "SMART"},
    ),
    "crypto": (Instrument("BTC", Kind.CRYPTO, "BTC"), {"secType": "CRYPTO", "exchange": "PAXOS"}),
    "cfd": (Instrument("gold", Kind.CFD, "XAUUSD"), {"secType": "CFD"}),
    "front month": (ES, {"secType": "FUT", "multiplier": "50", "tradingClass": "ES"}),
}


@pytest.mark.parametrize("name", KNOWN)
async def test_instrument_is_found(name: str, connect: Connect) -> None:
    instrument, expected = KNOWN[name]
    connection = await connect([instrument])
    assert connection.unqualified == {}
    contract = connection.qualified[instrument.name].contract
    assert {field: getattr(contract, field) for field in expected} == expected
    assert contract.conId > 0


async def test_what_execution_needs_is_known(connect: Connect) -> None:
    hogs = Instrument("HE", Kind.FUTURE, "HE", "CME", expiry="front")
    connection = await connect([V, hogs])
    visa = connection.traded("V")
    assert visa is not None
    assert (visa.min_tick, visa.multiplier, visa.currency, visa.kind) == (Decimal("0.01"), 1, "USD", Kind.STOCK)
    assert all(start < end for start, end in visa.sessions)
    pork = connection.traded("HE")
    assert pork is not None
    assert (pork.min_tick, pork.multiplier) == (Decimal("0.025"), Decimal(400))
    assert connection.traded("MA") is None


async def test_unknown_instrument_silences_itself_and_nothing_else(connect: Connect, heard: Heard) -> None:
    connection = await connect([V, us_stock("NOPE")])
    assert list(connection.unqualified) == ["NOPE"]
    assert connection.unqualified["NOPE"].text == "IB knows no stock NOPE on SMART in USD"
    await heard.subscribed("V")
    assert heard.silenced() == [("NOPE", 200)]
    assert heard.of(FeedDown)[0].text == connection.unqualified["NOPE"].text


async def test_instrument_known_elsewhere_names_where(connect: Connect) -> None:
    connection = await connect([Instrument("visa", Kind.STOCK, "V", "LSE", "GBP")])
    found = connection.unqualified["visa"]
    assert found.text.startswith("IB knows no stock V on LSE in GBP; it has ")
    assert any("V on NYSE in USD" in candidate for candidate in found.candidates)


async def test_ambiguous_future_names_its_months_soonest_first(connect: Connect) -> None:
    connection = await connect([Instrument("ES", Kind.FUTURE, "ES", "CME")])
    found = connection.unqualified["ES"]
    assert "can mean" in found.text
    assert "multiplier 50" in found.candidates[0]
    days = [candidate.partition("last trading day ")[2][:10] for candidate in found.candidates]
    assert days == sorted(days)
    assert len(found.candidates) == 12


async def test_mended_instrument_is_looked_up_again(connect: Connect, heard: Heard) -> None:
    connection = await connect([Instrument("visa", Kind.STOCK, "VVVV")])
    assert "visa" in connection.unqualified
    await connection.watch([Instrument("visa", Kind.STOCK, "V")])
    assert connection.unqualified == {}
    await heard.subscribed("visa")


def test_query_says_what_the_rule_says() -> None:
    put = Instrument("put", Kind.OPTION, "AAPL", expiry="2030-12-20", strike=Decimal(250), right="put")
    asked = query(put)
    assert (asked.secType, asked.lastTradeDateOrContractMonth, asked.strike, asked.right) == (
        "OPT",
        "20301220",
        250.0,
        "P",
    )
    month = query(Instrument("HE", Kind.FUTURE, "HE", "CME", expiry="2030-12"))
    assert month.lastTradeDateOrContractMonth == "203012"
    assert query(ES).lastTradeDateOrContractMonth == ""
    assert query(Instrument("ESZ0", Kind.FUTURE, "ES", "CME", local_symbol="ESZ0")).localSymbol == "ESZ0"


TODAY = date(2030, 12, 13)
DECEMBER, MARCH = date(2030, 12, 20), date(2031, 3, 21)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (DECEMBER - timedelta(days=6), 1),
        (DECEMBER - timedelta(days=5), 2),
        (DECEMBER, 2),
        (MARCH - timedelta(days=4), None),
    ],
)
def test_front_month_is_left_five_days_before_its_last_trading_day(today: date, expected: int | None) -> None:
    chosen = choose(ES, [_future(2, MARCH), _future(1, DECEMBER)], today)
    assert (chosen.contract.conId if isinstance(chosen, Qualified) else None) == expected


def test_front_month_stays_while_there_is_a_position() -> None:
    late = DECEMBER - timedelta(days=2)
    found = [_future(2, MARCH), _future(1, DECEMBER)]
    kept = choose(ES, found, late, held={1})
    assert isinstance(kept, Qualified)
    assert kept.contract.conId == 1
    assert "while there is a position" in kept.note
    expired = choose(ES, found, DECEMBER + timedelta(days=1), held={1})
    assert isinstance(expired, Qualified)
    assert (expired.contract.conId, expired.note) == (2, "")


def test_front_month_with_two_sizes_is_ambiguous() -> None:
    small = _future(3, DECEMBER, multiplier="10")
    chosen = choose(ES, [_future(1, DECEMBER), small], TODAY)
    assert isinstance(chosen, Unqualified)
    assert any("multiplier 10" in words for words in chosen.candidates)


def test_contract_listed_once_an_exchange_is_one_contract() -> None:
    rows = [_stock("NYSE"), _stock("SMART"), _stock("ARCA")]
    chosen = choose(Instrument("x", Kind.CONTRACT, contract_id=5), rows, TODAY)
    assert isinstance(chosen, Qualified)
    assert chosen.contract.exchange == "SMART"
    assert len(words_of(rows)) == 1


def _future(number: int, last_day: date, multiplier: str = "50") -> ContractDetails:
    contract = Contract(
        secType="FUT",
        conId=number,
        symbol="ES",
        exchange="CME",
        currency="USD",
        multiplier=multiplier,
        lastTradeDateOrContractMonth=f"{last_day:%Y%m%d}",
    )
    return ContractDetails(contract=contract)


def _stock(exchange: str) -> ContractDetails:
    return ContractDetails(contract=Contract(secType="STK", conId=5, symbol="X", exchange=exchange, currency="USD"))
