"""What the engine knows of prices, contracts and holdings at this moment, for resolving and checking orders."""

from dataclasses import replace
from decimal import Decimal

from rules_engine.broker.connection import Connection
from rules_engine.broker.link import Link
from rules_engine.evaluation import Evaluator
from rules_engine.execution.ports import Quote
from rules_engine.model.expression import Expression
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedDown, PositionReport, Traded
from rules_engine.model.tick import Tick

_LATE_MAX_S = 60.0
_QUOTED = frozenset({Field.BID, Field.ASK, Field.LAST})


class KnownMarket:
    """Execution's view of the market. Prices are dropped as soon as their feed is down: unknown, never stale."""

    def __init__(self, evaluator: Evaluator, link: Link) -> None:
        self._evaluator = evaluator
        self._link = link
        self._quotes: dict[str, Quote] = {}
        self._positions: dict[str, Decimal] = {}

    def tick(self, tick: Tick) -> None:
        """Remembers bid, ask and last. A first price of unknown age counts from its arrival."""
        if tick.field not in _QUOTED:
            return
        price = None if tick.value is None else Decimal(str(tick.value))
        quote = self._quotes.get(tick.instrument, Quote(tick.time_s))
        # A trade may be reported with an earlier time than a quote before it; by much more, the clock was set back.
        set_back = tick.time_s < quote.time_s - _LATE_MAX_S
        time_s = tick.time_s if set_back else max(quote.time_s, tick.time_s)
        match tick.field:
            case Field.BID:
                quote = replace(quote, time_s=time_s, bid=price)
            case Field.ASK:
                quote = replace(quote, time_s=time_s, ask=price)
            case _:
                quote = replace(quote, time_s=time_s, last=price)
        self._quotes[tick.instrument] = quote

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
        quote = self._quotes.get(instrument)
        if quote is None or self._connection is None or not self._connection.is_halted(instrument):
            return quote
        return replace(quote, halted=True)

    def is_priced(self, instrument: str) -> bool:
        """Whether any price and the position are known: without them no order passes the limits."""
        quote = self._quotes.get(instrument)
        priced = quote is not None and any(price is not None for price in (quote.bid, quote.ask, quote.last))
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
