"""The words behind `--sweep` into variants of the rules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from itertools import product

from rules_engine.language import Source
from rules_engine.language.numbers import Number, numbers_in, with_values
from rules_engine.model.expression import spell_number
from rules_engine.model.place import Place, Problem

VARIANTS_MAX = 10_000
_CODE = "S001"
_WORDS = re.compile(r"rules\.(?P<rule>[^.=]*)\.(?P<what>[^=]+)=(?P<values>.*)", re.DOTALL)
_VALUE = r"-?\d+(?:\.\d+)?(?:%|[smhd](?:\d+[smhd])*)?"
_LIST = re.compile(rf"{_VALUE}(?:,{_VALUE})*", re.ASCII)
_RANGE = re.compile(
    r"(-?\d+(?:\.\d+)?)([%smhd]?)\.\.(-?\d+(?:\.\d+)?)([%smhd]?)(?::(\d+(?:\.\d+)?)([%smhd]?))?", re.ASCII
)
_FORM = "rules.NAME.threshold=1..10, =1..2:0.25 or =5,10,20"


class SweepError(Exception):
    """``problem`` says what is wrong with the words, and where in them."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


@dataclass(frozen=True, slots=True)
class Variant:
    """The rules with other numbers; ``values`` are by the words that named them."""

    values: Mapping[str, str]
    sources: Sequence[Source]


def variants_of(sweeps: Sequence[str], sources: Sequence[Source]) -> list[Variant]:
    """Every combination of the values, the last sweep's changing fastest. Raises SweepError."""
    numbers = numbers_in(sources)
    asked: dict[Number, tuple[str, list[str]]] = {}
    count = 1
    for text in sweeps:
        name, number, values = _read(text, numbers)
        if number in asked:
            raise _wrong(text, 0, len(name), f"{asked[number][0]} is the same number", "sweep it once")
        asked[number] = (name, values)
        count *= len(values)
        if count > VARIANTS_MAX:
            raise _wrong(text, 0, len(text), f"these are {count:,} variants, more than {VARIANTS_MAX:,}", "take fewer")
    return [_variant(asked, values, sources) for values in product(*(values for _, values in asked.values()))]


def _variant(
    asked: Mapping[Number, tuple[str, list[str]]], values: Sequence[str], sources: Sequence[Source]
) -> Variant:
    names = [name for name, _ in asked.values()]
    changed = with_values(sources, dict(zip(asked, values, strict=True)))
    return Variant(dict(zip(names, values, strict=True)), changed)


def _read(text: str, numbers: Mapping[str, Sequence[Number]]) -> tuple[str, Number, list[str]]:
    found = _WORDS.fullmatch(text)
    if found is None:
        raise _wrong(text, 0, len(text), "this is not RULE's number = values", f"write {_FORM}")
    rule, what = found["rule"], found["what"]
    if rule not in numbers:
        near = get_close_matches(rule, numbers, 1)
        hint = f"did you mean {near[0]}?" if near else f"the rules are {', '.join(numbers)}"
        raise _wrong(text, found.start("rule"), len(rule), f"there is no rule '{rule}'", hint)
    number = _named(what, numbers[rule], text, found.start("what"))
    return text[: found.end("what")], number, list(_values(found["values"], text, found.start("values")))


def _named(what: str, numbers: Sequence[Number], text: str, at: int) -> Number:
    """`when.2`; or `threshold`, `window`, `cooldown` where there is one, `threshold.2` where there are several."""
    names: dict[str, list[Number]] = {}
    for number in numbers:
        short = number.path.rpartition(".")[0]
        for name in (number.path, short, number.kind):
            names.setdefault(name, []).append(number)
        if number.kind:
            names.setdefault(f"{number.kind}.{len(names[number.kind])}", []).append(number)
    found = names.get(what, [])
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{name} = {found[0].text}" for name, found in _shown(numbers, names))
    if found:
        raise _wrong(text, at, len(what), f"'{what}' are {len(found)} numbers", f"name one of: {known}")
    near = get_close_matches(what, [name for name, of in names.items() if name and len(of) == 1], 1)
    words = f"did you mean {near[0]}? " if near else ""
    raise _wrong(text, at, len(what), f"the rule has no number '{what}'", f"{words}its numbers: {known or 'none'}")


def _shown(numbers: Sequence[Number], names: Mapping[str, list[Number]]) -> Iterator[tuple[str, list[Number]]]:
    """The shortest name of each number."""
    for number in numbers:
        own = [name for name, of in names.items() if of == [number]]
        yield min(own, key=lambda name: (not name.startswith(number.kind or "?"), name.count("."))), [number]


def _values(values: str, text: str, at: int) -> Iterator[str]:
    ranged = _RANGE.fullmatch(values)
    if ranged is None and _LIST.fullmatch(values) is None:
        raise _wrong(text, at, len(values), f"'{values}' are no values", "write 1..10, 1..2:0.25 or 5,10,20")
    if ranged is None:
        yield from dict.fromkeys(values.split(","))
        return
    first, last, step = Decimal(ranged[1]), Decimal(ranged[3]), Decimal(ranged[5] or 1)
    unit = ranged[4] or ranged[2]
    if {ranged[2] or unit, ranged[6] or unit} != {unit}:
        raise _wrong(text, at, len(values), f"'{values}' has several units", "write one, or a list: 30s,1m,5m")
    if not step:
        at += ranged.start(5)
        raise _wrong(text, at, len(ranged[5]), f"a step of {ranged[5]} never gets anywhere", "write one above 0")
    if first > last:
        raise _wrong(text, at, len(values), f"'{values}' never gets from {first} to {last}", "write the smaller first")
    if (last - first) / step >= VARIANTS_MAX:
        raise _wrong(text, at, len(values), f"more than {VARIANTS_MAX:,} values", "take a larger step")
    while first <= last:
        yield spell_number(float(first)) + unit
        first += step


def _wrong(text: str, at: int, length: int, message: str, hint: str) -> SweepError:
    return SweepError(Problem(Place("--sweep", 1, at + 1, max(1, length)), _CODE, message, hint, quoted=text))
