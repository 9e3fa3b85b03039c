"""The numbers of ticks and of market data types."""

from dataclasses import dataclass

LIVE, FROZEN, DELAYED, DELAYED_FROZEN = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class TickTypes:
    """The numbers of one family of ticks: live or delayed."""

    bid: int
    ask: int
    last: int
    bidSize: int
    askSize: int
    lastSize: int
    high: int
    low: int
    volume: int
    close: int
    open: int
    lastTime: int
    halted: int


LIVE_TICKS = TickTypes(1, 2, 4, 0, 3, 5, 6, 7, 8, 9, 14, 45, 49)
DELAYED_TICKS = TickTypes(66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 88, 90)

LOW_HIGH_13_WEEKS, LOW_HIGH_26_WEEKS, LOW_HIGH_52_WEEKS, MEAN_VOLUME = (15, 16), (17, 18), (19, 20), 21
HISTORICAL_VOLATILITY, IMPLIED_VOLATILITY, LIVE_VOLATILITY = 23, 24, 58
CALLS_OPEN, PUTS_OPEN, CALL_VOLUME, PUT_VOLUME, FUTURES_OPEN, MEAN_OPTION_VOLUME = 27, 28, 29, 30, 86, 87
AUCTION_VOLUME, AUCTION_PRICE, AUCTION_IMBALANCE = 34, 35, 36
MARK_PRICE = 37
SHORTABLE, SHORTABLE_SHARES = 46, 89
RT_VOLUME, RT_TRADE_VOLUME = 48, 77
TRADE_COUNT, TRADE_RATE, VOLUME_RATE = 54, 55, 56
DIVIDENDS = 59
