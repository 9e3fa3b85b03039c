"""A test beside the rules: a small tape of prices and what must come of it."""

from dataclasses import dataclass

from rules_engine.model.action import Action
from rules_engine.model.instrument import Field
from rules_engine.model.place import Place


@dataclass(frozen=True, slots=True)
class Row:
    """One line of prices. A cell is a price, None for no print, or `"x"` for a feed that is down."""

    instrument: str
    field: Field
    cells: tuple[float | str | None, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """``actions`` of one firing, `at_s` after the test's start."""

    at_s: float
    actions: tuple[Action, ...]
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A test that stands beside the rules: prices in rows, and all that may come of them."""

    name: str
    rules: tuple[str, ...]
    start_s: float
    """POSIX seconds."""
    every_s: float
    rows: tuple[Row, ...]
    expect: tuple[Expected, ...]
    place: Place
