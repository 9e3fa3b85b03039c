"""Daily bars of volatility: the spread of a month's returns, day by day."""

from collections.abc import Iterator

from rules_engine.gateway.bar_requests import BarQuery, no_data
from rules_engine.gateway.generic_ticks import VOLATILITY_DAYS, yearly_volatility
from rules_engine.gateway.history import DAY_S, Bar
from rules_engine.gateway.market import Market


def volatility_bars(market: Market, query: BarQuery) -> tuple[Bar, ...]:
    """Bars of days only. The volatility that options imply is the historical one, where there are options.

    Raises Refused for everything else.
    """
    listing = query.listing
    implied = query.what == "OPTION_IMPLIED_VOLATILITY"
    if query.bar_s != DAY_S or listing.contract.secType not in ("STK", "IND"):
        raise no_data(listing, query.what)
    if implied and not market.has_options(listing.conId):
        raise no_data(listing, query.what)
    start_s = query.end_s - query.length_s
    lead_s = 2 * VOLATILITY_DAYS * DAY_S
    days = market.bars(listing.conId, query.end_s, query.length_s + lead_s, DAY_S, "TRADES", query.use_rth)
    return tuple(bar for bar in _bars(days) if bar.time_s >= start_s - DAY_S)


def _bars(days: tuple[Bar, ...]) -> Iterator[Bar]:
    for number, day in enumerate(days, start=1):
        closes = [one.close for one in days[max(0, number - VOLATILITY_DAYS - 1) : number]]
        value = yearly_volatility(closes)
        if value is not None:
            yield Bar(day.time_s, value, value, value, value, -1.0, -1.0, -1)
