"""Catalogue files (the built-in `listings.yaml`, a user's own) into the entries of each kind of contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from rules_engine.gateway.contracts.hours import CALENDARS, Hours
from rules_engine.gateway.contracts.market_rules import BANDED, rule_of_tick
from rules_engine.gateway.files import Node, read_yaml

BUILT_IN = Path(__file__).with_name("listings.yaml")


@dataclass(frozen=True, slots=True)
class Steps:
    """How prices move: the smallest step, and the number of the market rule."""

    minTick: float
    rule: int


@dataclass(frozen=True, slots=True)
class Fields:
    """One entry of a catalogue file with its symbol."""

    symbol: str
    node: Node
    entries: dict[str, Node]

    def text(self, key: str, default: str = "") -> str:
        """What is written, or a default."""
        return self.entries[key].text() if key in self.entries else default

    def number(self, key: str, default: float) -> float:
        """A number above zero."""
        return self.entries[key].positive() if key in self.entries else default

    def choice(self, key: str, default: str, known: tuple[str, ...]) -> str:
        """One of the known words."""
        word = self.text(key, default)
        if word not in known:
            raise self.entries.get(key, self.node).problem(f"{key} '{word}' is unknown; known: {', '.join(known)}")
        return word

    def price(self) -> float:
        """Where a random walk begins; always written."""
        if "price" not in self.entries:
            raise self.node.problem(f"'{self.symbol}' needs a price")
        return self.entries["price"].positive()

    def conId(self, derived_from: str) -> int:
        """The number of the contract; where none is written it is the same on every machine and in every run."""
        if "conId" not in self.entries:
            return derived_id(derived_from)
        text = self.entries["conId"].text()
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 29):
            raise self.entries["conId"].problem(f"conId '{text}' must be a whole number from 1 to {(1 << 29) - 1}")
        return int(text)

    def calendar(self, default: str) -> str:
        """The name of trading hours."""
        return self.choice("hours", default, tuple(CALENDARS))

    def hours(self, default: str) -> Hours:
        """The trading hours."""
        return CALENDARS[self.calendar(default)]

    def steps(self, tick: float, rule: str = "") -> Steps:
        """A `tick` for all prices, or a `rule` with several; the defaults are for what is not written."""
        if "tick" in self.entries and "rule" in self.entries:
            raise self.entries["rule"].problem("either a tick or a rule, not both")
        if "tick" in self.entries or ("rule" not in self.entries and not rule):
            step = self.number("tick", tick)
            return Steps(step, rule_of_tick(step))
        number, bands = BANDED[self.choice("rule", rule, tuple(BANDED))]
        return Steps(bands[0][1], number)

    def secIds(self) -> tuple[tuple[str, str], ...]:
        """Numbers of other registers that are written."""
        return tuple((key.upper(), self.text(key)) for key in ("isin", "cusip") if key in self.entries)


def derived_id(key: str) -> int:
    """The contract number of a contract that has none written."""
    return 0x1000_0000 | crc32(key.encode()) & 0x0FFF_FFFF


def read_catalogue(path: Path, sections: tuple[str, ...]) -> Node:
    """The document of a catalogue file. Raises MarketError where it has any other section."""
    root = read_yaml(path)
    root.mapping(sections)
    return root


def entries(root: Node, section: str, keys: tuple[str, ...]) -> Iterator[Fields]:
    """The entries of one section; they may have no other keys."""
    if section not in root.mapping():
        return
    for symbol, node in root.mapping()[section].mapping().items():
        # A symbol that is listed in several places has a list of entries.
        for entry in node.value if isinstance(node.value, tuple) else (node,):
            yield Fields(symbol, entry, entry.mapping(keys))
