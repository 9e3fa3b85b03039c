"""Pairs of values -> their shape: what is left of them without their numbers and the lengths of their windows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rules_engine.evaluation.ranges import Given, Value
from rules_engine.model.expression import Arithmetic, Named, Negative, Number, Series
from rules_engine.model.judging import Earlier

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is written for pairs of one shape is the same text. ``words`` spell it.

    A number, a window and a length stand in the words as their places among the ``leaves`` or the lengths of these
    pairs, the same place for the same one.
    """

    words: tuple[str | int, ...]
    is_price: bool
    """Whether they are made of what is never negative."""
    pairs: Sequence[tuple[Value, Value]] = field(compare=False)
    leaves: Sequence[Given] = field(compare=False)


def shape_of(pairs: Sequence[tuple[Value, Value]], is_price: bool) -> Shape:
    """Of pairs that have bounds."""
    words: list[str | int] = []
    leaves: list[Given] = []
    lengths: list[float | None] = []

    def spell(of: Value) -> None:
        match of:
            case Named(of=inner):
                spell(inner)
            case Number(value):
                words.append(_place(value, leaves))
            case Negative(operand):
                words.append("negative")
                spell(operand)
            case Arithmetic(operator, left, right):
                words.append(operator)
                spell(left)
                spell(right)
            case Earlier():
                words.extend(("earlier", *(_place(part, leaves) for part in (of, of.factor, of.shift))))
            case Series():
                words.extend((of.function.value, _place(of, leaves), _place(of.duration_s, lengths)))
            case _:
                words.append("print")

    for left, right in pairs:
        spell(left)
        spell(right)
    return Shape(tuple(words), is_price, pairs, leaves)


def _place(of: T, among: list[T]) -> int:
    if of not in among:
        among.append(of)
    return among.index(of)
