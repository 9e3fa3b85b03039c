"""YAML files of the gateway (listings, market and fault scripts) into located nodes. Only this reads YAML here."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


class MarketError(Exception):
    """A market, script, recording or catalogue that cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Node:
    """One YAML value with its place. Scalars are always text: nobody's `NO` becomes false."""

    place: str
    value: "str | tuple[Node, ...] | dict[str, Node]"

    def problem(self, text: str) -> MarketError:
        """An error that names the place of this node."""
        return MarketError(f"{self.place}: {text}")

    def mapping(self, allowed: tuple[str, ...] = ()) -> "dict[str, Node]":
        """The entries of a mapping; with ``allowed``, no other key may occur."""
        if not isinstance(self.value, dict):
            raise self.problem("expected a mapping of names to values")
        for key, entry in self.value.items():
            if allowed and key not in allowed:
                raise entry.problem(f"unknown key '{key}'; allowed: {', '.join(allowed)}")
        return self.value

    def sequence(self) -> "tuple[Node, ...]":
        """The items of a list. Raises MarketError where it is none."""
        if not isinstance(self.value, tuple):
            raise self.problem("expected a list")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.problem("expected a word or a number")
        return self.value

    def number(self) -> float:
        """A finite number."""
        try:
            number = float(self.text())
        except ValueError:
            raise self.problem(f"'{self.text()}' is not a number") from None
        if not math.isfinite(number):
            raise self.problem(f"'{self.text()}' is not a price or quantity")
        return number

    def positive(self) -> float:
        """A number above zero."""
        number = self.number()
        if number <= 0:
            raise self.problem(f"'{self.text()}' must be above zero")
        return number

    def duration_s(self) -> float:
        """Seconds of a duration such as 500ms, 5s, 1h30m."""
        text = self.text()
        if not _DURATION.fullmatch(text):
            raise self.problem(f"'{text}' is not a duration; write it like 5s, 500ms, 2m, 1h30m")
        return sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION_PART.findall(text))


def read_yaml(path: Path) -> Node:
    """The one document of a file. Raises MarketError for what is missing, unreadable or not YAML."""
    loader = yaml.CSafeLoader(_text_of(path))
    try:
        root = loader.get_single_node()
        if root is None:
            raise MarketError(f"{path}: the file is empty")
        return _node(root, path, set())
    except yaml.MarkedYAMLError as error:
        raise MarketError(f"{_place(path, error.problem_mark)}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise MarketError(f"{path}: not YAML: {error}") from error
    finally:
        loader.dispose()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MarketError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MarketError(f"{path}: not UTF-8 text (byte {error.start})") from error


def _node(raw: yaml.Node, path: Path, seen: set[int]) -> Node:
    place = _place(path, raw.start_mark)
    if id(raw) in seen:
        raise MarketError(f"{place}: anchors and aliases are not understood here")
    seen.add(id(raw))
    if isinstance(raw, yaml.ScalarNode):
        return Node(place, str(raw.value))
    if isinstance(raw, yaml.SequenceNode):
        return Node(place, tuple(_node(child, path, seen) for child in raw.value))
    entries: dict[str, Node] = {}
    for key, child in raw.value:
        if not isinstance(key, yaml.ScalarNode):
            raise MarketError(f"{_place(path, key.start_mark)}: a key must be text")
        if key.value in entries:
            raise MarketError(f"{_place(path, key.start_mark)}: '{key.value}' is written twice")
        entries[str(key.value)] = _node(child, path, seen)
    return Node(place, entries)


def _place(path: Path, mark: yaml.Mark | None) -> str:
    return str(path) if mark is None else f"{path}:{mark.line + 1}:{mark.column + 1}"
