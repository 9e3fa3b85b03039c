"""YAML text into a located tree under our own scalar rules, or located problems."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import yaml

from rules_engine.language.codes import Code
from rules_engine.language.text import character_name, first_forbidden
from rules_engine.language.yaml_faults import explain_fault
from rules_engine.model.place import Place, Problem
from rules_engine.model.slices import Slices, at_once

NODES_MAX = 20_000
NESTING_MAX = 24
_NODES_A_SLICE = 64
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_LINE = re.compile(r"[^\r\n]*")
_WORDS = {"true": True, "false": False, "null": None, "~": None}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(Protocol):
    """A position as the YAML parser tells it, all counted from 0."""

    index: int
    line: int
    column: int


Value = str | int | float | bool | None


class Scalar(NamedTuple):
    """``text`` is what the user typed, ``value`` what it is under our typing rules.

    ``raw`` is the stretch of the file with its quotes and line breaks, from which words inside are located.
    """

    place: Place
    text: str
    value: Value
    raw: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    place: Place
    items: tuple["Node", ...]


class Entry(NamedTuple):
    """One `key: value` of a mapping."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping, its keys in the order of the file."""

    place: Place
    entries: tuple[Entry, ...]

    def get(self, key: str) -> "Node | None":
        """The value of ``key``, or None."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)

    def text(self, key: str) -> str:
        """What was typed as the value of ``key``; empty when there is none."""
        value = self.get(key)
        return value.text if isinstance(value, Scalar) else ""

    def whole(self, key: str, otherwise: int) -> int:
        """The whole number under ``key``."""
        value = self.get(key)
        return value.value if isinstance(value, Scalar) and isinstance(value.value, int) else otherwise

    def entry(self, key: str) -> Entry | None:
        """The key with its value, or None."""
        return next((entry for entry in self.entries if entry.key.text == key), None)


Node = Scalar | Listing | Mapping


class _Stopped(Exception):
    """Reading cannot go on: the problem is recorded."""


def read_tree(text: str, name: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """The file's one document; None when it cannot be read to its end."""
    return at_once(reading_tree(text, name))


def reading_tree(text: str, name: str) -> Slices[tuple[Node | None, tuple[Problem, ...]]]:
    """The same in slices."""
    reader = _Reader(text, name)
    root = yield from reader.document()
    return root, tuple(reader.problems)


class _Open:
    """A mapping or a listing that is being read. ``key`` is the one whose value comes next."""

    __slots__ = ("entries", "items", "key", "place")

    def __init__(self, place: Place, entries: dict[str, Entry] | None) -> None:
        self.place = place
        self.entries = entries
        self.items: list[Node] = []
        self.key: Node | None = None


