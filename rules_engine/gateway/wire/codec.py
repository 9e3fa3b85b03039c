"""Turns declared message types into wire text and back, compiled once for each server version.

A message is a dataclass whose fields stand in wire order. Annotations say the rest: `int | None` may be empty,
`Annotated[int, Since(163)]` exists from that server version on, a tuple is a count and its elements, a union of
dataclasses is a type number and that type's fields. Messages whose order differs from their type's declare items.
"""

import dataclasses
import typing
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from rules_engine.gateway.wire.declarations import declared, variants
from rules_engine.gateway.wire.items import Fields, Fixed, Item, Test, names_in
from rules_engine.gateway.wire.runs import Choice, Name, Place, Run, Stores, Subject
from rules_engine.gateway.wire.values import KINDS, Kind, Malformed


class _Step(typing.Protocol):
    def read(self, fields: Sequence[str], at: int, stores: Stores) -> int:
        """Read from this field on; gives the place of the next."""

    def text(self, message: object) -> str:
        """These fields as they travel, each with its closing NUL."""


class _Optional:
    """Steps that are taken when an earlier field says so."""

    def __init__(self, test: Test, place: Place, steps: Sequence[_Step]) -> None:
        self._holds = test.holds
        self._get = attrgetter(test.path)
        self._owner, self._name = place.owner, place.name
        self._steps = steps

    def read(self, fields: Sequence[str], at: int, stores: Stores) -> int:
        if self._holds(stores[self._owner][self._name]):
            for step in self._steps:
                at = step.read(fields, at, stores)
        return at

    def text(self, message: object) -> str:
        if not self._holds(self._get(message)):
            return ""
        return "".join([step.text(message) for step in self._steps])


class _Element(typing.Protocol):
    def read(self, fields: Sequence[str], at: int) -> tuple[object, int]:
        """One element, and the place of the field after it."""

    def text(self, element: object) -> str:
        """The element as it travels."""


class _Many:
    """A count and that many elements."""

    def __init__(self, place: Place, element: _Element) -> None:
        self._owner, self._name = place.owner, place.name
        self._get = attrgetter(place.path)
        self._element = element

    def read(self, fields: Sequence[str], at: int, stores: Stores) -> int:
        if at >= len(fields):
            raise Malformed.missing(self._name)
        text = fields[at]
        if text and not (text.isascii() and text.isdecimal()):
            raise Malformed(self._name, text, "a count")
        at += 1
        # By length first: the number of a long text is slow to find and can only be too large.
        if len(text) > _COUNT_DIGITS_MAX or int(text or 0) > len(fields) - at:
            raise Malformed(self._name, text, "a count: the message has fewer fields")
        elements = []
        for index in range(int(text or 0)):
            try:
                element, at = self._element.read(fields, at)
            except Malformed as malformed:
                raise malformed.of(f"{self._name}[{index}]") from malformed
            elements.append(element)
        stores[self._owner][self._name] = tuple(elements)
        return at

    def text(self, message: object) -> str:
        elements = self._get(message)
        return f"{len(elements)}\0" + "".join([self._element.text(element) for element in elements])


_COUNT_DIGITS_MAX = 9


