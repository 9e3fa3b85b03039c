"""Turns declared message types into text fields and back, for one server version at a time.

A message is a dataclass whose fields stand in wire order. Annotations say the rest: `int | None` may be empty,
`Annotated[int, Since(163)]` exists from that server version on, a tuple is a count and its elements, a union of
dataclasses is a type number and that type's fields. Messages whose order differs from their type's declare items.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from rules_engine.gateway.items import (
    VERSION_NEVER,
    Fields,
    Fixed,
    Identity,
    Item,
    OneOf,
    Only,
    Since,
    Test,
    Until,
)
from rules_engine.gateway.values import KINDS, Cursor, Kind, Malformed, NotAnIdentity

_NAME = re.compile(r"([\w.]+)(?:(>=|<)(\d+))?")

Lookup = Callable[[str], object]

_Values = dict[str, object]


class _Step(typing.Protocol):
    def read(self, cursor: Cursor, values: _Values) -> None: ...

    def write(self, lookup: Lookup, out: list[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Value:
    path: str
    kind: Kind
    optional: bool
    identity: bool
    texts: tuple[str, ...]
    default: object

    def read(self, cursor: Cursor, values: _Values) -> None:
        text = cursor.take(self.path) if not self.identity or cursor.left else ""
        if self.texts and text not in self.texts:
            raise Malformed(self.path.rpartition(".")[2], text, f"one of {', '.join(self.texts)}")
        if text == "" and not self.identity:
            values[self.path] = self.default
        elif self.optional and text == self.kind.unset:
            values[self.path] = None
        else:
            values[self.path] = self._parsed(text)

    def _parsed(self, text: str) -> object:
        try:
            return self.kind.read(text)
        except ValueError as error:
            if self.identity:
                raise NotAnIdentity(f"'{self.path}' is {text!r}") from error
            raise Malformed(self.path.rpartition(".")[2], text, str(error)) from error

    def write(self, lookup: Lookup, out: list[str]) -> None:
        value = lookup(self.path)
        out.append("" if value is None else self.kind.write(value))


@dataclass(frozen=True, slots=True)
class _Fixed:
    text: str

    def read(self, cursor: Cursor, values: _Values) -> None:
        cursor.take("(unused)")

    def write(self, lookup: Lookup, out: list[str]) -> None:
        out.append(self.text)


@dataclass(frozen=True, slots=True)
class _Block:
    test: Test
    steps: tuple[_Step, ...]

    def read(self, cursor: Cursor, values: _Values) -> None:
        if self.test.holds(values[self.test.path]):
            for step in self.steps:
                step.read(cursor, values)

    def write(self, lookup: Lookup, out: list[str]) -> None:
        if self.test.holds(lookup(self.test.path)):
            for step in self.steps:
                step.write(lookup, out)


@dataclass(frozen=True, slots=True)
class _Many:
    """A count and that many elements."""

    path: str
    element: "_Element"

    def read(self, cursor: Cursor, values: _Values) -> None:
        text = cursor.take(self.path)
        if text and not text.isdecimal():
            raise Malformed(self.path, text, "a count")
        count = int(text or 0)
        if count > cursor.left:
            raise Malformed(self.path, text, "a count: the message has fewer fields")
        values[self.path] = tuple(self.element.read(cursor) for _ in range(count))

    def write(self, lookup: Lookup, out: list[str]) -> None:
        elements = typing.cast("tuple[object, ...]", lookup(self.path))
        out.append(str(len(elements)))
        for element in elements:
            self.element.write(element, out)


class _Element(typing.Protocol):
    def read(self, cursor: Cursor) -> object: ...

    def write(self, element: object, out: list[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Plain:
    kind: Kind

    def read(self, cursor: Cursor) -> object:
        text = cursor.take("element")
        try:
            return self.kind.read(text)
        except ValueError as error:
            raise Malformed("element", text, str(error)) from error

    def write(self, element: object, out: list[str]) -> None:
        out.append(self.kind.write(element))


@dataclass(frozen=True, slots=True)
class _Record:
    cls: type
    steps: tuple[_Step, ...]

    def read(self, cursor: Cursor) -> object:
        values: _Values = {}
        for step in self.steps:
            step.read(cursor, values)
        return _built(self.cls, values, "")

    def write(self, element: object, out: list[str]) -> None:
        def lookup(path: str) -> object:
            return attrgetter(path)(element)

        for step in self.steps:
            step.write(lookup, out)


@dataclass(frozen=True, slots=True)
class _Variants:
    """A type number, then the fields of that type."""

    records: dict[int, _Record]

    def read(self, cursor: Cursor) -> object:
        text = cursor.take("type")
        if not text.isdecimal() or int(text) not in self.records:
            raise Malformed("type", text, f"one of {', '.join(map(str, self.records))}")
        return self.records[int(text)].read(cursor)

    def write(self, element: object, out: list[str]) -> None:
        number = next(number for number, record in self.records.items() if isinstance(element, record.cls))
        out.append(str(number))
        self.records[number].write(element, out)


@dataclass(frozen=True, slots=True)
class _Declared:
    """One field of a dataclass as its annotation declares it."""

    name: str
    type: typing.Any  # Any: annotations are generic aliases and unions, for which typing has no common type.
    optional: bool
    since: int
    until: int
    identity: bool
    texts: tuple[str, ...]
    only: str | None
    default: object


_declarations: dict[type, dict[str, _Declared]] = {}


def _declared(cls: type) -> dict[str, _Declared]:
    if cls not in _declarations:
        _declarations[cls] = _declare(cls)
    return _declarations[cls]


def _declare(cls: type) -> dict[str, _Declared]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: _declaration(field, hints[field.name]) for field in dataclasses.fields(cls)}


def field_names(cls: type) -> tuple[str, ...]:
    """The fields of a message type in wire order."""
    return tuple(_declared(cls))


def _declaration(field: "dataclasses.Field[object]", hint: typing.Any) -> _Declared:
    marks: tuple[object, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        marks = tuple(rest)
    optional = typing.get_origin(hint) in (types.UnionType, typing.Union) and type(None) in typing.get_args(hint)
    if optional:
        (hint,) = (arm for arm in typing.get_args(hint) if arm is not type(None))
    kind = KINDS.get(hint)
    plain = None if optional or kind is None else kind.zero
    return _Declared(
        name=field.name,
        type=hint,
        optional=optional,
        since=max((mark.version for mark in marks if isinstance(mark, Since)), default=0),
        until=min((mark.version for mark in marks if isinstance(mark, Until)), default=VERSION_NEVER),
        identity=any(isinstance(mark, Identity) for mark in marks),
        texts=next((mark.texts for mark in marks if isinstance(mark, OneOf)), ()),
        only=next((mark.names for mark in marks if isinstance(mark, Only)), None),
        default=plain if field.default is dataclasses.MISSING else field.default,
    )


def _steps(cls: type, items: Sequence[Item], version: int, prefix: str = "") -> Iterator[_Step]:
    for item in items:
        if isinstance(item, Fields):
            yield from _named_steps(cls, item.names, version, prefix)
        elif isinstance(item, Fixed):
            if item.since <= version < item.until:
                yield _Fixed(item.text)
        elif item.since <= version:
            yield _Block(item.test, tuple(_steps(cls, item.items, version, prefix)))


def _named_steps(cls: type, names: str, version: int, prefix: str) -> Iterator[_Step]:
    for word in names.split():
        match = _NAME.fullmatch(word)
        assert match is not None, f"'{word}' is not a field of a layout"
        name, relation, bound = match.groups()
        if relation and (version < int(bound)) == (relation == ">="):
            continue
        yield from _field_steps(cls, name, version, prefix)


def _field_steps(cls: type, name: str, version: int, prefix: str) -> Iterator[_Step]:
    if "." in name:
        outer, _, inner = name.partition(".")
        yield from _field_steps(_declared(cls)[outer].type, inner, version, f"{prefix}{outer}.")
        return
    declared = _declared(cls)[name]
    path = prefix + name
    if not declared.since <= version < declared.until:
        return
    if declared.type in KINDS:
        yield _Value(path, KINDS[declared.type], declared.optional, declared.identity, declared.texts, declared.default)
    elif typing.get_origin(declared.type) is tuple:
        yield _Many(path, _element(typing.get_args(declared.type)[0], version))
    else:
        names = declared.only or " ".join(_declared(declared.type))
        yield from _named_steps(declared.type, names, version, f"{path}.")


def _element(cls: typing.Any, version: int) -> _Element:
    if cls in KINDS:
        return _Plain(KINDS[cls])
    if typing.get_origin(cls) in (types.UnionType, typing.Union):
        return _Variants({arm.number: _record(arm, version) for arm in typing.get_args(cls)})
    return _record(cls, version)


def _record(cls: type, version: int) -> _Record:
    return _Record(cls, tuple(_named_steps(cls, " ".join(_declared(cls)), version, "")))


def _built(cls: type, values: _Values, prefix: str) -> object:
    """An instance from flat paths; what did not travel takes its default."""
    arguments: _Values = {}
    for name, declared in _declared(cls).items():
        path = prefix + name
        if path in values:
            arguments[name] = values[path]
        elif isinstance(declared.type, type) and dataclasses.is_dataclass(declared.type):
            arguments[name] = _built(declared.type, values, f"{path}.")
        elif typing.get_origin(declared.type) is tuple:
            arguments[name] = ()
        else:
            arguments[name] = declared.default
    return cls(**arguments)


M = typing.TypeVar("M")


class Layout(typing.Generic[M]):
    """The wire form of one message type."""

    def __init__(self, cls: type[M], items: tuple[Item, ...] | None = None) -> None:
        self._cls = cls
        self._items = items or (Fields(" ".join(_declared(cls))),)
        self._compiled: dict[int, tuple[_Step, ...]] = {}

    def encode(self, message: M, version: int) -> list[str]:
        """The message's fields as this server version writes them."""

        def lookup(path: str) -> object:
            return attrgetter(path)(message)

        out: list[str] = []
        for step in self._steps(version):
            step.write(lookup, out)
        return out

    def decode(self, fields: Sequence[str], version: int) -> M:
        """The message in these fields; raises Malformed or NotAnIdentity."""
        cursor = Cursor(fields)
        values: _Values = {}
        for step in self._steps(version):
            step.read(cursor, values)
        cursor.end()
        return typing.cast(M, _built(self._cls, values, ""))

    def _steps(self, version: int) -> tuple[_Step, ...]:
        if version not in self._compiled:
            self._compiled[version] = tuple(_steps(self._cls, self._items, version))
        return self._compiled[version]
