"""Three-valued truth: what the market lets us know about a sentence."""

from collections.abc import Iterable
from enum import Enum


class Truth(Enum):
    """TRUE, FALSE, or UNKNOWN when data is missing. Never a bool: only ``is Truth.TRUE`` may fire a rule."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("a Truth is not a bool: compare it with `is Truth.TRUE`")

    def __invert__(self) -> "Truth":
        return _NEGATION[self]


_NEGATION = {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}


def known(answer: bool) -> Truth:
    """The Truth of a comparison whose two sides were both known."""
    return Truth.TRUE if answer else Truth.FALSE


def every(truths: Iterable[Truth]) -> Truth:
    """Kleene's `and`: one FALSE decides, otherwise one UNKNOWN leaves it open."""
    answer = Truth.TRUE
    for truth in truths:
        if truth is Truth.FALSE:
            return Truth.FALSE
        if truth is Truth.UNKNOWN:
            answer = Truth.UNKNOWN
    return answer


def some(truths: Iterable[Truth]) -> Truth:
    """Kleene's `or`: one TRUE decides, otherwise one UNKNOWN leaves it open."""
    return ~every(~truth for truth in truths)
