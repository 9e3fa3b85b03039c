"""Our frozen values as JSON text and back, by their type annotations."""

import json
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

from rules_engine.model.json_value import Json

T = TypeVar("T")

_CLASS = "is"  # Names the class where an annotation allows several.


def to_text(value: object) -> str:
    """JSON text of a value made of frozen dataclasses, tuples, enums, Decimals and plain scalars."""
    return _ENCODER.encode(value)


def from_text(kind: type[T], text: str) -> T:
    """The value of class ``kind`` that `to_text` wrote."""
    value = _unpack(kind, json.loads(text))
    assert isinstance(value, kind)
    return value


def _opened(value: object) -> Json:
    """One layer of what JSON has no form for; the encoder asks again about what is inside."""
    kind: type = type(value)
    if is_dataclass(kind):
        return {_CLASS: kind.__name__, **{name: getattr(value, name) for name in _names(kind)}}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, frozenset | set):
        return sorted(value, key=str)
    raise AssertionError(f"{type(value)} has no plain form")


_ENCODER = json.JSONEncoder(default=_opened, sort_keys=True, allow_nan=False, separators=(",", ":"))
"""Made once: it writes tuples as lists, and words of enumerations as what they say."""


def _unpack(kind: object, plain: Json) -> object:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _unpack_one_of(get_args(kind), plain)
    if origin in (tuple, frozenset):
        assert isinstance(plain, list)
        items = (_unpack(get_args(kind)[0], item) for item in plain)
        return tuple(items) if origin is tuple else frozenset(items)
    if isinstance(kind, type) and is_dataclass(kind):
        assert isinstance(plain, dict)
        hints = _hints(kind)
        return kind(**{name: _unpack(hints[name], item) for name, item in plain.items() if name in hints})
    if isinstance(kind, type) and issubclass(kind, StrEnum | Decimal):
        return kind(str(plain))
    return float(plain) if kind is float and isinstance(plain, int) else plain


def _unpack_one_of(kinds: tuple[object, ...], plain: Json) -> object:
    if plain is None:
        return None
    rest = [kind for kind in kinds if kind is not type(None)]
    if isinstance(plain, dict):
        rest = [kind for kind in rest if isinstance(kind, type) and kind.__name__ == plain[_CLASS]]
    return _unpack(rest[0], plain)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)
