"""What the engine knows of prices, contracts and holdings at this moment, for resolving and checking orders."""

import logging
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.broker.connection import Connection
from rules_engine.broker.link import Link
from rules_engine.evaluation import Evaluator
from rules_engine.execution.ports import Quote
from rules_engine.model.expression import Expression
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedDown, PositionReport, Traded
from rules_engine.model.tick import Tick

_log = logging.getLogger(__name__)

_LATE_MAX_S = 60.0
_ABSURD = 2.0
"""A trade above so many times the ask, or below that part of the bid, is a mistake of the feed: after a real jump the
quotes follow at once, and the next trade counts."""
_QUOTED = frozenset({Field.BID, Field.ASK, Field.LAST})


@dataclass(slots=True)
class _Newest:
    """The newest prices of an instrument as they came; made into a quote when somebody asks."""

    time_s: float
    bid: float | None = None
    ask: float | None = None
    last: float | None = None


class KnownMarket:
    """Execution's view of the market. Prices are dropped as soon as their feed is down: unknown, never stale."""

    def __init__(self, evaluator: Evaluator, link: Link) -> None:
        self._evaluator = evaluator
        self._link = link
        self._quotes: dict[str, _Newest] = {}
        self._positions: dict[str, Decimal] = {}

    def tick(self, tick: Tick) -> bool:
        """Remembers bid, ask and last. A first price of unknown age counts from its arrival. False for a trade that
        cannot be, by the quotes beside it: nobody is to hear of it."""
        field, time_s = tick.field, tick.time_s
        if field not in _QUOTED:
            return True
        newest = self._quotes.get(tick.instrument)
        if newest is None:
            newest = self._quotes[tick.instrument] = _Newest(time_s)
        elif field is Field.LAST and _is_absurd(tick.value, newest):
            said = (tick.instrument, tick.value, newest.bid, newest.ask)
            _log.warning("%s: a trade at %s is left out: bid %s, ask %s", *said)
            return False
        # A trade may be reported with an earlier time than a quote before it; by much more, the clock was set back.
        if time_s > newest.time_s or time_s < newest.time_s - _LATE_MAX_S:
            newest.time_s = time_s
        if field is Field.BID:
            newest.bid = tick.value
        elif field is Field.ASK:
            newest.ask = tick.value
        else:
            newest.last = tick.value
        return True

    def feed_down(self, report: FeedDown) -> None:
        """Forgets the prices of the instrument, or of all."""
        if report.instrument:
            self._quotes.pop(report.instrument, None)
        else:
            self._quotes.clear()

    def holds(self, report: PositionReport) -> None:
        """Remembers what the account holds."""
        self._positions[report.instrument] = report.quantity

    def link_lost(self) -> frozenset[str]:
        """Positions may change unseen from here on; returns the instruments that this concerns."""
        lost = frozenset(self._positions)
        self._positions.clear()
        return lost

    def read(self, expression: Expression) -> float | None:
        return self._evaluator.read(expression)

    def quote(self, instrument: str) -> Quote | None:
        newest = self._quotes.get(instrument)
        if newest is None:
            return None
        halted = self._connection is not None and self._connection.is_halted(instrument)
        return Quote(newest.time_s, _exact(newest.bid), _exact(newest.ask), _exact(newest.last), halted)

    def is_priced(self, instrument: str) -> bool:
        """Whether any price and the position are known: without them no order passes the limits."""
        newest = self._quotes.get(instrument)
        priced = newest is not None and any(price is not None for price in (newest.bid, newest.ask, newest.last))
        return priced and instrument in self._positions

    def position(self, instrument: str) -> Decimal | None:
        return self._positions.get(instrument)

    def traded(self, instrument: str) -> Traded | None:
        return self._connection.traded(instrument) if self._connection else None

    def exchange_rate(self, currency: str) -> Decimal | None:
        return self._connection.exchange_rate(currency) if self._connection else None

    @property
    def _connection(self) -> Connection | None:
        return self._link.connection


def _is_absurd(price: float | None, beside: _Newest) -> bool:
    bid, ask = beside.bid, beside.ask
    if price is None or bid is None or ask is None or not 0 < bid <= ask:
        return False
    return not bid / _ABSURD <= price <= ask * _ABSURD


def _exact(price: float | None) -> Decimal | None:
    return None if price is None else Decimal(str(price))
