"""One item of `tests:` into a tape of prices and what must come of it."""

import re
from collections.abc import Iterator
from itertools import chain, repeat

from rules_engine.language.action_nodes import Orderings, read_actions
from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.durations import read_duration
from rules_engine.language.moments import read_moment
from rules_engine.language.nearest import did_you_mean, listed
from rules_engine.language.scope import Instruments, Scope
from rules_engine.language.tree import Entry, Listing, Mapping, Node, Scalar
from rules_engine.language.within import place_within
from rules_engine.model.instrument import Field
from rules_engine.model.rule_test import Expected, Row, RuleTest

CELLS_MAX = 10_000
NOTHING_ELSE = "nothing else"
_CELL = re.compile(r"(_|x|-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?)(?: +x([1-9][0-9]{0,4}))?", re.ASCII)
_FIELDS = tuple(field.value for field in Field)
Cell = float | str | None


def read_test(node: Node, instruments: Instruments, timezone: str, problems: Collector) -> RuleTest | None:
    """The test; None when it is not one. With problems recorded, it must not be used."""
    if not isinstance(node, Mapping):
        return None
    scope = Scope(instruments, timezone)
    name = node.get("name")
    return RuleTest(
        name=name.text if isinstance(name, Scalar) else "",
        rules=tuple(item.text for item in _scalars(node.get("rules"))),
        start_s=_start_s(node.get("start"), timezone, problems),
        every_s=_every_s(node.get("every"), problems),
        rows=_padded(_rows(node.get("prices"), instruments, problems)),
        expect=tuple(_expected(node.get("expect"), scope, problems)),
        place=name.place if name is not None else node.place,
    )


def tested_rules(node: Node) -> Iterator[Scalar]:
    """The names under the test's `rules:`."""
    if isinstance(node, Mapping):
        yield from _scalars(node.get("rules"))


def _scalars(node: Node | None) -> Iterator[Scalar]:
    if isinstance(node, Listing):
        yield from (item for item in node.items if isinstance(item, Scalar))


def _start_s(node: Node | None, timezone: str, problems: Collector) -> float:
    if not isinstance(node, Scalar):
        return 0.0
    moment = read_moment(node.text, timezone)
    if moment is None:
        problems.add(node, Code.BAD_TIME, f"'{node.text[:40]}' is no date and time", "write 2030-11-22 10:00")
    return moment or 0.0


def _every_s(node: Node | None, problems: Collector) -> float:
    if not isinstance(node, Scalar):
        return 1.0
    seconds = read_duration(node.text)
    if seconds is None:
        problems.add(node, Code.BAD_DURATION, f"'{node.text[:40]}' is not a length of time", "write 1s, 5m or 1h")
    return seconds or 1.0


def _rows(node: Node | None, instruments: Instruments, problems: Collector) -> Iterator[Row]:
    for entry in node.entries if isinstance(node, Mapping) else ():
        row = _row(entry, instruments, problems)
        if row is not None:
            yield row


def _row(entry: Entry, instruments: Instruments, problems: Collector) -> Row | None:
    name, _, field = entry.key.text.partition(".")
    instrument = instruments.named(name)
    if instrument is None:
        known = [*instruments.declared_names(), *instruments.known()]
        problems.add(entry.key, Code.UNKNOWN_NAME, f"'{name}' is not known", did_you_mean(name, known, "declare it"))
        return None
    if field and field not in _FIELDS:
        hint = did_you_mean(field, _FIELDS, f"write {listed(_FIELDS)}")
        problems.add(entry.key, Code.UNKNOWN_FIELD, f"'{name}' has no field '{field}'", hint)
        return None
    cells = _cells(entry.value, problems) if isinstance(entry.value, Scalar) else ()
    return Row(name, Field(field) if field else instrument.default_field, cells)


def _cells(node: Scalar, problems: Collector) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    offset = 0
    for part in node.text.split(","):
        word = part.strip()
        start = offset + part.find(word)
        found = _CELL.fullmatch(word)
        if found is None:
            place = place_within(node, start, start + max(len(word), 1))
            hint = "write a price, '_' (no print) or 'x' (feed down), each with ' x3' to repeat it"
            problems.add(place, Code.BAD_TEST, f"'{word[:40]}' is not a step of a tape", hint)
            return ()
        cells += repeat(_cell(found[1]), min(int(found[2] or 1), CELLS_MAX + 1))
        offset += len(part) + 1
        if len(cells) > CELLS_MAX:
            problems.add(node, Code.BAD_TEST, f"a tape has at most {CELLS_MAX:,} steps", "use a longer 'every'")
            return ()
    return tuple(cells)


def _cell(word: str) -> Cell:
    return None if word == "_" else word if word == "x" else float(word)


def _padded(rows: Iterator[Row]) -> tuple[Row, ...]:
    """All rows as long as the longest: what is missing at the end is no print."""
    found = tuple(rows)
    length = max((len(row.cells) for row in found), default=0)
    return tuple(
        Row(row.instrument, row.field, tuple(chain(row.cells, repeat(None, length - len(row.cells))))) for row in found
    )


def _expected(node: Node | None, scope: Scope, problems: Collector) -> Iterator[Expected]:
    items = node.items if isinstance(node, Listing) else ()
    for item in items:
        if isinstance(item, Scalar) and item.text != NOTHING_ELSE:
            hint = "write 'at 3s: buy 100 MA', or 'nothing else'"
            problems.add(item, Code.BAD_TEST, f"'{item.text[:40]}' expects nothing that can be checked", hint)
        for entry in item.entries if isinstance(item, Mapping) else ():
            expected = _firing(entry, scope, problems)
            if expected is not None:
                yield expected


def _firing(entry: Entry, scope: Scope, problems: Collector) -> Expected | None:
    word = entry.key.text.removeprefix("at ")
    at_s = 0.0 if word == "0s" else read_duration(word)
    if at_s is None or word == entry.key.text:
        problems.add(entry.key, Code.BAD_TEST, f"'{entry.key.text[:40]}' is no time of the tape", "write 'at 3s'")
        return None
    actions = read_actions(entry.value, scope, Orderings(None, []), problems)
    text = entry.value.text if isinstance(entry.value, Scalar) else "; ".join(map(str, actions))
    return Expected(at_s, actions, text, entry.key.place) if actions else None
