"""How long two values of one instrument's own prints surely stay in the order in which they are."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache, partial
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.ranges import Given, Value, has_bounds, written
from rules_engine.evaluation.stream import Stream
from rules_engine.evaluation.windows import Before, Extreme, Moments
from rules_engine.model.expression import (
    AccountReading,
    Expression,
    Function,
    Position,
    Reading,
    Series,
    WorkingOrders,
    walk,
)
from rules_engine.model.judging import PRINTS_MAX, Earlier, Stretch

if TYPE_CHECKING:
    from rules_engine.evaluation.view import View

Holds = Callable[[int], bool]
Look = Callable[[int, int], tuple[float, Stretch | None]]
"""See `Written`."""

_FIRST, _LEAST, _MOST = 16, 2, 4096
_PAUSE = 2
"""After not even a short stretch was found, so many prints are looked at one by one."""
_CAREFUL = 0.8
"""The share of what seems possible that is tried."""
_NOW = Stretch(-inf, inf, inf, 0)
"""This print, and none after it."""


class Guard:
    """Two values, and how far ahead it pays to look: as far as it did, more where there was room and less where not.

    The functions that compare are compiled once for each shape of the two expressions; they read the windows that the
    judges read, which are there when it is first asked.
    """

    __slots__ = ("_ahead", "_holds", "_is_made", "_known_at_s", "_look", "_of", "_pause", "_values", "_view")

    _holds: Holds
    _look: Look

    def __init__(self, view: "View", of: Reading, left: Value, right: Value) -> None:
        self._view, self._of, self._values = view, of, (left, right)
        self._is_made = False
        self._known_at_s: list[Callable[[], float]] = []
        self._ahead = _FIRST
        self._pause = 0

    def stays(self, side: int) -> Stretch | None:
        if not self._is_made:
            self._make()
        try:
            ahead = self._ahead
            if ahead:
                look = self._look
                while ahead >= _LEAST:
                    reach, found = look(side, ahead)
                    if found is not None:
                        self._ahead = max(min(int(ahead * reach * _CAREFUL), _MOST), _LEAST)
                        return found
                    ahead = int(ahead * min(reach * _CAREFUL, 0.5))
                self._ahead, self._pause = 0, _PAUSE
            return self._now(side)
        except (OverflowError, ValueError):
            # Values that are no prices: counted in numbers of any size, or computed beyond all bounds.
            return None

    def _now(self, side: int) -> Stretch | None:
        if not self._holds(side):
            return None
        self._pause -= 1
        if self._pause < 0:
            self._ahead = _LEAST
        return _NOW

    def unknown(self) -> Stretch | None:
        if not self._is_made:
            self._make()
        known_at_s = max((known_at_s() for known_at_s in self._known_at_s), default=NEVER)
        return Stretch(-inf, inf, known_at_s) if known_at_s > self._view.market.now_s else None

    def _make(self) -> None:
        text, market = written(*self._values), self._view.market
        stream = self._view.stream(self._of)
        windows = [self._window(stream, part) for part in text.given]
        quote = market.feed(self._of.instrument.name).quote(self._of.field)
        self._holds, self._look = _compiled(text.source)(market, quote, stream.sums, *windows)
        self._is_made = True

    def _window(self, stream: Stream, part: Given) -> float | Moments | Extreme | Before:
        now_s = self._view.market.now_s
        if not isinstance(part, Series | Earlier):
            return part
        if isinstance(part, Earlier):
            before = stream.before(part.window_s, now_s)
            self._known_at_s.append(before.known_at_s)
            return before
        assert part.duration_s is not None
        window: Moments | Extreme
        if part.function in (Function.HIGHEST, Function.LOWEST):
            window = stream.extreme(part.duration_s, part.function is Function.HIGHEST, now_s)
        else:
            window = stream.moments(part.duration_s, now_s)
        self._known_at_s.append(partial(stream.covered_at_s, window, part.duration_s))
        return window


@cache
def _compiled(source: str) -> Callable[..., tuple[Holds, Look]]:
    """No word of a user is in the source: it is put together out of the writer's own names."""
    names: dict[str, Any] = {
        "bisect_right": bisect_right,
        "inf": inf,
        "sqrt": sqrt,
        "Stretch": Stretch,
        "new": tuple.__new__,
        "PRINTS_MAX": PRINTS_MAX,
    }
    exec(source, names)
    make: Callable[..., tuple[Holds, Look]] = names["make"]
    return make


def guard_on(view: "View", left: Value, right: Value) -> Guard | None:
    """None unless both read one price that nothing but its own ticks changes, and nothing without bounds."""
    leaves = {part for of in (left, right) for part in _leaves(of)}
    if len(leaves) != 1:
        return None
    (leaf,) = leaves
    if not isinstance(leaf, Reading) or not view.is_print(leaf) or not all(map(has_bounds, (left, right))):
        return None
    return Guard(view, leaf, left, right)


def _leaves(of: Value) -> Iterator[Expression]:
    if isinstance(of, Earlier):
        yield of.of
    else:
        yield from (part for part in walk(of) if isinstance(part, _READ))


_READ = (Reading, AccountReading, Position, WorkingOrders)
