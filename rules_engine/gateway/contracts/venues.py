"""Exchanges: the home of a stock, where else it trades, and which orders are taken where."""

from dataclasses import dataclass

_EVERYWHERE = (
    "ACTIVETIM AD ADJUST ALERT ALLOC AVGCOST BASKET COND CONDORDER DAY DEACT DEACTDIS DEACTEOD GAT GTC GTD GTT"
)
_RESTING = "HID ICE IOC LIT LMT MIT MKT NONALGO OCA SCALE SCALERST SNAPMID SNAPMKT SNAPREL STP STPLMT"
_TRAILING = "TRAIL TRAILLIT TRAILLMT TRAILMIT WHATIF"


def _orders(*groups: str) -> tuple[str, ...]:
    return tuple(sorted({word for group in groups for word in group.split()}))


STOCK_ORDERS = _orders(
    _EVERYWHERE, _RESTING, _TRAILING, "AON FOK LOC MIDPX MOC MTL OPG OPGREROUT PEGBENCH PEGMID REL RTH SWEEP SIZECHK"
)
FUTURE_ORDERS = _orders(_EVERYWHERE, _RESTING, _TRAILING, "BENCHPX LTH MTL NGCOMB PEGBENCH")
OPTION_ORDERS = _orders(_EVERYWHERE, _RESTING, _TRAILING, "AON FOK MTL OPENCLOSE OPG PEGBENCH REL RTH SIZECHK VOLAT")
FOREX_ORDERS = _orders(_EVERYWHERE, _RESTING, _TRAILING, "CASHQTY FOK FXORDER NOTHELD")
CFD_ORDERS = _orders(_EVERYWHERE, _RESTING, _TRAILING, "LOC MOC MTL OPG REL RTH")
BOND_ORDERS = _orders(_EVERYWHERE, "IOC LMT MKT STP STPLMT WHATIF")
CRYPTO_ORDERS = _orders("ALERT CASHQTY COND CONDORDER DAY DEACT GTC GTD IOC LMT MKT WHATIF")


@dataclass(frozen=True, slots=True)
class Venue:
    """The primary exchange of a stock. ``hours`` names trading hours, ``rule`` a market rule with several steps."""

    currency: str
    hours: str
    exchanges: tuple[str, ...]
    aggGroup: int
    rule: str = ""
    tradingClass: str = ""
    """Where it is not the stock's symbol."""


_US = (
    *("SMART", "AMEX", "NYSE", "CBOE", "PHLX", "ISE", "CHX", "ARCA", "NASDAQ", "ISLAND", "DRCTEDGE", "BEX", "BATS"),
    *("EDGEA", "BYX", "IEX", "EDGX", "FOXRIVER", "PEARL", "NYSENAT", "LTSE", "MEMX", "PSX"),
)
_GERMAN = ("SMART", "FWB", "IBIS", "TGATE", "GETTEX", "SWB")
VENUES = {
    "NASDAQ": Venue("USD", "us_stock", _US, 1, tradingClass="NMS"),
    "NYSE": Venue("USD", "us_stock", _US, 1),
    "ARCA": Venue("USD", "us_stock", _US, 1),
    "AMEX": Venue("USD", "us_stock", _US, 1),
    "BATS": Venue("USD", "us_stock", _US, 1),
    "TSE": Venue("CAD", "toronto", ("SMART", "TSE", "CHIX_CA", "OMEGA", "ALPHA"), 3),
    "MEXI": Venue("MXN", "mexico", ("SMART", "MEXI"), 20),
    "LSE": Venue("GBP", "london", ("SMART", "LSE", "CHIXUK", "BATEUK", "TRQXUK"), 11, rule="mifid"),
    "LSEETF": Venue("GBP", "london", ("SMART", "LSEETF"), 11, rule="mifid"),
    "IBIS": Venue("EUR", "frankfurt", _GERMAN, 5, rule="mifid", tradingClass="XETRA"),
    "IBIS2": Venue("EUR", "frankfurt", _GERMAN, 5, rule="mifid", tradingClass="XETRA"),
    "SBF": Venue("EUR", "paris", ("SMART", "SBF", "CHIXEN", "BATEEN", "AQEUEN"), 4, rule="mifid"),
    "AEB": Venue("EUR", "amsterdam", ("SMART", "AEB", "CHIXEN", "BATEEN", "AQEUEN"), 4, rule="mifid"),
    "BM": Venue("EUR", "madrid", ("SMART", "BM", "CHIXES", "BATEES", "AQEUES"), 4, rule="mifid"),
    "EBS": Venue("CHF", "zurich", ("SMART", "EBS", "CHIXCH"), 6, rule="mifid"),
    "SEHK": Venue("HKD", "hong_kong", ("SEHK",), 15, rule="hong kong"),
    "TSEJ": Venue("JPY", "tokyo", ("SMART", "TSEJ", "JPNNEXT", "CHIXJ"), 12, rule="tokyo"),
}
"""By IB's name of the exchange."""

SAME_EXCHANGE = {"ISLAND": "NASDAQ", "XETRA": "IBIS"}
"""Other names that a query may say for a primary exchange."""
