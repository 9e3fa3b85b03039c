"""One connection to IB, as the desk sees it."""

from collections.abc import Container, Set
from dataclasses import dataclass, field

from rules_engine.execution.codes import Meaning
from rules_engine.execution.intents import UnitName
from rules_engine.execution.ports import OrderLink
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.reports import ExecutionReport, OrderReport

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
class News:
    """What came while IB's complete answers were compared with the journal: they know nothing of it.

    ``alive`` are keys of orders of ours that IB showed, ``others`` orders that are none of ours by IB's number,
    ``complaints`` keys of orders against which it spoke, ``filled`` instruments in which orders of ours filled.
    ``is_distrusted``: IB is to be asked again before anything is sent.
    """

    alive: set[str] = field(default_factory=set)
    others: dict[int, OrderReport] = field(default_factory=dict)
    complaints: set[str] = field(default_factory=set)
    filled: set[str] = field(default_factory=set)
    is_distrusted: bool = False


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
    that may be sent once more, ``tried`` those for which that was tried. ``news`` is what comes while IB's answers are
    being compared, None at other times.
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
    news: News | None = None

    def distrust(self, why: str, due_s: float) -> None:
        """Forgets that it was reconciled; the next round is due at ``due_s``."""
        self.reconciled, self.why, self.due_s = False, why, due_s
        if self.news is not None:
            self.news.is_distrusted = True

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

    def heard_of_ours(self, intent: Intent, report: OrderReport | ExecutionReport) -> None:
        """News of an order of ours."""
        if self.news is not None and (isinstance(report, ExecutionReport) or report.status.is_alive):
            self.news.alive.add(intent.key)
        if intent.state.is_over and intent.key not in self.risen:
            self.cancelling.pop(intent.key, None)

    def heard_of_other(self, report: OrderReport) -> None:
        """News of an order that is none of ours."""
        if report.status.is_alive:
            self.others[report.perm_id] = report
        else:
            self.others.pop(report.perm_id, None)
        if self.news is not None:
            self.news.others[report.perm_id] = report

    def complained(self, key: str, complaint: Complaint) -> None:
        """IB said that of an order. A doubt takes nothing back of what was said before."""
        if complaint.meaning is not Meaning.REREAD or key not in self.complaints:
            self.complaints[key] = complaint
        self.due_s = complaint.at_s
        if self.news is not None:
            self.news.complaints.add(key)

    def keep_complaints(self, absent: Container[str]) -> None:
        """Forgets what IB had said against orders that it shows; a rejection is judged apart."""
        newer = self.news.complaints if self.news is not None else ()
        self.complaints = {
            key: complaint
            for key, complaint in self.complaints.items()
            if key in absent or key in newer or complaint.meaning is Meaning.REJECTS
        }

    @property
    def is_clear(self) -> bool:
        """Whether an order may be written to the socket now."""
        return self.usable and self.reconciled and self.link.is_clear()
