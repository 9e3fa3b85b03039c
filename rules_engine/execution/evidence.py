"""IB's complete answers against our intents: what is missing, and what should not be there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from rules_engine.execution.keys import Naming
from rules_engine.model.intent import Intent
from rules_engine.model.reports import Evidence, ExecutionReport, OrderReport
from rules_engine.model.slices import Slices

Report = OrderReport | ExecutionReport
Name = tuple[str, int]
"""By which IB names an order: its reference and its permanent number."""
Known = Callable[[str, int], Intent | None]
"""Finds an intent by its key, or else by IB's permanent number. Nothing else identifies an order: what merely looks
alike proves nothing."""
_AT_ONCE = 50
"""Orders that are looked at in one slice."""


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


def finding(
    evidence: Evidence, open_before: Iterable[Intent], naming: Naming, known: Known, client_id: int
) -> Slices[Findings]:
    """Judges complete evidence, in slices. ``open_before`` may be at IB, as of the moment before IB was asked.
    ``client_id`` is ours."""
    reports: Sequence[Report] = (*evidence.open_orders, *evidence.completed, *evidence.executions)
    names = {(report.order_ref, report.perm_id) for report in reports}
    yield
    found = yield from _looking_up(names, known)
    alive = [report for report in evidence.open_orders if report.status.is_alive]
    yield
    living = [(intent, report) for report in alive if (intent := found[_name(report)])]
    yield
    absent = _absent(open_before, names)
    yield
    doubles = yield from _doubles(reports, found)
    strangers = sorted({ref for (ref, _), intent in found.items() if intent is None and naming.is_ours(ref)})
    yield
    orphans = _orphans(evidence, naming, found, client_id)
    yield
    keys = {intent.key for intent, _ in living}
    elsewhere = keys - {intent.key for intent, report in living if report.client_id == client_id}
    yield
    return Findings(
        absent=absent,
        alive=keys,
        strangers=strangers,
        orphans=orphans,
        doubles=doubles,
        risen=[(intent, report) for intent, report in living if intent.state.is_over],
        others=[report for report in alive if found[_name(report)] is None],
        elsewhere=elsewhere,
    )


def _name(report: Report) -> Name:
    return report.order_ref, report.perm_id


def _looking_up(names: Iterable[Name], known: Known) -> Slices[Mapping[Name, Intent | None]]:
    found: dict[Name, Intent | None] = {}
    for name in names:
        found[name] = known(*name)
        if len(found) % _AT_ONCE == 0:
            yield
    return found


def _absent(intents: Iterable[Intent], names: AbstractSet[Name]) -> Sequence[Intent]:
    references = {reference for reference, _ in names}
    perm_ids = {perm_id for _, perm_id in names if perm_id > 0}
    return [intent for intent in intents if intent.key not in references and intent.perm_id not in perm_ids]


def _orphans(evidence: Evidence, naming: Naming, found: Mapping[Name, Intent | None], client_id: int) -> Sequence[str]:
    """Completed orders tell no client id, and are left out: another engine may have sent them."""
    several: Sequence[Report] = (*evidence.open_orders, *evidence.executions)
    ours = [one for one in several if one.client_id == client_id]
    unknown = {one.order_ref for one in ours if found[_name(one)] is None}
    return sorted(ref for ref in unknown if naming.is_of_an_engine(ref) and not naming.is_ours(ref))


def is_another(intent: Intent, report: Report) -> bool:
    """Whether a report under the intent's name is about an order that is not the one we know. IB's permanent number
    tells; an order that has none yet is told by the number that it was sent under."""
    if report.perm_id > 0:
        return bool(intent.perm_id) and report.perm_id != intent.perm_id
    return report.order_id > 0 and intent.order_id not in (None, report.order_id)


def _doubles(reports: Iterable[Report], found: Mapping[Name, Intent | None]) -> Slices[Sequence[Double]]:
    named: dict[str, list[Report]] = {}
    for report in reports:
        named.setdefault(report.order_ref, []).append(report)
    yield
    doubles, several = list[Double](), iter(sorted(named.items()))
    while some := list(islice(several, _AT_ONCE)):
        doubles += [double for reference, seen in some if (double := _double(reference, seen, found))]
        yield
    return doubles


def _double(reference: str, seen: Sequence[Report], found: Mapping[Name, Intent | None]) -> Double | None:
    intent = found[_name(seen[0])]
    if intent is None or intent.key != reference:
        return None
    number_of = _numbers(intent, seen)
    numbers = {intent.perm_id or 0, *map(number_of, seen)} - {0}
    living = {number_of(one) for one in seen if isinstance(one, OrderReport) and one.status.is_alive}
    if len(numbers) < 2 and len(living) < 2:
        return None
    return Double(intent, sorted(map(_in_words, numbers)), len(living) > 1)


def _numbers(intent: Intent, seen: Sequence[Report]) -> Callable[[Report], int]:
    """What tells the orders of one name apart: IB's permanent number, or less than zero the number it was sent under.
    0 is the intent's own order, as far as nothing says otherwise."""
    sent_as = {(one.client_id, one.order_id): one.perm_id for one in seen if one.perm_id > 0 and one.order_id > 0}

    def number(report: Report) -> int:
        if report.perm_id > 0:
            return report.perm_id
        if report.order_id <= 0 or report.order_id == intent.order_id:
            return intent.perm_id or sent_as.get((report.client_id, report.order_id), 0)
        return sent_as.get((report.client_id, report.order_id), -report.order_id)

    return number


def _in_words(number: int) -> str:
    return str(number) if number > 0 else f"none yet, sent as {-number}"
