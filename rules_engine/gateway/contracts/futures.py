"""Futures of one root, listed on demand: months, last trading days, local symbols, contract numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from zlib import crc32

from rules_engine.gateway.contracts.calendars import NEW_YORK, exchange_days
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.expiries import LAST_TRADING_DAY, MONTH_LETTERS, listed_until
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.contracts.market_rules import rule_of_tick
from rules_engine.gateway.contracts.venues import FUTURE_ORDERS

_LOCAL_SYMBOL = re.compile(rf"(?P<root>\w+?)(?P<month>[{MONTH_LETTERS}])(?P<year>\d)")
_IDS = 0x2000_0000
_MONTH_BITS, _ROOT_BITS = 12, 17
_EPOCH_YEAR = 2000
_EXPIRED_YEARS = 2
"""Expired contracts are remembered so long."""
_NO_GROUP = 2147483647
"""What TWS writes where nothing is routed smartly."""
# Globex opens on holidays of New York, yet they are no business days in the life of a contract.
_BUSINESS_DAYS = {"CMES": NEW_YORK, "CFE": NEW_YORK}


@dataclass(frozen=True, slots=True)
class FutureRoot:
    """What all contracts of one future have in common."""

    symbol: str
    tradingClass: str
    name: str
    exchange: str
    multiplier: str
    tick: float
    months: str
    """Letters of the months that are listed."""
    expiry: str
    """Name of the rule for the last trading day."""
    price: float
    calendar: str
    currency: str = "USD"
    magnifier: int = 1
    underConId: int = 0
    lastTradeTime: str = ""
    """When trading ends on the last day, in the exchange's zone; empty at the end of its session."""

    @property
    def root_id(self) -> int:
        """Its part of the contract numbers: the same on every machine."""
        return crc32(f"FUT:{self.symbol}:{self.exchange}:{self.multiplier}".encode()) & (1 << _ROOT_BITS) - 1

    def listings(self, today: date, *, include_expired: bool) -> Iterator[Listing]:
        """All contracts that trade on ``today`` or later, the next to expire first."""
        oldest = today - timedelta(days=_EXPIRED_YEARS * 365) if include_expired else today
        until = listed_until(today)
        for year in range(oldest.year, until.year + 2):
            for letter in self.months:
                month = MONTH_LETTERS.index(letter) + 1
                if oldest <= self.last_day(year, month) <= until:
                    yield self.listing(year, month)

    def front(self, today: date) -> Listing:
        """The contract that is next to expire."""
        return next(self.listings(today, include_expired=False))

    def last_day(self, year: int, month: int) -> date:
        """The last trading day of the contract of one delivery month."""
        code = CALENDARS[self.calendar].calendar
        return _last_day(self.expiry, _BUSINESS_DAYS.get(code, code), year, month)

    def listing(self, year: int, month: int) -> Listing:
        """The contract of one delivery month."""
        last_day = self.last_day(year, month)
        return Listing(
            contract=Contract(
                conId=_IDS | self.root_id << _MONTH_BITS | (year - _EPOCH_YEAR) * 12 + month - 1,
                symbol=self.symbol,
                secType="FUT",
                lastTradeDateOrContractMonth=f"{last_day:%Y%m%d}",
                multiplier=self.multiplier,
                exchange=self.exchange,
                currency=self.currency,
                localSymbol=f"{self.tradingClass}{MONTH_LETTERS[month - 1]}{year % 10}",
                tradingClass=self.tradingClass,
            ),
            longName=self.name,
            minTick=self.tick,
            marketName=self.tradingClass,
            validExchanges=(self.exchange,),
            orderTypes=FUTURE_ORDERS,
            timeZoneId=CALENDARS[self.calendar].wire_zone,
            priceMagnifier=self.magnifier,
            underConId=self.underConId,
            underSymbol=self.symbol,
            underSecType="IND",
            contractMonth=f"{year}{month:02}",
            realExpirationDate=f"{last_day:%Y%m%d}",
            lastTradeTime=self.lastTradeTime,
            aggGroup=_NO_GROUP,
            marketRuleIds=str(rule_of_tick(self.tick)),
            suggestedSizeIncrement=1.0,
            calendar=self.calendar,
            reference_price=self.price,
        )

    def numbered(self, conId: int) -> Listing | None:
        """The contract behind one of this root's numbers; None where that month is not listed."""
        years, month = divmod(conId & (1 << _MONTH_BITS) - 1, 12)
        return self.listing(_EPOCH_YEAR + years, month + 1) if MONTH_LETTERS[month] in self.months else None


@lru_cache(maxsize=8192)
def _last_day(rule: str, exchange: str, year: int, month: int) -> date:
    return LAST_TRADING_DAY[rule](year, month, exchange_days(exchange))


def root_id_of(conId: int) -> int | None:
    """The root part of a future's contract number, None for any other number."""
    in_range = _IDS <= conId < _IDS << 1
    return conId >> _MONTH_BITS & (1 << _ROOT_BITS) - 1 if in_range else None


def trading_class_of(local_symbol: str) -> str:
    """ES of ESZ0; empty when the text is not a future's local symbol."""
    match = _LOCAL_SYMBOL.fullmatch(local_symbol)
    return match["root"] if match else ""
