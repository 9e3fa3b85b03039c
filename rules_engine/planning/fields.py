"""Which fields of which instruments a rule reads: only these ticks need to reach it."""

from collections.abc import Mapping

from rules_engine.conditions.trigger import Using
from rules_engine.model.instrument import Field
from rules_engine.model.rule import Rule
from rules_engine.planning.reads import Reads

Fields = Mapping[str, frozenset[Field]]
"""By the instrument's name."""

ALL = frozenset(Field)
_SOURCES = {
    Field.MID: frozenset({Field.BID, Field.ASK}),
    Field.CHANGE_TODAY: frozenset({Field.LAST, Field.CLOSE}),
}
"""Fields that are worked out from others."""
_QUOTED = frozenset({Field.BID, Field.ASK, Field.LAST})


def fields_of(rule: Rule, reads: Reads) -> Fields:
    """What the rule reads, and rather more than less: bars and bare names are made of an instrument's usual field, a
    trigger method may look at any quote, and a `message:` may name anything."""
    if rule.message is not None:
        return {instrument.name: ALL for instrument in reads.instruments}
    quoted = _QUOTED if any(isinstance(part, Using) for part in reads.conditions) else frozenset()
    found: dict[str, frozenset[Field]] = {one.name: ALL for part in reads.conditions for one in part.watched()}
    for reading in reads.readings:
        name, usual = reading.instrument.name, reading.instrument.default_field
        found[name] = found.get(name, quoted).union(_printed(usual), _printed(reading.field))
    return found


def _printed(field: Field) -> frozenset[Field]:
    """The fields that come as ticks of their own."""
    return _SOURCES.get(field) or frozenset({field})
