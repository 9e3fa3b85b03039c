"""Daily bars of volatility: the spread of a month's returns, day by day."""

from collections.abc import Iterator

from rules_engine.gateway.feeds.bar_requests import BarQuery, no_data
from rules_engine.gateway.feeds.generic_ticks import VOLATILITY_DAYS, yearly_volatility
from rules_engine.gateway.market.history import DAY_S, Bar
from rules_engine.gateway.market.market import Market


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
    return tuple(_bars(market, query))


def _bars(market: Market, query: BarQuery) -> Iterator[Bar]:
    """A bar for each session whose close lies in the time that was asked for."""
    conId, start_s = query.listing.conId, query.end_s - query.length_s
    sessions = round(query.length_s / DAY_S) + VOLATILITY_DAYS + 1
    closes = market.closes(conId, query.end_s, sessions)
    for number, (closed_s, _) in enumerate(closes, start=1):
        value = yearly_volatility([price for _, price in closes[max(0, number - VOLATILITY_DAYS - 1) : number]])
        if value is not None and closed_s >= start_s:
            day_s, _ = market.bar_span_s(conId, closed_s - 1.0, DAY_S, query.use_rth)
            yield Bar(day_s, value, value, value, value, -1.0, -1.0, -1)