class _Plain:
    """An element that is a single field."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def read(self, fields: Sequence[str], at: int) -> tuple[object, int]:
        if at >= len(fields):
            raise Malformed.missing("element")
        try:
            return self._kind.read(fields[at]), at + 1
        except ValueError as error:
            raise Malformed("element", fields[at], str(error)) from error

    def text(self, element: object) -> str:
        return f"{self._kind.write(element)}\0"


class _Variants:
    """A type number, then the fields of that type."""

    def __init__(self, records: dict[int, "_Record"]) -> None:
        self._records = {str(number): record for number, record in records.items()}
        self._numbers = {record.cls: number for number, record in self._records.items()}

    def read(self, fields: Sequence[str], at: int) -> tuple[object, int]:
        if at >= len(fields):
            raise Malformed.missing("type")
        record = self._records.get(fields[at])
        if record is None:
            raise Malformed("type", fields[at], f"one of {', '.join(self._records)}")
        return record.read(fields, at + 1)

    def text(self, element: object) -> str:
        number = self._numbers[type(element)]
        return f"{number}\0{self._records[number].text(element)}"


class _Record:
    """A dataclass: the steps that fill it, and the nested dataclasses that are filled with it."""

    def __init__(self, cls: type, items: Sequence[Item], version: int) -> None:
        compiler = _Compiler(cls, version)
        self.cls = cls
        self._steps = compiler.steps(items)
        self._nested = compiler.nested
        self._absent = [absent for _, absent in compiler.owners]
        self._classes = [owned for owned, _ in compiler.owners]

    def read(self, fields: Sequence[str], at: int) -> tuple[object, int]:
        stores = [absent.copy() for absent in self._absent]
        for step in self._steps:
            at = step.read(fields, at, stores)
        # A nested class was found after the one that holds it, so it is complete before that one is made.
        for owner in range(len(stores) - 1, 0, -1):
            outer, name = self._nested[owner]
            stores[outer][name] = self._classes[owner](**stores[owner])
        return self.cls(**stores[0]), at

    @property
    def writer(self) -> Callable[[object], str]:
        """What gives the text; for a plain message its only step itself."""
        return self._steps[0].text if len(self._steps) == 1 else self.text

    def text(self, element: object) -> str:
        return "".join([step.text(element) for step in self._steps])


class _Compiler:
    """Finds the steps of one class in one server version."""

    def __init__(self, cls: type, version: int) -> None:
        self._cls = cls
        self._version = version
        self.owners: list[tuple[type, dict[str, object]]] = []
        self.nested: dict[int, tuple[int, str]] = {}
        self._owner_of: dict[str, int] = {}
        self._own(cls, "")

    def _own(self, cls: type, prefix: str) -> None:
        """Every class has a store for its fields, which begins with what is true of fields that do not travel."""
        owner = self._owner_of[prefix] = len(self.owners)
        inner = {name: one for name, one in declared(cls).items() if dataclasses.is_dataclass(one.type)}
        self.owners.append((cls, {name: one.default for name, one in declared(cls).items() if name not in inner}))
        for name, one in inner.items():
            self.nested[len(self.owners)] = (owner, name)
            self._own(one.type, f"{prefix}{name}.")

    def steps(self, items: Sequence[Item]) -> list[_Step]:
        """Fields of one class that always travel together become one step, with the fixed texts before them."""
        steps: list[_Step] = []
        texts: list[str] = []
        names: list[Name] = []

        def finish() -> None:
            if texts or names:
                steps.append(Run(names, texts))
                texts.clear()
                names.clear()

        for part in self._parts(items):
            if isinstance(part, str):
                if names:
                    finish()
                texts.append(part)
            elif isinstance(part, Name):
                if names and names[-1].place.owner != part.place.owner:
                    finish()
                names.append(part)
            else:
                finish()
                steps.append(part)
        finish()
        return steps

    def _parts(self, items: Sequence[Item]) -> Iterator[Name | str | _Step]:
        for item in items:
            if isinstance(item, Fields):
                for path in names_in(item.names, self._version):
                    yield from self._field(self._cls, path, "")
            elif isinstance(item, Fixed):
                if item.since <= self._version < item.until:
                    yield item.text
            elif item.since <= self._version:
                yield _Optional(item.test, self._place(item.test.path), self.steps(item.items))

    def _field(self, cls: type, path: str, prefix: str) -> Iterator[Name | str | _Step]:
        outer, dot, inner = path.partition(".")
        one = declared(cls)[outer]
        if dot:
            yield from self._field(one.type, inner, f"{prefix}{outer}.")
        elif not one.since <= self._version < one.until:
            return
        elif one.plain:
            name = Name(self._place(prefix + outer), one, self._version)
            yield Choice(name) if one.texts else Subject(name) if one.identity else name
        elif one.many:
            yield _Many(self._place(prefix + outer), _element(one.element, self._version))
        else:
            for nested in names_in(one.only or " ".join(declared(one.type)), self._version):
                yield from self._field(one.type, nested, f"{prefix}{outer}.")

    def _place(self, path: str) -> Place:
        prefix, dot, name = path.rpartition(".")
        return Place(self._owner_of[prefix + dot], name, path)


def _element(cls: typing.Any, version: int) -> _Element:  # Any: a class or a union of classes.
    if cls in KINDS:
        return _Plain(KINDS[cls])
    arms = variants(cls)
    if arms:
        return _Variants({number: _record(arm, version) for number, arm in arms.items()})
    return _record(cls, version)


def _record(cls: type, version: int) -> _Record:
    return _Record(cls, (Fields(" ".join(declared(cls))),), version)


M = typing.TypeVar("M")


class Layout(typing.Generic[M]):
    """The wire form of one message type."""

    def __init__(self, cls: type[M], items: tuple[Item, ...]) -> None:
        self.cls = cls
        self.items = items
        self._compiled: dict[int, _Record] = {}

    def writer(self, version: int) -> Callable[[M], str]:
        """Gives a message's fields as this server version writes them, each with its closing NUL."""
        return self._record(version).writer

    def decode(self, fields: Sequence[str], version: int) -> M:
        """The message in these fields; raises Malformed or NotAnIdentity."""
        message, end = self._record(version).read(fields, 0)
        if end < len(fields):
            raise Malformed(f"#{end}", fields[end], "expected: the message has too many fields")
        return typing.cast(M, message)

    def _record(self, version: int) -> _Record:
        if version not in self._compiled:
            self._compiled[version] = _Record(self.cls, self.items, version)
        return self._compiled[version]
