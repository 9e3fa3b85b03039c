"""The numbers that rules say, where each stands, and the same files with others in their place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules_engine.language.text import Source, decode
from rules_engine.language.tree import Listing, Node, Scalar, read_tree
from rules_engine.language.tree import Mapping as MappingNode
from rules_engine.model.place import Place

_NUMBER = re.compile(
    r"(?<![\w.:-])(?P<sign>(?<![\w)])-)?(?P<digits>\d+(?:\.\d+)?)(?P<unit>%|[smhd](?:\d+[smhd])*)?(?![\w.:]|-\d)",
    re.ASCII,
)
_LENGTH_AFTER = re.compile(r"\s+(?:second|minute|hour|day)s?\b", re.ASCII)
_LINE_END = re.compile(r"\r\n|\r|\n")
_SILENT = frozenset({"name", "message", "notify", "timezone", "expires", "active"})
"""Keys whose figures are names, words or clock times."""


@dataclass(frozen=True, slots=True)
class Number:
    """``path`` leads to it: `when.2` is the second number of `when`, `cases.1.do.1` the first of the first case's `do`.

    ``kind`` is `threshold` or `window` for what a condition compares with or looks back over, else empty. ``text`` is
    as it is written, with its ``unit``; ``start`` is its index in the text of the file.
    """

    rule: str
    path: str
    kind: str
    text: str
    unit: str
    place: Place
    start: int

    def spelled(self, value: str) -> str:
        """How another value is written in its place: in its unit, unless the value brings one."""
        return value + self.unit if value[-1:].isdigit() else value


def numbers_in(sources: Sequence[Source]) -> dict[str, list[Number]]:
    """The numbers of every rule, in the order of the file; of sources without problems."""
    found: dict[str, list[Number]] = {}
    for source in sources:
        text, _ = decode(source)
        root, _ = read_tree(text, source.name)
        rules = root.get("rules") if isinstance(root, MappingNode) else None
        lines = [0, *(end.end() for end in _LINE_END.finditer(text))]
        for rule in rules.items if isinstance(rules, Listing) else ():
            if isinstance(rule, MappingNode):
                found[rule.text("name")] = list(_of_rule(rule, lines))
    return found


def with_values(sources: Sequence[Source], values: Mapping[Number, str]) -> list[Source]:
    """The sources with these values in the place of the numbers."""
    changed = []
    for source in sources:
        text, _ = decode(source)
        own = [(number, value) for number, value in values.items() if number.place.file == source.name]
        # From the end on, so that the places before stay where they are.
        for number, value in sorted(own, key=lambda pair: -pair[0].start):
            text = text[: number.start] + number.spelled(value) + text[number.start + len(number.text) :]
        changed.append(Source(source.name, text.encode()) if own else source)
    return changed


def _of_rule(rule: MappingNode, lines: Sequence[int]) -> Iterator[Number]:
    name = rule.text("name")
    for entry in rule.entries:
        if entry.key.text not in _SILENT:
            yield from _of_node(name, entry.key.text, entry.value, lines)


def _of_node(rule: str, path: str, node: Node, lines: Sequence[int]) -> Iterator[Number]:
    match node:
        case Scalar():
            yield from _of_scalar(rule, path, node, lines)
        case Listing(items=items):
            for number, item in enumerate(items, 1):
                yield from _of_node(rule, f"{path}.{number}", item, lines)
        case MappingNode(entries=entries):
            for entry in entries:
                yield from _of_node(rule, f"{path}.{entry.key.text}", entry.value, lines)


def _of_scalar(rule: str, path: str, scalar: Scalar, lines: Sequence[int]) -> Iterator[Number]:
    start = lines[scalar.place.line - 1] + scalar.place.column - 1
    is_condition = "when" in path.split(".")
    for count, found in enumerate(_NUMBER.finditer(scalar.raw), 1):
        before = scalar.raw[: found.start()]
        line = before.count("\n")
        column = len(before) - before.rfind("\n") if line else scalar.place.column + len(before)
        place = Place(scalar.place.file, scalar.place.line + line, column, len(found[0]))
        kind = _kind(before, found, scalar.raw) if is_condition else ""
        yield Number(rule, f"{path}.{count}", kind, found[0], found["unit"] or "", place, start + found.start())


def _kind(before: str, found: re.Match[str], raw: str) -> str:
    if (found["unit"] or "")[:1] in tuple("smhd") or _LENGTH_AFTER.match(raw, found.end()):
        return "window"
    return "" if _is_argument(before) else "threshold"


def _is_argument(before: str) -> bool:
    """Whether a function's parenthesis or a bar's bracket is open there."""
    opened: list[bool] = []
    for at, character in enumerate(before):
        if character in "([":
            opened.append(before[:at][-1:].isalnum())
        elif character in ")]" and opened:
            opened.pop()
    return any(opened)