class _Reader:
    """Walks the events of the YAML parser once, building nodes and collecting what is refused."""

    def __init__(self, text: str, name: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._name = name
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._nodes = 0
        self._open: list[_Open] = []

    def document(self) -> Slices[Node | None]:
        try:
            return (yield from self._document())
        except _Stopped:
            return None
        except yaml.YAMLError as error:
            self.problems.append(explain_fault(error, self._text, self._name))
            return None

    def _document(self) -> Slices[Node | None]:
        next(self._events)
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            self._refuse(Place(self._name, 1, 1), Code.EMPTY_FILE, "the file holds no rules", "start with 'version: 1'")
            return None
        if start.tags or start.version:
            self._refuse(self._place(start), Code.TAG, "YAML directives are not allowed", "remove the line")
        root = yield from self._root()
        next(self._events)
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            message, hint = "a file holds one document", "put what follows '---' into a file of its own"
            self._refuse(self._place(after, 3), Code.SECOND_DOCUMENT, message, hint)
        return root

    def _root(self) -> Slices[Node]:
        while True:
            node = self._take(next(self._events))
            if node is not None and not self._open:
                return node
            if node is not None:
                self._put(node, self._open[-1])
            if self._nodes % _NODES_A_SLICE == 0:
                yield

    def _take(self, event: yaml.Event) -> Node | None:
        """The node that is complete with this event."""
        if isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            if done.entries is None:
                return Listing(done.place, tuple(done.items))
            return Mapping(done.place, tuple(done.entries.values()))
        self._count(event, len(self._open) + 1)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        self._refuse_anchor_or_tag(event)
        if isinstance(event, yaml.CollectionStartEvent):
            entries: dict[str, Entry] | None = {} if isinstance(event, yaml.MappingStartEvent) else None
            self._open.append(_Open(self._place(event), entries))
            return None
        return Scalar(self._place(event), "", "", "")

    def _put(self, node: Node, into: _Open) -> None:
        if into.entries is None:
            self._refuse_empty(node, None)
            into.items.append(node)
        elif into.key is None:
            into.key = node
        else:
            key, into.key = into.key, None
            self._refuse_empty(node, key)
            self._enter(key, node, into.entries)

    def _enter(self, key: Node, value: Node, entries: dict[str, Entry]) -> None:
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            self._refuse(key.place, Code.KEY_NOT_TEXT, "a key must be text", "write a word, or quote it")
        elif key.text in entries:
            first = entries[key.text].key.place.line
            self._refuse(
                key.place, Code.DUPLICATE_KEY, f"the key '{key.text}' stands here twice", f"it is first on line {first}"
            )
        else:
            entries[key.text] = Entry(key, value)

    def _count(self, event: yaml.Event, depth: int) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            self._stop(event, Code.TOO_MANY_NODES, f"the file has more than {NODES_MAX:,} values", "split the file")
        if depth > NESTING_MAX:
            self._stop(event, Code.TOO_DEEP, f"nested more than {NESTING_MAX} deep", "rules need far less")

    def _refuse_anchor_or_tag(self, event: yaml.Event) -> None:
        hint = "write the value out"
        if isinstance(event, yaml.AliasEvent):
            self._refuse(self._place(event), Code.ANCHOR, f"aliases ('*{event.anchor}') are not allowed", hint)
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            place = self._place(event, len(event.anchor) + 1)
            self._refuse(place, Code.ANCHOR, f"anchors ('&{event.anchor}') are not allowed", hint)
        tag = getattr(event, "tag", None)
        if tag is not None:
            length = len(self._rest_of_line(_marks(event)[0].index).split(" ")[0])
            self._refuse(self._place(event, length), Code.TAG, "tags ('!...') are not allowed", "remove the tag")

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        if event.anchor is not None or event.tag is not None:
            self._refuse_anchor_or_tag(event)
        text, style = str(event.value), event.style
        start, end = _marks(event)
        place = self._between(start, end)
        # The file itself holds none: only an escape can spell one.
        if style == '"' and (odd := first_forbidden(text)):
            message = f"the character {character_name(odd)} is not allowed"
            self._refuse(place, Code.FORBIDDEN_CHARACTER, message, "remove it")
        return Scalar(place, text, text if style else _typed(text), self._text[start.index : end.index])

    def _refuse_empty(self, value: Node, key: Node | None) -> None:
        if isinstance(value, Scalar) and not value.raw and value.place.length == 0:
            what = f"'{key.text}' has no value" if isinstance(key, Scalar) else "an empty item"
            self._refuse(value.place, Code.EMPTY_VALUE, what, "write a value, or remove the line")

    def _place(self, event: yaml.Event, length: int | None = None) -> Place:
        start, end = _marks(event)
        if length is None:
            return self._between(start, end)
        return Place(self._name, start.line + 1, start.column + 1, length)

    def _between(self, start: _Mark, end: _Mark) -> Place:
        """The first line of what stands there."""
        one_line = end.line == start.line
        length = end.column - start.column if one_line else len(self._rest_of_line(start.index))
        return Place(self._name, start.line + 1, start.column + 1, length)

    def _rest_of_line(self, index: int) -> str:
        found = _LINE.match(self._text, index)
        return found[0].rstrip() if found else ""

    def _refuse(self, place: Place, code: Code, message: str, hint: str) -> None:
        self.problems.append(Problem(place, code, message, hint))

    def _stop(self, event: yaml.Event, code: Code, message: str, hint: str) -> None:
        self._refuse(self._place(event), code, message, hint)
        raise _Stopped


def _marks(event: yaml.Event) -> tuple[_Mark, _Mark]:
    """Where the event starts and ends; the parser leaves neither out."""
    assert event.start_mark is not None and event.end_mark is not None
    return event.start_mark, event.end_mark


def _typed(text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text) is None:
        return text
    return float(text) if "." in text or len(text) > 300 else int(text)
