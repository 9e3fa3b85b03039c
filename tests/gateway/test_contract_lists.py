"""What a description means, list by list, on Friday 22 November 2030."""

import time
import timeit
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest

from rules_engine.gateway.contracts.catalogue import Catalogue, Identity
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.contracts.lookup import NotFound, the_one
from rules_engine.gateway.contracts.market_rules import BANDED, bands_of_rule, step_at
from rules_engine.model.clock import SteppedClock

FRIDAY_S = datetime(2030, 11, 22, 15, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(FRIDAY_S)


@pytest.fixture
def catalogue(clock: SteppedClock) -> Catalogue:
    return Catalogue(clock=clock)


def at(when: date) -> float:
    return datetime(when.year, when.month, when.day, 15, tzinfo=UTC).timestamp()


def one_line(listing: Listing) -> str:
    contract = listing.contract
    place = contract.primaryExchange or contract.exchange
    return f"{contract.secType} {contract.localSymbol}@{place} {contract.currency} x{contract.multiplier or 1}"


STOCKS = [
    ({"symbol": "V"}, "STK V@NYSE USD x1; STK V@MEXI MXN x1"),
    ({"symbol": "V", "currency": "USD"}, "STK V@NYSE USD x1"),
    ({"symbol": "V", "currency": "MXN"}, "STK V@MEXI MXN x1"),
    ({"symbol": "V", "primaryExchange": "MEXI"}, "STK V@MEXI MXN x1"),
    ({"symbol": "V", "exchange": "MEXI"}, "STK V@MEXI MXN x1"),
    ({"symbol": "V", "exchange": "SMART"}, "STK V@NYSE USD x1; STK V@MEXI MXN x1"),
    ({"symbol": "V", "exchange": "ARCA"}, "STK V@NYSE USD x1"),
    ({"symbol": "V", "currency": "JPY"}, ""),
    ({"symbol": "SAN"}, "STK SAN@NYSE USD x1; STK SAN@BM EUR x1; STK SAN@SBF EUR x1"),
    ({"symbol": "SAN", "currency": "EUR"}, "STK SAN@BM EUR x1; STK SAN@SBF EUR x1"),
    ({"symbol": "SAN", "currency": "EUR", "primaryExchange": "SBF"}, "STK SAN@SBF EUR x1"),
    ({"symbol": "SAN", "exchange": "CHIXEN"}, "STK SAN@SBF EUR x1"),
    ({"symbol": "SIE", "primaryExchange": "XETRA"}, "STK SIE@IBIS EUR x1"),
    ({"symbol": "700", "exchange": "SEHK"}, "STK 700@SEHK HKD x1"),
    ({"symbol": "700", "exchange": "SMART"}, ""),
    ({"localSymbol": "7203.T"}, "STK 7203.T@TSEJ JPY x1"),
    ({"localSymbol": "V"}, "STK V@NYSE USD x1; STK V@MEXI MXN x1"),
    ({"symbol": "VISA"}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("query", "found"), STOCKS, ids=str)
def test_shares(catalogue: Catalogue, query: dict[str, str], found: str) -> None:
    assert "; ".join(one_line(one) for one in catalogue.find(Contract(secType="STK", **query))) == found


def test_every_share_has_its_exchange_s_hours_zone_currency_and_steps(catalogue: Catalogue) -> None:
    told = {
        one.contract.primaryExchange: (one.contract.currency, one.calendar, one.timeZoneId, one.tick_at(30.0))
        for symbol in ("V", "VOD", "SAP", "SAN", "ASML", "NESN", "700", "7203", "RY")
        for one in catalogue.find(Contract(symbol=symbol, secType="STK"))
    }
    assert told == {
        "NYSE": ("USD", "us_stock", "US/Eastern", 0.01),
        "NASDAQ": ("USD", "us_stock", "US/Eastern", 0.01),
        "MEXI": ("MXN", "mexico", "America/Mexico_City", 0.01),
        "LSE": ("GBP", "london", "GB-Eire", 0.005),
        "IBIS": ("EUR", "frankfurt", "MET", 0.005),
        "BM": ("EUR", "madrid", "MET", 0.005),
        "SBF": ("EUR", "paris", "MET", 0.005),
        "AEB": ("EUR", "amsterdam", "MET", 0.005),
        "EBS": ("CHF", "zurich", "MET", 0.005),
        "SEHK": ("HKD", "hong_kong", "Hongkong", 0.05),
        "TSEJ": ("JPY", "tokyo", "Japan", 0.1),
        "TSE": ("CAD", "toronto", "US/Eastern", 0.01),
    }


@pytest.mark.parametrize(
    ("identity", "query", "found"),
    [
        (Identity("ISIN", "US92826C8394"), {}, "STK V@NYSE USD x1; STK V@MEXI MXN x1"),
        (Identity("isin", "US92826C8394"), {"currency": "USD"}, "STK V@NYSE USD x1"),
        (Identity("ISIN", "US92826C8394"), {"symbol": "MA"}, ""),
        (Identity("CUSIP", "912810QE1"), {}, "BOND US-T@SMART USD x1"),
        (Identity("ISIN", "912810QE1"), {}, ""),
        (Identity("ISIN", "US0000000000"), {}, ""),
        (Identity(issuerId="e1234"), {}, ""),
    ],
)
def test_numbers_of_other_registers(
    catalogue: Catalogue, identity: Identity, query: dict[str, str], found: str
) -> None:
    assert "; ".join(one_line(one) for one in catalogue.find(Contract(**query), identity)) == found


def test_bonds_can_be_found_by_their_issuer(tmp_path: Path, clock: SteppedClock) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("bonds:\n  ACME: {name: ACME 5% 2040, price: 99, issuer: e7, isin: US0000000001}\n")
    (bond,) = Catalogue(own, clock=clock).find(Contract(secType="BOND"), Identity(issuerId="e7"))
    assert bond.longName == "ACME 5% 2040"


AMBIGUITIES = [
    (Contract(symbol="V", secType="STK", exchange="SMART"), "The contract description specified for V is ambiguous."),
    (Contract(symbol="ES", secType="FUT"), "The contract description specified for ES is ambiguous."),
    (
        Contract(symbol="DAX", secType="FUT", lastTradeDateOrContractMonth="203012"),
        "The contract description specified for DAX is ambiguous;\nyou must specify the multiplier or trading class.",
    ),
    (
        Contract(symbol="AAPL", secType="OPT", lastTradeDateOrContractMonth="20301220", right="C"),
        "The contract description specified for AAPL is ambiguous.",
    ),
    (Contract(localSymbol="V", secType="STK"), "The contract description specified for V is ambiguous."),
    (Contract(symbol="NOPE", secType="STK"), "No security definition has been found for the request"),
    (Contract(conId=987654321), "No security definition has been found for the request"),
    (Contract(symbol="ES", secType="FUT", exchange="NYMEX"), "No security definition has been found for the request"),
]


@pytest.mark.parametrize(("query", "text"), AMBIGUITIES, ids=lambda value: getattr(value, "symbol", None))
def test_where_one_is_wanted_none_and_many_are_told_apart(catalogue: Catalogue, query: Contract, text: str) -> None:
    with pytest.raises(NotFound) as raised:
        the_one(catalogue, query)
    assert str(raised.value) == text


@pytest.mark.parametrize("terms", [{"multiplier": "5"}, {"tradingClass": "FDXM"}, {"localSymbol": "FDXMZ0"}])
def test_one_of_three_sizes_is_meant_by_multiplier_class_or_local_symbol(
    catalogue: Catalogue, terms: dict[str, str]
) -> None:
    mini = the_one(catalogue, Contract(symbol="DAX", secType="FUT", lastTradeDateOrContractMonth="203012", **terms))
    assert one_line(mini) == "FUT FDXMZ0@EUREX EUR x5"
    assert mini.lastTradeTime == "13:00:00"


# Past last trading days (general knowledge, not looked up), asked for on the first of January of the year before.
EXPIRIES = """
ES    202606 20260618   ESM6
ES    202503 20250321   ESH5
NQ    202412 20241220   NQZ4
CL    202502 20250121   CLG5
CL    202501 20241219   CLF5
NG    202502 20250129   NGG5
GC    202412 20241227   GCZ4
ZN    202503 20250320   ZNH5
ZT    202503 20250331   ZTH5
EUR   202503 20250317   6EH5
VIX   202501 20250122   VXF5
RB    202502 20250131   RBG5
MCL   202502 20250117   MCLG5
ZC    202503 20250314   ZCH5
ESTX50 202503 20250321  FESXH5
GBL   202503 20250306   FGBLH5
BRR   202503 20250328   BTCH5
"""


@pytest.mark.parametrize("line", EXPIRIES.strip().splitlines())
def test_futures_ended_when_they_really_did(line: str) -> None:
    symbol, month, last_day, local_symbol = line.split()
    before = Catalogue(clock=SteppedClock(at(date(int(month[:4]) - 1, 1, 2))))
    (future,) = before.find(Contract(symbol=symbol, secType="FUT", lastTradeDateOrContractMonth=month))
    told = (future.contract.lastTradeDateOrContractMonth, future.realExpirationDate, future.contract.localSymbol)
    assert told == (last_day, last_day, local_symbol)
    assert future.contractMonth == month


def test_the_months_of_a_future_are_listed_in_the_order_in_which_they_end(catalogue: Catalogue) -> None:
    for symbol in ("ES", "CL", "GC", "ZC", "VIX", "GBL"):
        days = [one.realExpirationDate for one in catalogue.find(Contract(symbol=symbol, secType="FUT"))]
        assert days == sorted(days) and days[0] >= "20301122" and len(days) > 4


def test_contracts_that_ended_are_listed_only_when_asked_for(catalogue: Catalogue) -> None:
    live = catalogue.find(Contract(symbol="NQ", secType="FUT"))
    every = catalogue.find(Contract(symbol="NQ", secType="FUT"), include_expired=True)
    ended = [one.contractMonth for one in every if one not in live]
    assert ended == ["202812", "202903", "202906", "202909", "202912", "203003", "203006", "203009"]


def roll(catalogue: Catalogue, clock: SteppedClock, day: str) -> tuple[str, ...]:
    clock.time_s = at(date.fromisoformat(day))
    return tuple(one.contract.localSymbol for one in catalogue.find(Contract(symbol="ES", secType="CONTFUT")))


def test_a_continuous_future_is_the_front_month_and_rolls_the_day_after_it_ended(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    (continuous,) = catalogue.find(Contract(symbol="ES", secType="CONTFUT", exchange="CME"))
    (december,) = catalogue.find(Contract(secType="FUT", localSymbol="ESZ0"))
    assert continuous.contract.secType == "CONTFUT"
    assert continuous.conId == december.conId and not continuous.orderable
    assert catalogue.find(Contract(conId=december.conId, secType="CONTFUT")) == (
        *catalogue.find(Contract(symbol="ES", secType="CONTFUT")),
    )
    assert roll(catalogue, clock, "2030-12-20") == ("ESZ0",)
    assert roll(catalogue, clock, "2030-12-21") == ("ESH1",)
    assert catalogue.find(Contract(conId=december.conId, secType="CONTFUT")) == ()


def test_the_evening_after_the_last_session_belongs_to_the_next_contract(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    (december,) = catalogue.find(Contract(secType="FUT", localSymbol="ESZ0"))
    for hour, front in ((22, "ESZ0"), (23, "ESH1")):  # 16:00 and 17:00 in Chicago.
        clock.time_s = datetime(2030, 12, 20, hour, tzinfo=UTC).timestamp()
        (continuous,) = catalogue.find(Contract(symbol="ES", secType="CONTFUT"))
        named = catalogue.front_month("ES")
        assert named is not None
        assert (continuous.contract.localSymbol, named.contract.localSymbol) == (front, front)
        by_number = catalogue.find(Contract(conId=december.conId, secType="CONTFUT"))
        assert len(by_number) == (front == "ESZ0")


def test_what_a_continuous_future_was_at_an_instant(catalogue: Catalogue) -> None:
    (december,) = catalogue.find(Contract(secType="FUT", localSymbol="ESZ0"))
    played = [
        catalogue.playing(december.conId, at(date.fromisoformat(day))).contract.localSymbol
        for day in ("2029-12-21", "2029-12-22", "2030-09-20", "2030-09-23", "2030-12-20")
    ]
    assert played == ["ESZ9", "ESH0", "ESU0", "ESZ0", "ESZ0"]


def test_both_kinds_of_future_can_be_asked_for_at_once(catalogue: Catalogue) -> None:
    found = catalogue.find(Contract(symbol="ES", secType="FUT+CONTFUT"))
    assert [one.contract.secType for one in found].count("CONTFUT") == 1 < len(found)


CHAINS = {"AAPL": ("STK", "penny"), "SPX": ("IND", "nickel"), "SPY": ("STK", "penny")}


@pytest.mark.parametrize("symbol", CHAINS)
def test_a_chain_lies_around_the_price_and_every_contract_of_it_is_found(catalogue: Catalogue, symbol: str) -> None:
    kind, rule = CHAINS[symbol]
    (underlying,) = catalogue.find(Contract(symbol=symbol, secType=kind, currency="USD"))
    (chain,) = catalogue.chains(underlying.conId)
    strikes, expiries = chain.strikes(), catalogue.expiries(chain, underlying.conId)
    assert strikes[0] < underlying.reference_price < strikes[-1]
    assert list(strikes) == sorted(set(strikes)) and list(expiries) == sorted(set(expiries))
    middle = min(strikes, key=lambda strike: abs(strike - underlying.reference_price))
    for expiry in (expiries[0], expiries[-1]):
        both = catalogue.find(
            Contract(symbol=symbol, secType="OPT", lastTradeDateOrContractMonth=expiry, strike=middle)
        )
        assert [one.contract.right for one in both] == ["C", "P"]
        for one in both:
            assert (one.underConId, one.contract.multiplier) == (underlying.conId, "100")
            assert bands_of_rule(int(one.marketRuleIds.split(",")[0])) == BANDED[rule][1]
            assert catalogue.listing(one.conId) == one
            assert CALENDARS[one.calendar].span_s(date.fromisoformat(expiry), liquid=True) is not None


def test_options_on_futures_are_options_on_the_contract_that_ends_with_or_after_them(catalogue: Catalogue) -> None:
    (call,) = catalogue.find(
        Contract(symbol="ES", secType="FOP", lastTradeDateOrContractMonth="20310117", strike=5800.0, right="C")
    )
    (march,) = catalogue.find(Contract(secType="FUT", localSymbol="ESH1"))
    assert (call.underConId, call.contract.multiplier, call.contract.exchange) == (march.conId, "50", "CME")
    assert catalogue.listing(call.conId) == call
    (chain,) = catalogue.chains(march.conId)
    expiries = catalogue.expiries(chain, march.conId)
    assert expiries[0] > "20301220" and expiries[-1] == "20310321"
    (mini,) = catalogue.find(Contract(symbol="MES", secType="FUT", lastTradeDateOrContractMonth="203103"))
    assert list(catalogue.chains(mini.conId)) == []


def test_an_option_s_name_is_its_class_padded_to_six(catalogue: Catalogue) -> None:
    (option,) = catalogue.find(Contract(secType="FOP", localSymbol="LO    310117C00071000"))
    assert (option.contract.symbol, option.contract.strike) == ("CL", 71.0)


def test_what_is_listed_on_an_instrument(catalogue: Catalogue) -> None:
    def on(symbol: str, kind: str) -> tuple[str, ...]:
        (listing,) = catalogue.find(Contract(symbol=symbol, secType=kind, currency="USD"))
        return catalogue.derivatives(listing.conId)

    assert on("V", "STK") == ("CFD", "OPT", "BAG")
    assert on("T", "STK") == ()
    assert on("ES", "IND") == ("FUT", "FOP", "BAG")
    assert on("VIX", "IND") == ("FUT", "BAG")


@pytest.mark.parametrize(
    ("pattern", "first"),
    [("V", "V"), ("ES", "ES"), ("visa", "V"), ("Apple", "AAPL"), ("MA", "MA"), ("SAN", "SAN")],
)
def test_the_best_match_of_a_search_comes_first(catalogue: Catalogue, pattern: str, first: str) -> None:
    assert catalogue.matching(pattern)[0].contract.symbol == first


# Market rules.


@pytest.mark.parametrize(
    ("rule", "price", "step"),
    [
        ("penny", 0.5, 0.01),
        ("penny", 2.99, 0.01),
        ("penny", 3.0, 0.05),
        ("penny", -4.0, 0.05),
        ("nickel", 2.95, 0.05),
        ("nickel", 3.0, 0.1),
        ("mifid", 0.74, 0.0001),
        ("mifid", 97.5, 0.01),
        ("mifid", 212.0, 0.05),
        ("hong kong", 415.0, 0.2),
        ("tokyo", 2680.0, 0.5),
    ],
)
def test_the_step_at_a_price(rule: str, price: float, step: float) -> None:
    assert step_at(BANDED[rule][0], price) == step


def slow_step(bands: tuple[tuple[float, float], ...], price: float) -> float:
    return [step for edge, step in bands if edge <= price][-1]


@pytest.mark.parametrize("rule", BANDED)
def test_steps_grow_with_the_price_and_the_search_finds_what_a_look_through_finds(rule: str) -> None:
    number, bands = BANDED[rule]
    assert bands[0][0] == 0.0 and list(bands) == sorted(bands)
    assert all(step_at(number, price / 7) == slow_step(bands, price / 7) for price in range(0, 20_000, 13))


def test_no_two_rules_share_a_number_and_an_unknown_number_is_none() -> None:
    assert len({number for number, _ in BANDED.values()}) == len(BANDED)
    assert bands_of_rule(26) == ((0.0, 0.01),)
    assert bands_of_rule(999_999) is None


def test_every_listing_has_a_known_rule_for_every_exchange(catalogue: Catalogue) -> None:
    for name in ("V", "EURUSD", "SPX", "ES", "BTC", "XAUUSD", "NESN", "7203.T", "495512516", "ZF", "JPY"):
        listing = catalogue.named(name)
        assert listing is not None, name
        rules = [int(number) for number in listing.marketRuleIds.split(",")]
        assert len(rules) == len(listing.validExchanges)
        for rule in rules:
            bands = bands_of_rule(rule)
            assert bands is not None and bands[0][1] == listing.minTick


# A user's own catalogue.

OWN = """
stocks:
  ACME:
    - {name: ACME CORP, primary: NYSE, price: 42.5, isin: US0000000009, category: Traps}
    - {name: ACME PLC, primary: LSE, price: 3.1}
  LOT: {name: LOTS LTD, primary: SEHK, price: 12, lot: 500}
forex:
  EUR.PLN: {price: 4.3, tick: 0.0001}
indexes:
  ACMEX: {exchange: CBOE, price: 900}
cfds:
  ACME: {price: 42.5, of: ACME}
cryptos:
  DOGE: {price: 0.3, tick: 0.0001, exchange: ZEROHASH}
bonds:
  ACME5: {name: ACME 5% 2040, price: 99, issuer: e7}
commodities:
  XPDUSD: {name: London Palladium, price: 950}
futures:
  AX:
    - {name: Traps, exchange: CBOT, multiplier: 100, tick: 0.5, expiry: third friday, price: 40}
    - {name: Small traps, class: AXM, exchange: CBOT, multiplier: 10, tick: 0.5, expiry: third friday, price: 40}
options:
  ACME: {step: 2.5, rule: nickel}
future_options:
  AX: {step: 1}
"""


def test_a_user_s_catalogue_has_every_kind(tmp_path: Path, clock: SteppedClock) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(OWN)
    catalogue = Catalogue(own, clock=clock)
    find: Callable[..., tuple[Listing, ...]] = lambda **query: catalogue.find(Contract(**query))  # noqa: E731
    assert [one.contract.currency for one in find(symbol="ACME", secType="STK")] == ["USD", "GBP"]
    assert find(symbol="LOT", secType="STK")[0].sizeIncrement == 500.0
    assert find(symbol="EUR", secType="CASH", currency="PLN")[0].minTick == 0.0001
    assert find(symbol="ACMEX", secType="IND")[0].contract.exchange == "CBOE"
    assert (
        find(symbol="ACME", secType="CFD")[0].underConId == find(symbol="ACME", currency="USD", secType="STK")[0].conId
    )
    assert find(symbol="DOGE", secType="CRYPTO")[0].contract.exchange == "ZEROHASH"
    assert find(symbol="XPDUSD", secType="CMDTY")[0].longName == "London Palladium"
    assert {one.contract.multiplier for one in find(symbol="AX", secType="FUT")} == {"100", "10"}
    assert find(symbol="ACME", secType="OPT", strike=42.5)[0].tick_at(5.0) == 0.1
    assert find(symbol="AX", secType="FOP", strike=40.0)[0].contract.multiplier == "100"


def test_looking_up_is_quick(catalogue: Catalogue) -> None:
    """Bounds are wide: ten times what a slow machine takes."""
    queries = {
        Contract(symbol="V", secType="STK", currency="USD"): 0.005,
        Contract(conId=265598): 0.005,
        Contract(symbol="ES", secType="FUT"): 0.05,
        Contract(symbol="AAPL", secType="OPT", lastTradeDateOrContractMonth="20301220", strike=250.0, right="C"): 0.05,
        Contract(symbol="AAPL", secType="OPT", lastTradeDateOrContractMonth="203012"): 0.5,
    }
    for query, bound_s in queries.items():
        assert catalogue.find(query)
        assert min(timeit.repeat(partial(catalogue.find, query), time.thread_time, repeat=5, number=1)) < bound_s, query
