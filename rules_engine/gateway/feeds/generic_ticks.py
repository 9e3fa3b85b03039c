"""Generic ticks: what a client asks for by number beyond the usual ticks, and what is told of it once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.feeds.tick_types import (
    AUCTION_IMBALANCE,
    AUCTION_PRICE,
    AUCTION_VOLUME,
    CALL_VOLUME,
    CALLS_OPEN,
    DIVIDENDS,
    FUTURES_OPEN,
    HISTORICAL_VOLATILITY,
    IMPLIED_VOLATILITY,
    LIVE_VOLATILITY,
    LOW_HIGH_13_WEEKS,
    LOW_HIGH_26_WEEKS,
    LOW_HIGH_52_WEEKS,
    MEAN_OPTION_VOLUME,
    MEAN_VOLUME,
    PUT_VOLUME,
    PUTS_OPEN,
    SHORTABLE,
    SHORTABLE_SHARES,
)
from rules_engine.gateway.market.history import Bar
from rules_engine.gateway.market.path import mixed
from rules_engine.gateway.market.quote import Quote
from rules_engine.gateway.messages.price_messages import TickGeneric, TickPrice, TickSize, TickString
from rules_engine.gateway.wire.refusals import invalid

OPTION_VOLUME, OPEN_INTEREST, VOLATILITY, MEAN_OPTIONS, IMPLIED, STATISTICS = 100, 101, 104, 105, 106, 165
MARK, AUCTION, PLAIN_MARK, REPORTS, INVENTORY = 221, 225, 232, 233, 236
COUNT, RATE, SIZE_RATE, TRADE_REPORTS, RECENT_VOLATILITY, DIVIDEND, FUTURES_INTEREST = 293, 294, 295, 375, 411, 456, 588
LEGAL = {
    OPTION_VOLUME: "100(Option Volume)",
    OPEN_INTEREST: "101(Option Open Interest)",
    VOLATILITY: "104(Historical Volatility)",
    MEAN_OPTIONS: "105(Average Opt Volume)",
    IMPLIED: "106(impvolat)",
    162: "162(Index Future Premium)",
    STATISTICS: "165(Misc. Stats)",
    MARK: "221/220(Creditman Mark Price)",
    AUCTION: "225(Auction)",
    PLAIN_MARK: "232/221(Pl Price)",
    REPORTS: "233(RTVolume)",
    INVENTORY: "236(inventory)",
    258: "258/47(Fundamentals)",
    292: "292(Wide_news)",
    COUNT: "293(TradeCount)",
    RATE: "294(TradeRate)",
    SIZE_RATE: "295(VolumeRate)",
    318: "318(LastRTHTrade)",
    TRADE_REPORTS: "375(RTTrdVolume)",
    RECENT_VOLATILITY: "411(rthistvol)",
    DIVIDEND: "456/59(IBDividends)",
    460: "460(Bond Factor Multiplier)",
    576: "576(EtfNavBidAsk(navbidask))",
    577: "577(EtfNavLast(navlast))",
    578: "578(EtfNavClose(navclose))",
    586: "586(IPOHLMPRC)",
    587: "587(Pl Price Delayed)",
    FUTURES_INTEREST: "588(Futures Open Interest)",
    595: "595(Short-Term Volume X Mins)",
    614: "614(EtfNavMisc(high/low))",
    619: "619(Creditman Slow Mark Price)",
    623: "623(EtfFrozenNavLast(fznavlast))",
}
_LEGAL_WORDS = frozenset(map(str, LEGAL))
"""What may be asked for, as TWS lists it (deephaven-ib issue 46). Those without a name of their own tell nothing."""

_NO_DEFAULTS = "mdoff"
_VOLATILITIES = (
    (VOLATILITY, HISTORICAL_VOLATILITY),
    (IMPLIED, IMPLIED_VOLATILITY),
    (RECENT_VOLATILITY, LIVE_VOLATILITY),
)
_EASY_TO_BORROW = 3.0
_SHARES_TO_BORROW = 10_000_000.0
_DAYS_OF_WEEK = 5
_DAYS_OF_YEAR = 252
VOLATILITY_DAYS = 30


@dataclass(frozen=True, slots=True)
class Asked:
    """What a market data request wants: ``numbers`` beyond the usual ticks, or with ``alone`` nothing else."""

    numbers: frozenset[int]
    alone: bool


def read_generic(text: str, secType: str) -> Asked:
    """The comma-separated list of a request. Raises Refused with TWS's sentence."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    alone = _NO_DEFAULTS in words
    numbers = [word for word in words if word != _NO_DEFAULTS]
    if not all(word in _LEGAL_WORDS for word in numbers):
        legal = ",".join(LEGAL.values())
        raise invalid(f"Incorrect generic tick list of {text}.  Legal ones for ({secType}) are: {legal}")
    return Asked(frozenset(map(int, numbers)), alone)


