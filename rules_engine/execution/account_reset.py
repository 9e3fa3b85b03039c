"""All that the account held is gone, and nobody traded: a paper account that was reset looks like that."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.execution.exposure import of_intents, pending
from rules_engine.execution.journal import Journal
from rules_engine.execution.plain import from_text, to_text
from rules_engine.model.action import Side
from rules_engine.model.clock import Clock
from rules_engine.model.reports import Evidence, ExecutionReport

_CLOCKS_APART_S = 60.0
"""How far IB's time of an execution may be from ours."""
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Held:
    """A position of the account, and what our own fills in its instrument had come to when IB told it."""

    instrument: str
    quantity: Decimal
    ours: Decimal


@dataclass(frozen=True, slots=True)
class View:
    """All positions as IB told them at ``at_s``."""

    at_s: float
    held: tuple[Held, ...]


class AccountReset:
    """Remembers in the journal what the account held when IB last told all of it, for each mode and account."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    def remember(self, evidence: Evidence, besides: Container[str]) -> None:
        """What IB shows now is what it is compared with from now on, but for ``besides``: there orders of ours have
        filled since."""
        ours = self._journal.holdings.ours()
        held = {
            one.instrument: one.quantity for one in evidence.positions if one.quantity and one.instrument not in besides
        }
        rows = (Held(name, quantity, ours.get(name, _NONE)) for name, quantity in held.items())
        self._journal.put(self._name, to_text(View(self._clock.now_s(), tuple(rows))))

    def missing(self, evidence: Evidence) -> tuple[str, ...]:
        """Instruments whose positions are gone and that nothing explains, once the account is empty; else none.

        None either where our own fills had built nothing of them. The fills of ``evidence`` are in the journal.
        """
        text = self._journal.get(self._name)
        if text is None or any(position.quantity for position in evidence.positions):
            return ()
        before, ours = from_text(View, text), self._journal.holdings.ours()
        traded = self._traded_by_others(evidence.executions, before.at_s)
        gone = [one for one in before.held if ours.get(one.instrument, _NONE) == one.ours]
        gone = [one for one in gone if one.instrument not in traded and not self._may_be_closed(one)]
        return tuple(one.instrument for one in gone) if any(one.ours for one in gone) else ()

    @property
    def _name(self) -> str:
        return f"positions of {self._journal.mode} {self._journal.account}"

    def _may_be_closed(self, held: Held) -> bool:
        """Whether an order of ours, of which the last fills are still to be told, may have closed it."""
        side = Side.SELL if held.quantity > 0 else Side.BUY
        working = of_intents(self._journal.intents.at_broker(), lambda instrument: instrument.name)
        return pending(working, held.instrument, side, children=True) > 0

    def _traded_by_others(self, executions: Iterable[ExecutionReport], since_s: float) -> set[str]:
        is_ours = self._journal.naming.is_ours
        recent = (one for one in executions if one.time_s >= since_s - _CLOCKS_APART_S)
        return {one.instrument for one in recent if not is_ours(one.order_ref)}
