"""How long two values surely stay in the order in which they are."""

from math import inf

from rules_engine.model.constant import constant
from rules_engine.model.expression import Expression, Named, Reading
from rules_engine.model.judging import Readings, Stretch

_SLACK = 1e-9
"""A thousand times what counts as equal."""


class Apart:
    """Two sides of a condition. ``level`` is the constant on one side where the other is a print itself, else None."""

    __slots__ = ("_left", "_of", "_outlook", "_right", "_size", "level")

    def __init__(self, readings: Readings, left: Expression, right: Expression) -> None:
        self._outlook = readings.outlook(left, right)
        self._size = readings.size(left, right)
        self._left = self._right = None
        self._of = readings.value(left if constant(left) is None else right)
        self.level: float | None = None
        if self._outlook is not None:
            self._left, self._right = self._outlook.range(left), self._outlook.range(right)
            self.level = _level(left, right) if self._size() == 0.0 else None

    def levels(self) -> tuple[float, ...] | None:
        return None if self.level is None else (self.level,)

    def stretch(self) -> Stretch | None:
        """None when the order may change with the next print, or they are equal."""
        if self.level is not None:
            return self._beside(self.level)
        if self._outlook is None or self._left is None or self._right is None:
            return None
        return self._outlook.unknown() or self._outlook.longest(self._stays)

    def _beside(self, level: float) -> Stretch | None:
        value, slack = self._of(), abs(level) * _SLACK
        if value is None or abs(value - level) <= slack:
            return None
        return Stretch(level + slack, inf) if value > level else Stretch(-inf, level - slack)

    def _stays(self, stretch: Stretch) -> bool:
        assert self._left is not None and self._right is not None
        left, right = self._left(stretch), self._right(stretch)
        if left is None or right is None:
            return False
        slack = _SLACK * max(-left[0], left[1], -right[0], right[1], self._size())
        return left[1] + slack < right[0] or right[1] + slack < left[0]


def _level(left: Expression, right: Expression) -> float | None:
    fixed = constant(right)
    if fixed is not None and _is_reading(left):
        return float(fixed)
    fixed = constant(left)
    return float(fixed) if fixed is not None and _is_reading(right) else None


def _is_reading(of: Expression) -> bool:
    return isinstance(of, Reading) or (isinstance(of, Named) and _is_reading(of.of))