def standing_ticks(
    reqId: int, asked: frozenset[int], listing: Listing, quote: Quote, *, has_options: bool
) -> Iterator[object]:
    """What is made up, and stays the same while a line is open.

    No auction is simulated, no dividends are paid, and everything can be borrowed; volumes and open interest of options
    and futures come from the contract's number.
    """
    secType = listing.contract.secType
    if has_options:
        yield from _options(reqId, asked, listing.conId)
    if FUTURES_INTEREST in asked and secType == "FUT":
        yield TickSize(reqId, FUTURES_OPEN, _made_up(listing.conId, FUTURES_OPEN))
    if AUCTION in asked and quote.last is not None:
        yield TickPrice(reqId, AUCTION_PRICE, quote.last, 0)
        yield TickSize(reqId, AUCTION_VOLUME, 0)
        yield TickSize(reqId, AUCTION_IMBALANCE, 0)
    if secType == "STK" and INVENTORY in asked:
        yield TickGeneric(reqId, SHORTABLE, _EASY_TO_BORROW)
        yield TickSize(reqId, SHORTABLE_SHARES, _SHARES_TO_BORROW)
    if secType == "STK" and DIVIDEND in asked:
        yield TickString(reqId, DIVIDENDS, ",,,")


def _options(reqId: int, asked: frozenset[int], conId: int) -> Iterator[object]:
    for number, ticks in (
        (OPTION_VOLUME, (CALL_VOLUME, PUT_VOLUME)),
        (OPEN_INTEREST, (CALLS_OPEN, PUTS_OPEN)),
        (MEAN_OPTIONS, (MEAN_OPTION_VOLUME,)),
    ):
        if number in asked:
            for tick in ticks:
                yield TickSize(reqId, tick, _made_up(conId, tick))


def _made_up(conId: int, tick: int) -> float:
    return float(1000 + mixed(conId * 101 + tick) % 100_000)


def asks_volatility(asked: frozenset[int], listing: Listing) -> bool:
    """Whether a month of closes is needed."""
    wanted = {number for number, _ in _VOLATILITIES}
    return listing.contract.secType in ("STK", "IND") and not asked.isdisjoint(wanted)


def volatility_ticks(
    reqId: int, asked: frozenset[int], closes: Sequence[float], *, has_options: bool
) -> Iterator[object]:
    """The volatility of a month of closes; what options imply is the same, where there are options."""
    volatility = yearly_volatility(closes)
    for number, tick in _VOLATILITIES if volatility is not None else ():
        if number in asked and (has_options or number != IMPLIED):
            yield TickGeneric(reqId, tick, volatility or 0.0)


def yearly_volatility(closes: Sequence[float]) -> float | None:
    """The spread of daily returns, as a fraction of a year; None of fewer than three days."""
    if len(closes) < 3:
        return None
    returns = [math.log(later / sooner) for sooner, later in pairwise(closes)]
    mean = sum(returns) / len(returns)
    variance = sum((one - mean) ** 2 for one in returns) / (len(returns) - 1)
    return round(math.sqrt(variance * _DAYS_OF_YEAR), 6)


def weekly_ticks(reqId: int, days: Sequence[Bar]) -> Iterator[object]:
    """Lows and highs of 13, 26 and 52 weeks, and the mean volume of a day, from daily bars, the newest last."""
    if not days:
        return
    for weeks, (low, high) in ((13, LOW_HIGH_13_WEEKS), (26, LOW_HIGH_26_WEEKS), (52, LOW_HIGH_52_WEEKS)):
        span = days[-weeks * _DAYS_OF_WEEK :]
        yield TickPrice(reqId, low, min(bar.low for bar in span), 0)
        yield TickPrice(reqId, high, max(bar.high for bar in span), 0)
    quarter = days[-13 * _DAYS_OF_WEEK :]
    yield TickSize(reqId, MEAN_VOLUME, round(sum(max(0.0, bar.volume) for bar in quarter) / len(quarter)))
