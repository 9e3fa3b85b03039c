"""What the engine knows of prices, contracts and holdings at this moment, for resolving and checking orders."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from rules_engine.broker.connection import Connection
from rules_engine.broker.link import Link
from rules_engine.evaluation import Evaluator
from rules_engine.execution.ports import Quote
from rules_engine.execution.positions import Positions
from rules_engine.model.expression import Expression, Position, walk
from rules_engine.model.intent import Intent
from rules_engine.model.reports import PositionReport, PositionsTold, Traded


class KnownMarket:
    """Execution's view of the market: prices as the connection has them, which are never older than what rules hear."""

    def __init__(
        self, evaluator: Evaluator, link: Link, positions: Positions, at_broker: Callable[[], Sequence[Intent]]
    ) -> None:
        """``at_broker`` are our orders that may still fill."""
        self._evaluator = evaluator
        self._link = link
        self._positions = positions
        self._at_broker = at_broker
        self._held: set[str] = set()

    def holds(self, report: PositionReport) -> None:
        """Remembers what the account holds."""
        self._positions.told(report)
        self._held.add(report.instrument)

    def all_told(self, report: PositionsTold) -> None:
        """What it did not name, the account does not hold."""
        self._positions.told_all(report)

    def link_lost(self) -> frozenset[str]:
        """Positions may change unseen from here on; returns the instruments that this concerns."""
        lost = frozenset(self._held)
        self._held.clear()
        self._positions.lost()
        return lost

    def read(self, expression: Expression) -> float | None:
        held = (part.instrument.name for part in walk(expression) if isinstance(part, Position))
        if any(self.position(name) is None for name in held):
            return None
        return self._evaluator.read(expression)

    def quote(self, instrument: str) -> Quote | None:
        newest = self._connection.prices(instrument) if self._connection else None
        if newest is None:
            return None
        bid, ask, last = (_exact(price) for price in (newest.bid, newest.ask, newest.last))
        if bid is None and ask is None and last is None:
            return None
        return Quote(newest.quoted_s, bid, ask, last, newest.is_halted)

    def is_priced(self, instrument: str) -> bool:
        """Whether any price and the position are known: without them no order passes the limits."""
        return self.position(instrument) is not None and self.quote(instrument) is not None

    def position(self, instrument: str) -> Decimal | None:
        traded = self.traded(instrument)
        if traded is None or self._is_moving(traded.contract_id):
            return None
        return self._positions.of(traded.contract_id)

    def traded(self, instrument: str) -> Traded | None:
        return self._connection.traded(instrument) if self._connection else None

    def exchange_rate(self, currency: str) -> Decimal | None:
        return self._connection.exchange_rate(currency) if self._connection else None

    def _is_moving(self, contract_id: int) -> bool:
        """Whether a position has just moved, and a fill of ours that is still to be told may explain it."""
        if not self._positions.is_ahead(contract_id):
            return False
        names = {intent.draft.instrument.name for intent in self._at_broker()}
        return any(one is None or one.contract_id == contract_id for one in map(self.traded, names))

    @property
    def _connection(self) -> Connection | None:
        return self._link.connection


def _exact(price: float | None) -> Decimal | None:
    return None if price is None else Decimal(str(price))
