"""Which of two values is the greater one, and how long that surely stays so."""

from collections.abc import Callable

from rules_engine.model.constant import constant
from rules_engine.model.expression import Expression, Named, Reading
from rules_engine.model.judging import Readings, Stretch, Threshold
from rules_engine.model.tolerance import least_above, least_at, order

_SLACK = 1e-9
"""A thousand times what counts as equal."""


class Apart:
    """Two sides of a condition. ``level`` is the constant on one side where the other is a print itself, else None.

    ``side``, as last judged, is 1, 0 or -1 as the left value is above, equal to or below the right one; None: unknown.
    ``size`` is the largest term on the way to what is compared.
    """

    __slots__ = ("_left", "_of", "_order", "_right", "_size", "level", "side")

    def __init__(
        self, readings: Readings, left: Expression, right: Expression, size: Callable[[], float] | None = None
    ) -> None:
        self._left, self._right = readings.value(left), readings.value(right)
        self._size = readings.size(left, right) if size is None else size
        self._of = self._left if constant(left) is None else self._right
        self.level = _level(readings, left, right)
        self._order = readings.order(left, right) if self.level is None else None
        self.side: int | None = None

    def judge(self) -> int | None:
        """The side as of now."""
        left, right = self._left(), self._right()
        self.side = None if left is None or right is None else order(left, right, self._size())
        return self.side

    def levels(self, way: int = 0, strict: bool = False) -> tuple[Threshold, ...] | None:
        """Where the side changes; of a ``way``, only where the left value comes over (1) or under (-1) the right one.

        ``strict``: equal is not enough.
        """
        if self.level is None:
            return None
        if not way:
            return Threshold(least_at(self.level)), Threshold(least_above(self.level))
        if self._of is not self._left:
            way = -way
        return (Threshold((least_above if strict is (way > 0) else least_at)(self.level), way),)

    def stretch(self) -> Stretch | None:
        """In which stretch, this print included, the side stays as it was judged; None when that cannot be said."""
        side = self.side
        if self.level is not None:
            return self._beside(self.level)
        if self._order is None or side == 0:
            return None
        return self._order.unknown() if side is None else Stretch(orders=((self._order, side),))

    def _beside(self, level: float) -> Stretch | None:
        value, slack = self._of(), abs(level) * _SLACK
        if value is None or abs(value - level) <= slack or self.side != (1 if value > level else -1):
            return None
        return Stretch(low=level + slack) if value > level else Stretch(high=level - slack)


def _level(readings: Readings, left: Expression, right: Expression) -> float | None:
    for of, other in ((left, right), (right, left)):
        fixed = constant(other)
        if fixed is not None and _is_reading(of) and readings.is_print(of) and readings.size(other)() == 0.0:
            return float(fixed)
    return None


def _is_reading(of: Expression) -> bool:
    return isinstance(of, Reading) or (isinstance(of, Named) and _is_reading(of.of))
