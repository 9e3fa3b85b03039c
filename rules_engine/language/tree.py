"""YAML text into a located tree under our own scalar rules, or located problems."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import yaml

from rules_engine.language.codes import Code
from rules_engine.language.text import character_name, first_forbidden
from rules_engine.language.yaml_faults import explain_fault
from rules_engine.model.place import Place, Problem

NODES_MAX = 20_000
NESTING_MAX = 24
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


@dataclass(frozen=True, slots=True)
class Scalar:
    """``text`` is what the user typed, ``value`` what it is under our typing rules.

    ``raw`` is the stretch of the file with its quotes and line breaks, from which words inside are located.
    """

    place: Place
    text: str
    value: Value
    raw: str


@dataclass(frozen=True, slots=True)
class Listing:
    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
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
    reader = _Reader(text, name)
    return reader.document(), tuple(reader.problems)


class _Reader:
    """Walks the events of the YAML parser once, building nodes and collecting what is refused."""

    def __init__(self, text: str, name: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._name = name
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._nodes = 0

    def document(self) -> Node | None:
        try:
            return self._document()
        except _Stopped:
            return None
        except yaml.YAMLError as error:
            self.problems.append(explain_fault(error, self._text, self._name))
            return None

    def _document(self) -> Node | None:
        next(self._events)
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            self._refuse(Place(self._name, 1, 1), Code.EMPTY_FILE, "the file holds no rules", "start with 'version: 1'")
            return None
        if start.tags or start.version:
            self._refuse(self._place(start), Code.TAG, "YAML directives are not allowed", "remove the line")
        root = self._node(next(self._events), 1)
        next(self._events)
        after = next(self._events)
        if isinstance(after, yaml.DocumentStartEvent):
            message, hint = "a file holds one document", "put what follows '---' into a file of its own"
            self._refuse(self._place(after, 3), Code.SECOND_DOCUMENT, message, hint)
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._count(event, depth)
        self._refuse_anchor_or_tag(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._listing(event, depth)
        return self._scalar(event)

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

    def _mapping(self, start: yaml.Event, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            self._refuse_empty(value, key)
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                self._refuse(key.place, Code.KEY_NOT_TEXT, "a key must be text", "write a word, or quote it")
            elif key.text in entries:
                first = entries[key.text].key.place.line
                message = f"the key '{key.text}' stands here twice"
                self._refuse(key.place, Code.DUPLICATE_KEY, message, f"it is first on line {first}")
            else:
                entries[key.text] = Entry(key, value)
        return Mapping(self._place(start), tuple(entries.values()))

    def _listing(self, start: yaml.Event, depth: int) -> Listing:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item = self._node(event, depth + 1)
            self._refuse_empty(item, None)
            items.append(item)
        return Listing(self._place(start), tuple(items))

    def _scalar(self, event: yaml.Event) -> Scalar:
        if not isinstance(event, yaml.ScalarEvent):
            return Scalar(self._place(event), "", "", "")
        text = str(event.value)
        start, end = _marks(event)
        raw = self._text[start.index : end.index]
        if odd := first_forbidden(text):
            message = f"the character {character_name(odd)} is not allowed"
            self._refuse(self._place(event), Code.FORBIDDEN_CHARACTER, message, "remove it")
        return Scalar(self._place(event), text, text if event.style else _typed(text), raw)

    def _refuse_empty(self, value: Node, key: Node | None) -> None:
        if isinstance(value, Scalar) and not value.raw and value.place.length == 0:
            what = f"'{key.text}' has no value" if isinstance(key, Scalar) else "an empty item"
            self._refuse(value.place, Code.EMPTY_VALUE, what, "write a value, or remove the line")

    def _place(self, event: yaml.Event, length: int | None = None) -> Place:
        start, end = _marks(event)
        if length is None:
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
