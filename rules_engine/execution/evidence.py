"""IB's complete answers against our intents: what is missing, and what should not be there."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rules_engine.execution.keys import Naming
from rules_engine.model.intent import Intent
from rules_engine.model.reports import Evidence, OrderReport

Known = Callable[[str, int], Intent | None]
"""Finds an intent by its key, or else by IB's permanent number. Nothing else identifies an order: what merely looks
alike proves nothing."""


@dataclass(frozen=True, slots=True)
class Double:
    """An intent with more than one of IB's permanent numbers. ``alive``: more than one of them may still fill."""

    intent: Intent
    perm_ids: Sequence[int]
    alive: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """``absent``: intents that may be at IB, and of which no answer says anything. ``alive``: keys of those IB holds.

    ``strangers``: references in our own name that the journal does not know. ``doubles``: intents for which IB has, or
    had, more than one order. ``risen``: intents that were over, and live at IB all the same. ``others``: orders of
    others that IB holds alive.
    """

    absent: Sequence[Intent]
    alive: AbstractSet[str]
    strangers: Sequence[str]
    doubles: Sequence[Double]
    risen: Sequence[Intent]
    others: Sequence[OrderReport]


def find(evidence: Evidence, open_before: Iterable[Intent], naming: Naming, known: Known) -> Findings:
    """Judges complete evidence. ``open_before`` may be at IB, as of the moment before IB was asked."""
    alive = [report for report in evidence.open_orders if report.status.is_alive]
    named = {(report.order_ref, report.perm_id) for report in (*evidence.open_orders, *evidence.completed)}
    named |= {(report.order_ref, report.perm_id) for report in evidence.executions}
    living = [intent for report in alive if (intent := known(report.order_ref, report.perm_id))]
    return Findings(
        absent=_absent(open_before, named),
        alive={intent.key for intent in living},
        strangers=sorted({ref for ref, perm_id in named if naming.is_ours(ref) and known(ref, perm_id) is None}),
        doubles=_doubles(named, alive, known),
        risen=[intent for intent in living if intent.state.is_over],
        others=[report for report in alive if known(report.order_ref, report.perm_id) is None],
    )


def _absent(intents: Iterable[Intent], named: AbstractSet[tuple[str, int]]) -> Sequence[Intent]:
    references = {reference for reference, _ in named}
    perm_ids = {perm_id for _, perm_id in named if perm_id > 0}
    return [intent for intent in intents if intent.key not in references and intent.perm_id not in perm_ids]


def _doubles(named: AbstractSet[tuple[str, int]], alive: Iterable[OrderReport], known: Known) -> Sequence[Double]:
    living: dict[str, set[int]] = {}
    for report in alive:
        living.setdefault(report.order_ref, set()).add(report.perm_id)
    found = []
    for reference in sorted({reference for reference, _ in named}):
        intent = known(reference, 0)
        if intent is None:
            continue
        perm_ids = {perm_id for name, perm_id in named if name == reference and perm_id > 0}
        perm_ids |= {intent.perm_id} if intent.perm_id else set()
        twins = len(living.get(reference, ())) > 1
        if twins or len(perm_ids) > 1:
            found.append(Double(intent, sorted(perm_ids), twins))
    return found
