"""The option chain of one underlying, listed on demand: expiries, strikes, contract numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from math import ceil

from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.expiries import option_expiries
from rules_engine.gateway.holidays import business_day_at_or_before
from rules_engine.gateway.hours import CALENDARS
from rules_engine.gateway.market_rules import rule_of_tick

_LOCAL_SYMBOL = re.compile(r"(?P<root>[A-Z ]{6})(?P<expiry>\d{6})(?P<right>[CP])(?P<strike>\d{8})")
_IDS = 0x4000_0000
_STRIKE_BITS, _WEEK_BITS, _CHAIN_BITS = 10, 10, 9
_CHAIN_SHIFT = _STRIKE_BITS + _WEEK_BITS + 1
_FIRST_FRIDAY = date(2020, 1, 3)
_EXPIRED_DAYS = 365
"""Expired contracts are remembered so long."""
_STRIKE_LOW, _STRIKE_HIGH = 0.3, 2.0
"""Lowest and highest strike, relative to the reference price of the underlying."""
_TICK = 0.01
_VENUES = ("SMART", "AMEX", "CBOE", "PHLX", "PSE", "ISE", "BATS", "NASDAQOM")


@dataclass(frozen=True, slots=True)
class OptionChain:
    """All options on one underlying. ``number`` is its place among the chains and part of the contract numbers."""

    number: int
    underlying: Listing
    step: float
    """Distance of the strikes."""

    @property
    def symbol(self) -> str:
        return self.underlying.contract.symbol

    @property
    def exchanges(self) -> tuple[str, ...]:
        """Where the chain trades."""
        return _VENUES

    @property
    def multiplier(self) -> str:
        return "100"

    @property
    def tradingClass(self) -> str:
        return self.symbol

    def expiries(self, today: date) -> tuple[str, ...]:
        """Last trading days, as IB writes them."""
        return tuple(f"{day:%Y%m%d}" for day in option_expiries(today))

    def strikes(self) -> tuple[float, ...]:
        """Lowest first."""
        price = self.underlying.reference_price
        low, high = int(price * _STRIKE_LOW / self.step), int(price * _STRIKE_HIGH / self.step)
        return tuple(
            round(number * self.step, 4) for number in range(max(1, low), min(high, (1 << _STRIKE_BITS) - 1) + 1)
        )

    def listings(self, query: Contract, today: date, *, include_expired: bool) -> Iterator[Listing]:
        """The options that a query with perhaps an expiry, a strike and a right means."""
        first = today - timedelta(days=_EXPIRED_DAYS) if include_expired else today
        wanted = _spelled_out(query)
        days = [day for day in option_expiries(first) if f"{day:%Y%m%d}".startswith(wanted.expiry)]
        strikes = [strike for strike in self.strikes() if wanted.strike in (0.0, strike)]
        for day, strike, right in product(days, strikes, wanted.rights):
            yield self.listing(day, strike, right)

    def listing(self, expiry: date, strike: float, right: str) -> Listing:
        """One option; ``right`` is C or P."""
        week = ceil((expiry - _FIRST_FRIDAY).days / 7)
        code = week << _STRIKE_BITS | round(strike / self.step)
        side = int(right == "P") << _STRIKE_BITS + _WEEK_BITS
        return Listing(
            contract=Contract(
                conId=_IDS | self.number << _CHAIN_SHIFT | side | code,
                symbol=self.symbol,
                secType="OPT",
                lastTradeDateOrContractMonth=f"{expiry:%Y%m%d}",
                strike=strike,
                right=right,
                multiplier=self.multiplier,
                exchange="SMART",
                currency=self.underlying.contract.currency,
                localSymbol=f"{self.symbol:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08}",
                tradingClass=self.tradingClass,
            ),
            longName=self.underlying.longName,
            minTick=_TICK,
            marketName=self.tradingClass,
            validExchanges=_VENUES,
            orderTypes=("LMT", "MKT", "STP", "STPLMT", "COND", "OCA", "BRACKET", "GTC", "IOC"),
            timeZoneId=CALENDARS["us_option"].wire_zone,
            underConId=self.underlying.conId,
            underSymbol=self.symbol,
            underSecType=self.underlying.contract.secType,
            contractMonth=f"{expiry:%Y%m}",
            realExpirationDate=f"{expiry:%Y%m%d}",
            industry=self.underlying.industry,
            marketRuleIds=",".join([str(rule_of_tick(_TICK))] * len(_VENUES)),
            suggestedSizeIncrement=1.0,
            calendar="us_option",
        )

    def numbered(self, conId: int) -> Listing | None:
        """The option behind one of this chain's numbers; None where there is no such strike."""
        strike = round((conId & (1 << _STRIKE_BITS) - 1) * self.step, 4)
        week = conId >> _STRIKE_BITS & (1 << _WEEK_BITS) - 1
        right = "P" if conId >> _STRIKE_BITS + _WEEK_BITS & 1 else "C"
        expiry = business_day_at_or_before(_FIRST_FRIDAY + timedelta(weeks=week))
        return self.listing(expiry, strike, right) if strike in self.strikes() else None


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


def underlying_of(local_symbol: str) -> str:
    """AAPL of `AAPL  301220P00250000`; empty when the text is not an option's local symbol."""
    match = _LOCAL_SYMBOL.fullmatch(local_symbol)
    return match["root"].strip() if match else ""


def expiry_s(listing: Listing) -> float:
    """The instant at which an option's life ends."""
    day = datetime.strptime(listing.realExpirationDate, "%Y%m%d").date()
    span = CALENDARS[listing.calendar].span_s(day, liquid=True)
    assert span is not None, listing.realExpirationDate
    return span[1]
