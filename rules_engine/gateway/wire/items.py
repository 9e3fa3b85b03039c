"""The words in which messages are declared: what the annotations and layouts of message types are made of."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

VERSION_NEVER = 1_000_000

_NAME = re.compile(r"([\w.]+)(?:(>=|<)(\d+))?")


@dataclass(frozen=True, slots=True)
class Since:
    """The field exists from this server version on."""

    version: int


@dataclass(frozen=True, slots=True)
class Until:
    """The field exists below this server version."""

    version: int


@dataclass(frozen=True, slots=True)
class Whole:
    """Below this server version the number travels without a fraction, because clients read it as an integer."""

    until: int


Size = Annotated[float, Whole(163)]
"""A number of shares, contracts or coins."""


@dataclass(frozen=True, slots=True)
class Infinite:
    """The number may be infinite, which means something."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The field names what the message belongs to, so the frame is worthless without it."""


@dataclass(frozen=True, slots=True, init=False)
class OneOf:
    """The field has one of these texts."""

    texts: tuple[str, ...]

    def __init__(self, *texts: str) -> None:
        object.__setattr__(self, "texts", texts)


@dataclass(frozen=True, slots=True)
class Only:
    """Of a nested type only these fields travel, in this order."""

    names: str


@dataclass(frozen=True, slots=True)
class Test:
    """A question about fields that came earlier in the same message."""

    path: str
    holds: Callable[[object], bool]


def equal(path: str, *wanted: object) -> Test:
    """The earlier field has one of these values."""
    return Test(path, lambda value: value in wanted)


def given(path: str) -> Test:
    """The earlier field is neither empty, zero nor unset."""
    return Test(path, bool)


def positive(path: str) -> Test:
    """The earlier number is set and above zero."""
    return Test(path, lambda value: isinstance(value, int | float) and value > 0)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A field that always says the same."""

    text: str = ""
    since: int = 0
    until: int = VERSION_NEVER


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields by name in wire order, as in `duration>=158 faProfile<177`."""

    names: str


@dataclass(frozen=True, slots=True)
class Block:
    """Items that travel only when the test holds."""

    test: Test
    items: tuple["Item", ...]
    since: int = 0


Item = Fixed | Fields | Block


def names_in(words: str, version: int) -> Iterator[str]:
    """The names among these words that exist in this server version, as in `duration>=158 faProfile<177`."""
    for word in words.split():
        match = _NAME.fullmatch(word)
        assert match is not None, f"'{word}' is not a field of a layout"
        name, relation, bound = match.groups()
        if not relation or (version >= int(bound)) == (relation == ">="):
            yield name
