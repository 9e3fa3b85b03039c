"""The catalogue: what a query means, on a fixed day."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.files import MarketError
from rules_engine.model.clock import SteppedClock

FRIDAY = datetime(2030, 11, 22, 15, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(FRIDAY.timestamp())


@pytest.fixture
def catalogue(clock: SteppedClock) -> Catalogue:
    return Catalogue(clock=clock)


def local_symbols(catalogue: Catalogue, **query: str | float | int) -> list[str]:
    return [one.contract.localSymbol for one in catalogue.find(Contract(**query))]


def test_a_us_stock_is_one_contract_with_its_primary_exchange(catalogue: Catalogue) -> None:
    (visa,) = catalogue.find(Contract(symbol="V", secType="STK", exchange="SMART", currency="USD"))
    assert visa.contract.primaryExchange == "NYSE"
    assert visa.longName == "VISA INC-CLASS A SHARES"
    assert visa.minTick == 0.01
    assert catalogue.listing(visa.conId) == visa


def test_what_is_not_listed_is_unknown_and_never_invented(catalogue: Catalogue) -> None:
    assert catalogue.find(Contract(symbol="QQQQX", secType="STK", exchange="SMART")) == ()
    assert catalogue.find(Contract(symbol="v", secType="STK")) == ()
    assert catalogue.find(Contract(conId=12345)) == ()
    assert catalogue.find(Contract()) == ()
    assert catalogue.named("QQQQX") is None


def test_a_symbol_listed_in_two_places_is_ambiguous_until_the_currency_is_said(catalogue: Catalogue) -> None:
    query = Contract(symbol="SHOP", secType="STK", exchange="SMART")
    assert {one.contract.currency for one in catalogue.find(query)} == {"USD", "CAD"}
    assert len(catalogue.find(Contract(symbol="SHOP", secType="STK", exchange="SMART", currency="CAD"))) == 1
    assert len(catalogue.find(Contract(symbol="SHOP", secType="STK", primaryExchange="ISLAND"))) == 1


def test_the_answer_bears_the_exchange_that_was_asked_for(catalogue: Catalogue) -> None:
    (visa,) = catalogue.find(Contract(symbol="V", secType="STK", exchange="NYSE"))
    assert visa.contract.exchange == "NYSE"
    assert catalogue.find(Contract(symbol="V", secType="STK", exchange="GLOBEX")) == ()


def test_a_contract_number_wins_over_everything_but_the_exchange(catalogue: Catalogue) -> None:
    (bond,) = catalogue.find(Contract(conId=495512516, symbol="nonsense"))
    assert bond.contract.secType == "BOND"
    assert catalogue.find(Contract(conId=495512516, exchange="IDEALPRO")) == ()


@pytest.mark.parametrize(
    ("name", "kind", "local_symbol"),
    [
        ("USDJPY", "CASH", "USD.JPY"),
        ("USD.JPY", "CASH", "USD.JPY"),
        ("SPX", "IND", "SPX"),
        ("VIX", "IND", "VIX"),
        ("ES", "FUT", "ESZ0"),
        ("HEZ0", "FUT", "HEZ0"),
        ("BTC", "CRYPTO", "BTC.USD"),
        ("XAUUSD", "CFD", "XAUUSD"),
        ("AAPL", "STK", "AAPL"),
        ("BRK B", "STK", "BRK B"),
        ("495512516", "BOND", "US-T"),
    ],
)
def test_names_mean_what_people_mean(catalogue: Catalogue, name: str, kind: str, local_symbol: str) -> None:
    listing = catalogue.named(name)
    assert listing is not None
    assert (listing.contract.secType, listing.contract.localSymbol) == (kind, local_symbol)


@pytest.mark.parametrize(
    ("symbol", "month", "last_day", "local_symbol"),
    [
        ("ES", "203012", "20301220", "ESZ0"),
        ("ES", "203103", "20310321", "ESH1"),
        ("HE", "203012", "20301213", "HEZ0"),
        ("CL", "203101", "20301219", "CLF1"),
        ("GC", "203102", "20310226", "GCG1"),
        ("ZB", "203103", "20310320", "ZBH1"),
        ("EUR", "203012", "20301216", "6EZ0"),
        ("NG", "203101", "20301227", "NGF1"),
        ("VIX", "203101", "20310122", "VXF1"),
    ],
)
def test_futures_expire_by_their_exchange_s_rule(
    catalogue: Catalogue, symbol: str, month: str, last_day: str, local_symbol: str
) -> None:
    (future,) = catalogue.find(Contract(symbol=symbol, secType="FUT", lastTradeDateOrContractMonth=month))
    assert future.contract.lastTradeDateOrContractMonth == last_day
    assert future.contract.localSymbol == local_symbol
    by_day = Contract(symbol=symbol, secType="FUT", lastTradeDateOrContractMonth=last_day)
    assert catalogue.find(by_day) == (future,)
    assert catalogue.find(Contract(secType="FUT", localSymbol=local_symbol)) == (future,)


def test_a_holiday_moves_the_expiry_to_the_day_before() -> None:
    early = Catalogue(clock=SteppedClock(datetime(2027, 1, 4, 15, tzinfo=UTC).timestamp()))
    (june,) = early.find(Contract(symbol="ES", secType="FUT", lastTradeDateOrContractMonth="202706"))
    assert june.contract.lastTradeDateOrContractMonth == "20270617"  # The third Friday is Juneteenth, observed.


def test_a_future_without_a_month_is_every_listed_month_and_smart_is_no_futures_exchange(catalogue: Catalogue) -> None:
    listed = local_symbols(catalogue, symbol="ES", secType="FUT", exchange="CME")
    assert listed[:3] == ["ESZ0", "ESH1", "ESM1"]
    assert local_symbols(catalogue, symbol="ES", secType="FUT", exchange="SMART") == []


def test_an_expired_contract_is_unknown_unless_asked_for_but_its_number_still_means_it(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    (december,) = catalogue.find(Contract(secType="FUT", localSymbol="ESZ0"))
    clock.time_s = datetime(2030, 12, 20, 15, tzinfo=UTC).timestamp()
    assert catalogue.front_month("ES") is not None
    assert local_symbols(catalogue, secType="FUT", localSymbol="ESZ0") == ["ESZ0"]
    clock.time_s = datetime(2030, 12, 21, 15, tzinfo=UTC).timestamp()
    assert catalogue.find(Contract(secType="FUT", localSymbol="ESZ0")) == ()
    assert catalogue.find(Contract(conId=december.conId)) == ()
    assert len(catalogue.find(Contract(secType="FUT", localSymbol="ESZ0"), include_expired=True)) == 1
    front = catalogue.front_month("ES")
    assert front is not None and front.contract.localSymbol == "ESH1"
    still = catalogue.listing(december.conId)
    assert still is not None and still.contract == december.contract


def test_an_option_is_found_by_its_terms_and_by_its_local_symbol(catalogue: Catalogue) -> None:
    (put,) = catalogue.find(
        Contract(symbol="AAPL", secType="OPT", lastTradeDateOrContractMonth="20301220", strike=250.0, right="PUT")
    )
    assert put.contract.localSymbol == "AAPL  301220P00250000"
    assert put.contract.multiplier == "100"
    assert catalogue.find(Contract(secType="OPT", localSymbol="AAPL  301220P00250000")) == (put,)
    other = Catalogue(clock=catalogue.clock)
    assert other.listing(put.conId) == put
    assert put.underConId == 265598


def test_an_option_that_is_no_strike_or_no_expiry_is_unknown(catalogue: Catalogue) -> None:
    terms = {"symbol": "AAPL", "secType": "OPT", "right": "C"}
    assert local_symbols(catalogue, **terms, strike=251.0, lastTradeDateOrContractMonth="20301220") == []
    assert local_symbols(catalogue, **terms, strike=250.0, lastTradeDateOrContractMonth="20301218") == []
    assert local_symbols(catalogue, **{**terms, "symbol": "T"}, strike=25.0) == []


def test_every_number_of_a_chain_leads_back_to_its_option(catalogue: Catalogue) -> None:
    options = catalogue.find(Contract(symbol="NVDA", secType="OPT", lastTradeDateOrContractMonth="203101"))
    options += catalogue.find(Contract(symbol="SPX", secType="OPT", strike=5800.0))
    assert len({one.conId for one in options}) == len(options) > 100
    assert all(catalogue.listing(one.conId) == one for one in options)


def test_no_two_futures_share_a_number(catalogue: Catalogue) -> None:
    listed = [one for symbol in ("ES", "MES", "NQ", "CL", "GC", "HE", "VIX", "EUR") for one in catalogue.find(
        Contract(symbol=symbol, secType="FUT")
    )]  # fmt: skip
    assert len({one.conId for one in listed}) == len(listed)
    assert all(catalogue.listing(one.conId) == one for one in listed)


def test_a_search_finds_symbols_first_then_names(catalogue: Catalogue) -> None:
    assert catalogue.matching("MA")[0].contract.symbol == "MA"
    assert "BA" in {one.contract.symbol for one in catalogue.matching("boeing")}
    assert catalogue.matching("") == ()
    assert len(catalogue.matching("A")) == 16


def test_a_user_s_catalogue_adds_listings(tmp_path: Path, clock: SteppedClock) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "stocks:\n  ZZZ: {name: SLEEP INC, primary: NYSE, price: 12.5, conId: 777}\n"
        "futures:\n  ZZ: {name: Naps, exchange: CME, multiplier: 10, tick: 0.5, expiry: last friday, price: 40}\n"
        "options:\n  ZZZ: {step: 1}\n"
    )
    catalogue = Catalogue(own, clock=clock)
    assert catalogue.find(Contract(symbol="ZZZ", secType="STK"))[0].conId == 777
    assert local_symbols(catalogue, symbol="ZZ", secType="FUT")[0] == "ZZZ0"
    assert local_symbols(catalogue, symbol="ZZZ", secType="OPT", strike=12.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("stocks:\n  ZZZ: {name: X}\n", "own.yaml:2:8: 'ZZZ' needs a price"),
        ("stocks:\n  ZZZ: {price: -1}\n", "own.yaml:2:16: '-1' must be above zero"),
        ("stocks:\n  ZZZ: {price: nan}\n", "own.yaml:2:16: 'nan' is not a price"),
        ("stocks:\n  ZZZ: {price: 1, conId: 265598}\n", "conId 265598 is STK AAPL already"),
        ("stocks:\n  ZZZ: {price: 1, conId: 1.5}\n", "own.yaml:2:26: conId '1.5' must be a whole number"),
        ("stocks:\n  ZZZ: {price: 1, colour: red}\n", "own.yaml:2:27: unknown key 'colour'"),
        ("stocks:\n  ZZZ: {price: 1, hours: lunch}\n", "own.yaml:2:26: hours 'lunch' is unknown"),
        ("futures:\n  ZZ: {price: 1, expiry: someday}\n", "own.yaml:2:26: expiry 'someday' is unknown"),
        ("futures:\n  ZZ: {price: 1, months: AB, expiry: metal}\n", "own.yaml:2:26: months 'AB' must be letters of"),
        ("options:\n  NOPE: {step: 1}\n", "own.yaml:2:9: options on 'NOPE'"),
        ("forex:\n  EURUSD: {price: 1}\n", "own.yaml:2:11: 'EURUSD' is not a currency pair"),
        ("stokcs: {}\n", "own.yaml:1:9: unknown key 'stokcs'"),
        ("- a\n", "own.yaml:1:1: expected a mapping"),
        ("a: [\n", "own.yaml:"),
        ("stocks:\n  Z: {price: 1, primary: MOON}\n", "own.yaml:2:26: primary 'MOON' is unknown; known: NASDAQ, NYSE"),
        ("stocks:\n  Z: {price: 1, tick: 1, rule: penny}\n", "own.yaml:2:32: either a tick or a rule, not both"),
        ("stocks:\n  Z: {price: 1, rule: dime}\n", "own.yaml:2:23: rule 'dime' is unknown; known: penny, nickel"),
        ("stocks:\n  Z: {price: 1, lot: 0}\n", "own.yaml:2:22: '0' must be above zero"),
        ("stocks:\n  Z: [{price: 1}, {price: 2}]\n", "own.yaml:2:19: 'Z': conId"),
        ("cryptos:\n  Z: {price: 1, exchange: NYSE}\n", "own.yaml:2:27: exchange 'NYSE' is unknown; known: PAXOS"),
        ("futures:\n  Z: {price: 1}\n", "own.yaml:2:6: 'Z' needs an expiry; known: third friday"),
        ("futures:\n  Z:\n    - &a {price: 1, expiry: metal}\n    - *a\n", "own.yaml:3:7: anchors and aliases"),
        ("futures:\n  ES: {price: 1, expiry: metal, multiplier: 50}\n", "own.yaml:2:7: future 'ES' on CME"),
        ("futures:\n  Z: {price: 1, expiry: metal, magnifier: x}\n", "own.yaml:2:43: 'x' is not a number"),
        ("future_options:\n  V: {step: 1}\n", "own.yaml:2:6: options on 'V', which is no listed future"),
        ("options:\n  V: {step: 1, rule: x}\n", "own.yaml:2:22: rule 'x' is unknown"),
        ("options:\n  V: {steps: 1}\n", "own.yaml:2:14: unknown key 'steps'; allowed: step"),
        ("bonds:\n  Z: {price: 1, of: V}\n", "own.yaml:2:21: unknown key 'of'"),
        ("commodities: 5\n", "own.yaml:1:14: expected a mapping"),
        ("", "own.yaml: the file is empty"),
    ],
)
def test_a_bad_catalogue_is_a_located_problem(tmp_path: Path, text: str, problem: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)
    with pytest.raises(MarketError) as raised:
        Catalogue(own)
    assert problem in str(raised.value)
