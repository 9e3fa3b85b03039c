"""Fields that stand in a row: read and written in one go."""

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from rules_engine.gateway.wire.declarations import Declared
from rules_engine.gateway.wire.values import KINDS, Kind, Malformed, NotAnIdentity, number_or_infinity, number_text

Stores = list[dict[str, object]]
"""The values read so far: for every dataclass that is being filled, its fields by name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: the number of its dataclass, its name there, and its path from the message."""

    owner: int
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Name:
    """A field that is one text on the wire."""

    place: Place
    declared: Declared
    version: int

    @property
    def kind(self) -> Kind:
        """How its values are read and written."""
        return KINDS[self.declared.type]

    @property
    def verbatim(self) -> str | None:
        """The format that writes its values as they are, if one does."""
        return None if self.declared.optional else self.kind.format


class Run:
    """Fixed texts, which are not looked at when read, and fields of one dataclass that always travel together."""

    def __init__(self, names: Sequence[Name], texts: Sequence[str] = ()) -> None:
        self._owner = names[0].place.owner if names else 0
        self._fixed, self._count = len(texts), len(names)
        self._readers = [(name.place.name, name.declared.default, _reader(name)) for name in names]
        self._get = _getter([name.place.path for name in names])
        formats = [text.replace("%", "%%") for text in texts] + [name.verbatim or "%s" for name in names]
        self._template = "".join(f"{each}\0" for each in formats)
        self._writers = [(index, _writer(name)) for index, name in enumerate(names) if name.verbatim is None]

    def read(self, fields: Sequence[str], at: int, stores: Stores) -> int:
        """Read from this field on; an empty text says nothing. Gives the place of the next field."""
        at += self._fixed
        if at > len(fields):
            raise Malformed.missing("(unused)")
        end = at + self._count
        texts = fields[at:end]
        store = stores[self._owner]
        for (name, default, read), text in zip(self._readers, texts, strict=False):
            try:
                store[name] = read(text) if text else default
            except ValueError as error:
                raise Malformed(name, text, str(error)) from error
        if len(texts) < self._count:
            raise Malformed.missing(self._readers[len(texts)][0])
        return end

    def text(self, message: object) -> str:
        """These fields as they travel, each with its closing NUL."""
        values = self._get(message)
        if self._writers:
            texts = [*values]
            for index, write in self._writers:
                texts[index] = write(texts[index])
            values = tuple(texts)
        return self._template % values


class Choice(Run):
    """One field that has one of a few texts, of which the empty one is only one if it is among them."""

    def __init__(self, name: Name) -> None:
        super().__init__([name])
        self._name, self._texts = name.place.name, name.declared.texts

    def read(self, fields: Sequence[str], at: int, stores: Stores) -> int:
        if at < len(fields) and fields[at] not in self._texts:
            raise Malformed(self._name, fields[at], f"one of {', '.join(self._texts)}")
        return super().read(fields, at, stores)


class Subject(Run):
    """The number that says what the message belongs to."""

    def __init__(self, name: Name) -> None:
        super().__init__([name])
        self._name = name.place.name

    def read(self, fields: Sequence[str], at: int, stores: Stores) -> int:
        if at >= len(fields) or fields[at] == "":
            raise NotAnIdentity(f"'{self._name}' is missing")
        try:
            return super().read(fields, at, stores)
        except Malformed as malformed:
            raise NotAnIdentity(str(malformed)) from malformed


def _getter(paths: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    if not paths:
        return lambda message: ()
    get = attrgetter(*paths)
    if len(paths) > 1:
        return typing.cast("Callable[[object], tuple[object, ...]]", get)
    return lambda message: (get(message),)


def _reader(name: Name) -> Callable[[str], object]:
    """Reads a text that is not empty. The function raises ValueError."""
    read, unset = number_or_infinity if name.declared.infinite else name.kind.read, name.kind.unset
    if not name.declared.optional:
        return read
    # By value: ibapi writes 1.7976931348623157e+308 where TWS writes 1.7976931348623157E308.
    return lambda text: None if (value := read(text)) == unset else value


def _writer(name: Name) -> Callable[[object], str]:
    if name.version < name.declared.whole_until:
        return lambda value: number_text(round(typing.cast(float, value)))
    write = name.kind.write
    return (lambda value: "" if value is None else write(value)) if name.declared.optional else write
