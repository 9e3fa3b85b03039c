"""The trading sessions of the past, as an answer to a request for historical data."""

from datetime import timedelta

from rules_engine.gateway.feeds.bar_requests import BarQuery
from rules_engine.gateway.market.history import DAY_S
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.messages.history_messages import HistoricalSchedule, PastSession
from rules_engine.gateway.times import clock_text, day_text
from rules_engine.gateway.wire.refusals import invalid

_DAY = timedelta(days=1)


def schedule(reqId: int, market: Market, query: BarQuery) -> HistoricalSchedule:
    """Sessions of the days that were asked for, in the exchange's time. Raises Refused but for bars of a day."""
    if query.bar_s != DAY_S:
        raise invalid("Only 1 day bar size is supported for historical schedule")
    zone = query.listing.timeZoneId
    sessions = tuple(
        PastSession(clock_text(start_s, zone), clock_text(end_s, zone), day_text(end_s - 1.0, zone))
        for start_s, end_s in market.sessions(
            query.listing.conId, query.end_s - query.length_s, query.end_s, query.use_rth
        )
    )
    if not sessions:
        raise invalid("No trading sessions in this time")
    return HistoricalSchedule(reqId, sessions[0].start, sessions[-1].end, zone, sessions)
