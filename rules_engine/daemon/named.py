"""What the rules of one edition name: made once for each edition, since it takes long with very many rules."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.plan import Plan
from rules_engine.model.slices import Slices


@dataclass(frozen=True, slots=True)
class Named:
    """By the names of instruments: what they mean, what is read of them, and which rules read or order in them, in
    the order of the edition."""

    instruments: Mapping[str, Instrument]
    fields: Mapping[str, frozenset[Field]]
    rules: Mapping[str, Sequence[str]]


def naming(plans: Iterable[Plan]) -> Slices[Named]:
    """The same of these plans, in slices."""
    instruments: dict[str, Instrument] = {}
    fields: defaultdict[str, frozenset[Field]] = defaultdict(frozenset)
    rules: defaultdict[str, list[str]] = defaultdict(list)
    for plan in plans:
        of_plan = {one.name: one for one in (*plan.reads, *plan.orders_in)}
        instruments |= of_plan
        for name in of_plan:
            rules[name].append(plan.rule.name)
        for name, read in plan.fields.items():
            fields[name] |= read
        yield
    return Named(instruments, dict(fields), dict(rules))
