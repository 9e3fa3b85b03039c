"""IB's complete answers against our intents: what is missing, and what should not be there."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rules_engine.execution.keys import Naming
from rules_engine.model.intent import Intent
from rules_engine.model.reports import Evidence, ExecutionReport, OrderReport

Known = Callable[[str, int], Intent | None]
"""Finds an intent by its key, or else by IB's permanent number. Nothing else identifies an order: what merely looks
alike proves nothing."""


@dataclass(frozen=True, slots=True)
class Double:
    """An intent for which IB has more than one order, by their numbers in words. ``alive``: more than one of them may
    still fill."""

    intent: Intent
    numbers: Sequence[str]
    alive: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """``absent``: intents that may be at IB, and of which no answer says anything. ``alive``: keys of those IB holds.

    ``strangers``: references in our own name that the journal does not know. ``orphans``: those of an engine on another
    journal, of orders or fills under our client id. ``doubles``: intents for which IB has, or had, more than one order.
    ``risen``: intents that were over, each with the order that IB holds alive all the same. ``others``: orders of
    others that IB holds alive. ``elsewhere``: keys of intents that IB holds alive under another client id than ours.
    """

    absent: Sequence[Intent]
    alive: AbstractSet[str]
    strangers: Sequence[str]
    orphans: Sequence[str]
    doubles: Sequence[Double]
    risen: Sequence[tuple[Intent, OrderReport]]
    others: Sequence[OrderReport]
    elsewhere: AbstractSet[str]


def find(evidence: Evidence, open_before: Iterable[Intent], naming: Naming, known: Known, client_id: int) -> Findings:
    """Judges complete evidence. ``open_before`` may be at IB, as of the moment before IB was asked. ``client_id`` is
    ours."""
    alive = [report for report in evidence.open_orders if report.status.is_alive]
    named = {(report.order_ref, report.perm_id) for report in (*evidence.open_orders, *evidence.completed)}
    named |= {(report.order_ref, report.perm_id) for report in evidence.executions}
    living = [(intent, report) for report in alive if (intent := known(report.order_ref, report.perm_id))]
    return Findings(
        absent=_absent(open_before, named),
        alive={intent.key for intent, _ in living},
        strangers=sorted({ref for ref, perm_id in named if naming.is_ours(ref) and known(ref, perm_id) is None}),
        orphans=_orphans(evidence, naming, known, client_id),
        doubles=_doubles((*evidence.open_orders, *evidence.completed, *evidence.executions), known),
        risen=[(intent, report) for intent, report in living if intent.state.is_over],
        elsewhere={intent.key for intent, _ in living}
        - {intent.key for intent, report in living if report.client_id == client_id},
        others=[report for report in alive if known(report.order_ref, report.perm_id) is None],
    )


def _absent(intents: Iterable[Intent], named: AbstractSet[tuple[str, int]]) -> Sequence[Intent]:
    references = {reference for reference, _ in named}
    perm_ids = {perm_id for _, perm_id in named if perm_id > 0}
    return [intent for intent in intents if intent.key not in references and intent.perm_id not in perm_ids]


def _orphans(evidence: Evidence, naming: Naming, known: Known, client_id: int) -> Sequence[str]:
    """Completed orders tell no client id, and are left out: another engine may have sent them."""
    named = {(one.order_ref, one.perm_id) for one in evidence.open_orders if one.client_id == client_id}
    named |= {(one.order_ref, one.perm_id) for one in evidence.executions if one.client_id == client_id}
    of_others = [(ref, perm_id) for ref, perm_id in named if naming.is_of_an_engine(ref) and not naming.is_ours(ref)]
    return sorted({ref for ref, perm_id in of_others if known(ref, perm_id) is None})


def is_another(intent: Intent, report: OrderReport | ExecutionReport) -> bool:
    """Whether a report under the intent's name is about an order that is not the one we know. IB's permanent number
    tells; an order that has none yet is told by the number that it was sent under."""
    if report.perm_id > 0:
        return bool(intent.perm_id) and report.perm_id != intent.perm_id
    return report.order_id > 0 and intent.order_id not in (None, report.order_id)


def _doubles(reports: Iterable[OrderReport | ExecutionReport], known: Known) -> Sequence[Double]:
    named: dict[str, list[OrderReport | ExecutionReport]] = {}
    for report in reports:
        named.setdefault(report.order_ref, []).append(report)
    found = []
    for reference, seen in sorted(named.items()):
        intent = known(reference, 0)
        if intent is None:
            continue
        number_of = _numbers(intent, seen)
        numbers = {intent.perm_id or 0, *map(number_of, seen)} - {0}
        living = {number_of(one) for one in seen if isinstance(one, OrderReport) and one.status.is_alive}
        if len(numbers) > 1 or len(living) > 1:
            found.append(Double(intent, sorted(map(_in_words, numbers)), len(living) > 1))
    return found


def _numbers(
    intent: Intent, seen: Sequence[OrderReport | ExecutionReport]
) -> Callable[[OrderReport | ExecutionReport], int]:
    """What tells the orders of one name apart: IB's permanent number, or less than zero the number it was sent under.
    0 is the intent's own order, as far as nothing says otherwise."""
    sent_as = {(one.client_id, one.order_id): one.perm_id for one in seen if one.perm_id > 0 and one.order_id > 0}

    def number(report: OrderReport | ExecutionReport) -> int:
        if report.perm_id > 0:
            return report.perm_id
        if report.order_id <= 0 or report.order_id == intent.order_id:
            return intent.perm_id or sent_as.get((report.client_id, report.order_id), 0)
        return sent_as.get((report.client_id, report.order_id), -report.order_id)

    return number


def _in_words(number: int) -> str:
    return str(number) if number > 0 else f"none yet, sent as {-number}"
