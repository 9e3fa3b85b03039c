"""What a request for historical bars asks for, and which ones cannot be."""

import re
from dataclasses import dataclass

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.lookup import the_one
from rules_engine.gateway.market.forming import TRADED
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.spans import bar_size_s, duration_s
from rules_engine.gateway.messages.history_messages import ReqHistoricalData
from rules_engine.gateway.times import read_time, time_text
from rules_engine.gateway.wire.refusals import CONTINUOUS, Refused, invalid

VOLATILITIES = frozenset({"HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY"})
_SHOWN = TRADED | VOLATILITIES | {"MIDPOINT", "BID", "ASK", "BID_ASK", "SCHEDULE"}
_KEPT = frozenset({"TRADES", "AGGTRADES", "MIDPOINT", "BID", "ASK"})
_BARS_MAX = 100_000
_SECONDS_MAX = 2000
"""The longest duration of bars of a second."""
_KEPT_BAR_MIN_S = 5.0
_SERVICE = "Historical Market Data Service error message:"
_NO_DATE = re.compile(r"\d{2}:\d{2}:\d{2}( [\w/+-]+)?")
_BAD_TIME = (
    "End Date/Time: The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xx/xxxx "
    "where yyyymmdd and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern  Note that there is a space between "
    "the date and time, and between the time and time-zone.  If no date is specified, current date is assumed. If no "
    "time-zone is specified, local time-zone is assumed(deprecated).  You can also provide yyyymmddd-hh:mm:ss time is "
    "in UTC. Note that there is a dash between the date and time in UTC notation."
)


@dataclass(frozen=True, slots=True)
class BarQuery:
    """Bars of one length of `[end_s - length_s, end_s)`."""

    listing: Listing
    what: str
    bar_s: float
    end_s: float
    length_s: float
    use_rth: bool


def read_bar_request(request: ReqHistoricalData, market: Market, now_s: float) -> BarQuery:
    """Raises NotFound or Refused for a request that cannot be served."""
    listing = the_one(market.catalogue, request.contract)
    check_shown(request.whatToShow, listing)
    try:
        bar_s, (length_s, days) = bar_size_s(request.barSize), duration_s(request.duration)
    except ValueError as error:
        raise invalid(str(error)) from error
    _check_end(request, listing)
    if request.keepUpToDate:
        _check_kept(request, bar_s)
    end_s = min(now_s, read_end(request.endDateTime, now_s))
    if days:
        length_s = end_s - market.days_start_s(listing.conId, end_s, days)
    if bar_s == 1.0 and length_s > _SECONDS_MAX:
        raise service_error("invalid step: 1")
    if length_s / bar_s > _BARS_MAX:
        raise service_error("Time length exceeds the maximum")
    return BarQuery(listing, request.whatToShow, bar_s, end_s, length_s, request.useRth)


def check_shown(what: str, listing: Listing) -> None:
    """Whether an instrument has a past of this kind."""
    if what not in _SHOWN:
        raise invalid(f"Invalid what to show {what!r}")
    crypto = listing.contract.secType == "CRYPTO"
    if what in ("TRADES", "AGGTRADES") and crypto != (what == "AGGTRADES"):
        wanted = "AGGTRADES" if crypto else "TRADES"
        raise Refused(10299, f"Expected what to show is {wanted}, please use that instead of {what}.")
    if what in TRADED and not listing.prints_trades:
        raise no_data(listing, what)
    if what in ("BID", "ASK", "MIDPOINT", "BID_ASK") and not listing.quotes:
        raise no_data(listing, what)


def read_end(text: str, now_s: float) -> float:
    """The end of a request: empty is now, and a time of day is one of today. Raises Refused."""
    if not text.strip():
        return now_s
    today = time_text(now_s).partition(" ")[0]
    try:
        return read_time(f"{today} {text}" if _NO_DATE.fullmatch(text.strip()) else text)
    except ValueError as error:
        raise Refused(10314, _BAD_TIME) from error


def service_error(text: str) -> Refused:
    """Error 162: the service that keeps history could not."""
    return Refused(162, _SERVICE + text)


def no_data(listing: Listing, what: str) -> Refused:
    """Error 162 with TWS's name of the instrument."""
    contract = listing.contract
    name = f"{contract.symbol}.{contract.currency}" if contract.secType == "CASH" else contract.symbol
    return service_error(f"HMDS query returned no data: {name}@{contract.exchange} {what.title()}")


def _check_end(request: ReqHistoricalData, listing: Listing) -> None:
    if not request.endDateTime.strip():
        return
    if request.keepUpToDate:
        raise invalid("End time not supported with keepUpToDate")
    if listing.contract.secType == CONTINUOUS:
        raise Refused(10339, "Setting end date/time for continuous future security type is not allowed.")
    if request.whatToShow == "ADJUSTED_LAST":
        raise invalid("End date not supported with adjusted last")


def _check_kept(request: ReqHistoricalData, bar_s: float) -> None:
    if request.whatToShow not in _KEPT:
        raise invalid(f"{request.whatToShow} cannot be kept up to date")
    if bar_s < _KEPT_BAR_MIN_S:
        raise invalid("Bars that are kept up to date last 5 seconds at least")
    if request.contract.secType == CONTINUOUS:
        raise invalid("Continuous futures cannot be kept up to date")
