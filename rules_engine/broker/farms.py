"""Which instruments a market data farm of IB may serve, by the farm's name. IB nowhere says it.

The names are those that public logs show (https://github.com/IbcAlpha/IBC/issues/143 and
https://github.com/mementum/backtrader/issues/354 among many). Only the region in them is relied on, and the word
`cash`: the kind is not, for futures have come over `usfarm.nj`. Whatever is in doubt is served by every farm.
"""

from enum import Enum, auto

from rules_engine.broker.library import Contract


class Region(Enum):
    """Where prices come from."""

    US = auto()
    CANADA = auto()
    EUROPE = auto()
    ASIA = auto()
    CURRENCIES = auto()


_REGIONS = {
    **dict.fromkeys(("usfarm", "usfarm.nj", "usfarm.us", "usopt", "usopt.nj", "usbond"), Region.US),
    **dict.fromkeys(("usfuture", "usfuture.nj", "usfuture.us"), Region.US),
    "cafarm": Region.CANADA,
    **dict.fromkeys(("eufarm", "eufarmnj"), Region.EUROPE),
    **dict.fromkeys(("hfarm", "jfarm"), Region.ASIA),
    "cashfarm": Region.CURRENCIES,
}
_US_LISTINGS = frozenset({"NYSE", "NASDAQ", "ARCA", "AMEX", "BATS", "IEX"})
_US_FUTURES = frozenset({"CME", "CBOT", "NYMEX", "COMEX", "CFE"})
_BY_CURRENCY = {
    **dict.fromkeys(("EUR", "GBP", "CHF", "SEK", "NOK", "DKK"), Region.EUROPE),
    **dict.fromkeys(("JPY", "HKD"), Region.ASIA),
}
"""Of shares alone: futures in these currencies trade in the US too."""


def farm_in(text: str) -> str:
    """The farm that a message of IB names behind its colon; empty where it names none."""
    return text.rpartition(":")[2].strip() if ":" in text else ""


def may_serve(farm: str, contract: Contract) -> bool:
    """False only where farm and contract are surely of different regions."""
    of_farm, of_contract = _REGIONS.get(farm), _region(contract)
    return of_farm is None or of_contract is None or of_farm is of_contract


def _region(contract: Contract) -> Region | None:
    match contract.secType:
        case "CASH":
            return Region.CURRENCIES
        case "STK" if contract.primaryExchange in _US_LISTINGS and contract.currency == "USD":
            return Region.US
        case "STK":
            return _BY_CURRENCY.get(contract.currency)
        case "FUT" if contract.exchange in _US_FUTURES:
            return Region.US
        case _:
            return None
