"""The option chain of one underlying, listed on demand: expiries, strikes, contract numbers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import product
from math import ceil

from rules_engine.gateway.contracts.calendars import NEW_YORK, ExchangeDays, exchange_days
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.expiries import option_expiries
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.contracts.market_rules import BANDED
from rules_engine.gateway.contracts.venues import OPTION_ORDERS

_LOCAL_SYMBOL = re.compile(r"(?P<root>[A-Z0-9. ]{6})(?P<expiry>\d{6})(?P<right>[CP])(?P<strike>\d{8})")
_IDS = 0x4000_0000
_STRIKE_BITS, _WEEK_BITS, _CHAIN_BITS = 10, 10, 9
_CHAIN_SHIFT = _STRIKE_BITS + _WEEK_BITS + 1
_FIRST_FRIDAY = date(2020, 1, 3)
_EXPIRED_DAYS = 365
"""Expired contracts are remembered so long."""
_STRIKE_LOW, _STRIKE_HIGH = 0.3, 2.0
"""Lowest and highest strike, relative to the reference price of the underlying."""
US_VENUES = (
    "SMART",
    "AMEX",
    "CBOE",
    "CBOE2",
    "PHLX",
    "PSE",
    "ISE",
    "BOX",
    "BATS",
    "NASDAQOM",
    "MIAX",
    "GEMINI",
    "EDGX",
)
INDEX_VENUES = ("SMART", "CBOE")


@dataclass(frozen=True, slots=True)
class OptionChain:
    """All options on one underlying. ``number`` is its place among the chains and part of the contract numbers."""

    number: int
    secType: str
    """OPT, or FOP on a future."""
    symbol: str
    longName: str
    price: float
    """Where the underlying stands; the strikes lie around it."""
    step: float
    """Distance of the strikes."""
    tradingClass: str
    multiplier: str
    currency: str
    exchanges: tuple[str, ...]
    """Where the chain trades."""
    rule: str
    """Name of its market rule."""
    calendar: str
    underSecType: str
    industry: str = ""
    category: str = ""
    underlying: Callable[[date], int] = field(kw_only=True, compare=False)
    """The contract number of what an option that expires on a day is an option on."""

    def expiries(self, today: date, underConId: int = 0) -> tuple[str, ...]:
        """Last trading days, as IB writes them; with ``underConId`` those of options on that contract."""
        return tuple(
            f"{day:%Y%m%d}" for day in _expiries(today) if underConId == 0 or self.underlying(day) == underConId
        )

    def strikes(self) -> tuple[float, ...]:
        """Lowest first."""
        return _strikes(self.price, self.step)

    def listings(self, query: Contract, today: date, *, include_expired: bool) -> Iterator[Listing]:
        """The options that a query with perhaps an expiry, a strike and a right means."""
        first = today - timedelta(days=_EXPIRED_DAYS) if include_expired else today
        wanted = _spelled_out(query)
        days = [day for day in _expiries(first) if f"{day:%Y%m%d}".startswith(wanted.expiry)]
        strikes = [strike for strike in self.strikes() if wanted.strike in (0.0, strike)]
        for day, strike, right in product(days, strikes, wanted.rights):
            yield self.listing(day, strike, right)

    def listing(self, expiry: date, strike: float, right: str) -> Listing:
        """One option; ``right`` is C or P."""
        week = ceil((expiry - _FIRST_FRIDAY).days / 7)
        code = week << _STRIKE_BITS | round(strike / self.step)
        side = int(right == "P") << _STRIKE_BITS + _WEEK_BITS
        number, bands = BANDED[self.rule]
        return Listing(
            contract=Contract(
                conId=_IDS | self.number << _CHAIN_SHIFT | side | code,
                symbol=self.symbol,
                secType=self.secType,
                lastTradeDateOrContractMonth=f"{expiry:%Y%m%d}",
                strike=strike,
                right=right,
                multiplier=self.multiplier,
                exchange=self.exchanges[0],
                currency=self.currency,
                localSymbol=f"{self.tradingClass:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08}",
                tradingClass=self.tradingClass,
            ),
            longName=self.longName,
            minTick=bands[0][1],
            marketName=self.tradingClass,
            validExchanges=self.exchanges,
            orderTypes=OPTION_ORDERS,
            timeZoneId=CALENDARS[self.calendar].wire_zone,
            underConId=self.underlying(expiry),
            underSymbol=self.symbol,
            underSecType=self.underSecType,
            contractMonth=f"{expiry:%Y%m}",
            realExpirationDate=f"{expiry:%Y%m%d}",
            industry=self.industry,
            category=self.category,
            aggGroup=2,
            marketRuleIds=",".join([str(number)] * len(self.exchanges)),
            suggestedSizeIncrement=1.0,
            calendar=self.calendar,
        )

    def numbered(self, conId: int) -> Listing | None:
        """The option behind one of this chain's numbers; None where there is no such strike."""
        strike = round((conId & (1 << _STRIKE_BITS) - 1) * self.step, 4)
        week = conId >> _STRIKE_BITS & (1 << _WEEK_BITS) - 1
        right = "P" if conId >> _STRIKE_BITS + _WEEK_BITS & 1 else "C"
        expiry = _days().at_or_before(_FIRST_FRIDAY + timedelta(weeks=week))
        return self.listing(expiry, strike, right) if strike in self.strikes() else None


def _days() -> ExchangeDays:
    return exchange_days(NEW_YORK)


@lru_cache(maxsize=16)
def _expiries(today: date) -> tuple[date, ...]:
    return tuple(option_expiries(today, _days()))


@lru_cache(maxsize=256)
def _strikes(price: float, step: float) -> tuple[float, ...]:
    low, high = int(price * _STRIKE_LOW / step), int(price * _STRIKE_HIGH / step)
    return tuple(round(number * step, 4) for number in range(max(1, low), min(high, (1 << _STRIKE_BITS) - 1) + 1))


@dataclass(frozen=True, slots=True)
class _Wanted:
    expiry: str
    """Six or eight digits, or none."""
    strike: float
    rights: str


def _spelled_out(query: Contract) -> _Wanted:
    """What a query wants, its local symbol taken apart."""
    match = _LOCAL_SYMBOL.fullmatch(query.localSymbol)
    if match:
        return _Wanted(f"20{match['expiry']}", int(match["strike"]) / 1000, match["right"])
    right = query.right[:1].upper()
    return _Wanted(query.lastTradeDateOrContractMonth[:8], query.strike, right if right in ("C", "P") else "CP")


def chain_number_of(conId: int) -> int | None:
    """The chain part of an option's contract number, None for any other number."""
    in_range = _IDS <= conId < _IDS << 1
    return conId >> _CHAIN_SHIFT & (1 << _CHAIN_BITS) - 1 if in_range else None


def trading_class_of(local_symbol: str) -> str:
    """AAPL of `AAPL  301220P00250000`; empty when the text is not an option's local symbol."""
    match = _LOCAL_SYMBOL.fullmatch(local_symbol)
    return match["root"].strip() if match else ""


def expiry_s(listing: Listing) -> float:
    """The instant at which an option's life ends."""
    day = datetime.strptime(listing.realExpirationDate, "%Y%m%d").date()
    span = CALENDARS[listing.calendar].span_s(day, liquid=True)
    assert span is not None, listing.realExpirationDate
    return span[1]
