"""Values that conditions wait for, each with the sorted levels of the orders that wait."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rules_engine.gateway.orders.levels import Levels
from rules_engine.gateway.orders.triggers import Method


class Measure(StrEnum):
    """What conditions look at besides the prices of a trigger method."""

    VOLUME = "volume"
    CHANGE = "change"
    CUSHION = "cushion"


class Aspect(NamedTuple):
    """What is looked at, of which contract number or account, from which side, and in which hours."""

    subject: int | str
    measure: Method | Measure
    up: bool
    outside_hours: bool


class Gauge:
    """One value as it moves. Orders, named by permanent id, wait for it to be at their level or beyond.

    With `double` the value is the nearer one of the latest two: both must have reached a level. For an order that
    has just come the standing one is the first, whoever else has been watching.
    """

    __slots__ = ("_latest", "_levels", "_newcomers", "_touched", "double", "up", "value")

    def __init__(self, *, up: bool, double: bool = False) -> None:
        self.up = up
        self.double = double
        self.value: float | None = None
        self._latest: float | None = None
        self._touched: float | None = None
        self._levels: Levels[int] = Levels(up=up)
        self._newcomers: dict[int, None] = {}

    @property
    def waited_for(self) -> bool:
        """Whether any order waits for it."""
        return bool(self._levels)

    def add(self, level: float, permId: int) -> None:
        """An order waits for this level."""
        self._levels.add(level, permId)
        if self.double:
            self._newcomers[permId] = None

    def remove(self, level: float, permId: int) -> None:
        """The order waits no longer."""
        self._levels.remove(level, permId)
        self._newcomers.pop(permId, None)

    def move(self, values: Iterable[float]) -> list[int]:
        """What happened in one instant, in order: the orders whose level may be reached by it and was not before.

        A level that was only touched on the way stays reached until `settle`.
        """
        before = self.value
        looked_at: list[int] = []
        for latest in values:
            looked_at += self._newcomers
            self._newcomers.clear()
            self.value = self._nearer(latest)
            self._latest = latest
            if self.value is not None and (self._touched is None or self._beyond(self.value, self._touched)):
                self._touched = self.value
        if self._touched is not None:
            looked_at += self._levels.reached(self._touched, before)
        return looked_at

    def settle(self) -> None:
        """The instant is over: only where the value stands counts now."""
        self._touched = None

    def reaches(self, level: float, permId: int) -> bool:
        """Whether the value stands at this order's level or beyond, or was there in this instant."""
        farthest = self.value if self._touched is None else self._touched
        return farthest is not None and permId not in self._newcomers and self._beyond(farthest, level)

    def _nearer(self, latest: float) -> float | None:
        if not self.double:
            return latest
        if self._latest is None:
            return None
        return min(latest, self._latest) if self.up else max(latest, self._latest)

    def _beyond(self, value: float, level: float) -> bool:
        return value >= level if self.up else value <= level
