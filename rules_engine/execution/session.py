"""One connection to IB, as the desk sees it."""

from collections.abc import Container, Set
from dataclasses import dataclass, field

from rules_engine.execution.codes import Meaning
from rules_engine.execution.intents import UnitName
from rules_engine.execution.ports import OrderLink
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.reports import OrderReport

_OUT_OF_SIGHT = frozenset({IntentState.UNKNOWN, IntentState.ADOPTED})


@dataclass(frozen=True, slots=True)
class Complaint:
    """What IB said against an order, and when we heard it."""

    meaning: Meaning
    words: str
    at_s: float


@dataclass(frozen=True, slots=True)
class AskedCancel:
    """A cancellation that left on this connection. ``look_s``: when IB is to be asked what became of it; None: it is to
    leave once more. ``unheeded``: how often IB has shown the order all the same."""

    look_s: float | None
    unheeded: int = 0

    @property
    def is_stuck(self) -> bool:
        """It was repeated, and that did not help either."""
        return self.unheeded > 1


@dataclass(slots=True)
class Session:
    """``reconciled``: complete evidence was read since the link last broke; nothing is sent before.

    ``usable`` is false while IB's own link is down (1100). ``why`` says why nothing is sent, for `rules status`.
    ``complaints`` are what IB said against orders, by key, until its answers have shown what became of them.
    ``cancelling`` are the cancellations that are out, by the orders' keys.
    ``inactive`` are keys of orders that IB called inactive and that were asked about. ``next_order_id`` is the lowest
    number that IB can take for fresh. ``emptied_s`` is since when all positions are gone without an explanation.
    ``risen`` are orders that were over and that IB holds alive all the same, by key.
    ``elsewhere`` are keys of ours that IB holds alive under another client id, and lets only that one cancel.
    ``others`` are open orders that are not ours, by IB's number, as IB told at ``others_s``. ``unarrived`` are units
    that may be sent once more, ``tried`` those for which that was tried.
    """

    link: OrderLink
    usable: bool = True
    reconciled: bool = False
    why: str = "what IB has is not known yet"
    attempts: int = 0
    due_s: float = 0.0
    absent_since_s: dict[str, float] = field(default_factory=dict)
    complaints: dict[str, Complaint] = field(default_factory=dict)
    cancelling: dict[str, AskedCancel] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    next_order_id: int = 0
    emptied_s: float | None = None
    risen: dict[str, OrderReport] = field(default_factory=dict)
    elsewhere: Set[str] = frozenset()
    others: dict[int, OrderReport] = field(default_factory=dict)
    others_s: float = 0.0
    unarrived: list[UnitName] = field(default_factory=list)
    tried: set[UnitName] = field(default_factory=set)

    def distrust(self, why: str, due_s: float) -> None:
        """Forgets that it was reconciled; the next round is due at ``due_s``."""
        self.reconciled, self.why, self.due_s = False, why, due_s

    @property
    def round_s(self) -> float:
        """When IB is to be asked what it has. No cancellation can have reached it while messages wait here."""
        if not self.is_clear:
            return self.due_s
        looks = (asked.look_s for asked in self.cancelling.values() if asked.look_s is not None)
        return min([self.due_s, *looks])

    def is_stuck(self, intent: Intent) -> bool:
        """Whether no more is to be hoped of the order's cancellation for now."""
        asked = self.cancelling.get(intent.key)
        is_lost = intent.state in _OUT_OF_SIGHT or intent.key in self.elsewhere
        return is_lost or (asked is not None and asked.is_stuck)

    def heard_of_risen(self, key: str, report: OrderReport) -> None:
        """News of an order that may be one of those."""
        risen = self.risen.get(key)
        if risen is not None and report.perm_id == risen.perm_id and not report.status.is_alive:
            del self.risen[key]

    def heard_of_ours(self, intent: Intent) -> None:
        """News of an order of ours."""
        if intent.state.is_over and intent.key not in self.risen:
            self.cancelling.pop(intent.key, None)

    def heard_of_other(self, report: OrderReport) -> None:
        """News of an order that is none of ours."""
        if report.status.is_alive:
            self.others[report.perm_id] = report
        else:
            self.others.pop(report.perm_id, None)

    def complained(self, key: str, complaint: Complaint) -> None:
        """IB said that of an order. A doubt takes nothing back of what was said before."""
        if complaint.meaning is not Meaning.REREAD or key not in self.complaints:
            self.complaints[key] = complaint
        self.due_s = complaint.at_s

    def keep_complaints(self, absent: Container[str]) -> None:
        """Forgets what IB said against orders that it shows; a rejection is judged apart."""
        self.complaints = {
            key: complaint
            for key, complaint in self.complaints.items()
            if key in absent or complaint.meaning is Meaning.REJECTS
        }

    @property
    def is_clear(self) -> bool:
        """Whether an order may be written to the socket now."""
        return self.usable and self.reconciled and self.link.is_clear()
