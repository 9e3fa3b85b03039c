"""How long two values of one instrument's own prints surely stay in the order in which they are."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.ranges import has_bounds, written
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

Look = Callable[[int, int], Stretch | None]
"""The side on which the left value is, and how many prints to look ahead: the stretch in which it stays there."""

_FIRST, _LEAST, _MOST = 16, 4, 4096
_PAUSE = 8
"""After not even a short stretch was found, so many prints are looked at one by one."""


class Guard:
    """Two values, and how far ahead it has paid to look.

    Made of the windows that the judges read when it is first asked, once for each shape of the two expressions.
    """

    __slots__ = ("_ahead", "_known_at_s", "_look", "_of", "_pause", "_values", "_view")

    def __init__(self, view: "View", of: Reading, left: Expression | Earlier, right: Expression | Earlier) -> None:
        self._view, self._of, self._values = view, of, (left, right)
        self._look: Look | None = None
        self._known_at_s: list[Callable[[], float]] = []
        self._ahead = _FIRST
        self._pause = 0

    def stays(self, side: int) -> Stretch | None:
        try:
            return self._longest(side)
        except OverflowError:
            # Whole numbers of any size, of values that are no prices.
            return None

    def _longest(self, side: int) -> Stretch | None:
        look, ahead = self._look or self._make(), self._ahead
        found = look(side, ahead)
        while found is None and ahead:
            ahead = ahead // 4 if ahead >= 4 * _LEAST else 0
            found = look(side, ahead)
        if ahead:
            self._ahead = min(2 * ahead, _MOST)
        elif self._ahead:
            self._ahead, self._pause = 0, _PAUSE
        else:
            self._pause -= 1
            self._ahead = 0 if self._pause else _LEAST
        return found

    def unknown(self) -> Stretch | None:
        if self._look is None:
            self._make()
        known_at_s = max((known_at_s() for known_at_s in self._known_at_s), default=NEVER)
        return Stretch(-inf, inf, known_at_s) if known_at_s > self._view.market.now_s else None

    def _make(self) -> Look:
        text, market = written(*self._values), self._view.market
        stream = self._view.stream(self._of)
        windows = [self._window(stream, part) for part in text.given]
        quote = market.feed(self._of.instrument.name).quote(self._of.field)
        self._look = _compiled(text.source)(market, quote, stream.sums, *windows)
        return self._look

    def _window(self, stream: Stream, part: float | Series | Earlier) -> float | Moments | Extreme | Before:
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
def _compiled(source: str) -> Callable[..., Look]:
    """No word of a user is in the source: it is put together out of the writer's own names."""
    names: dict[str, Any] = {"inf": inf, "sqrt": sqrt, "Stretch": Stretch, "PRINTS_MAX": PRINTS_MAX}
    exec(source, names)
    make: Callable[..., Look] = names["make"]
    return make


def guard_on(view: "View", left: Expression | Earlier, right: Expression | Earlier) -> Guard | None:
    """None unless both read one price that nothing but its own ticks changes, and nothing without bounds."""
    leaves = {part for of in (left, right) for part in _leaves(of)}
    if len(leaves) != 1:
        return None
    (leaf,) = leaves
    if not isinstance(leaf, Reading) or not view.is_print(leaf) or not all(map(has_bounds, (left, right))):
        return None
    return Guard(view, leaf, left, right)


def _leaves(of: Expression | Earlier) -> Iterator[Expression]:
    if isinstance(of, Earlier):
        yield of.of
    else:
        yield from (part for part in walk(of) if isinstance(part, _READ))


_READ = (Reading, AccountReading, Position, WorkingOrders)
