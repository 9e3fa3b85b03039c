"""Pairs of values of one instrument's own prints: how long they surely stay in the order in which they are."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf, nan, sqrt
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.ranges import Given, Value, has_bounds, written
from rules_engine.evaluation.shapes import Shape, shape_of
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
from rules_engine.model.judging import Earlier, Stretch
from rules_engine.model.slices import Slices

if TYPE_CHECKING:
    from rules_engine.evaluation.view import View

PRINTS_MAX = 2**62
"""More prints than will ever come."""
Edges = tuple[float, float, float, int]
"""Of a stretch: between which two values, before when, and up to the print of which number."""
NOWHERE: Edges = (inf, -inf, -inf, 0)
EVERYWHERE: Edges = (-inf, inf, inf, PRINTS_MAX)

_FIRST, _LEAST, _MOST = 16, 2, 4096
_MOST_EARLIER = 64
"""The same where each print ahead is compared with one of the past."""
_PAUSE, _PAUSE_MAX = 4, 64
"""After not even a short stretch was found, so many prints are compared one by one; twice as many each time."""
_CAREFUL = 0.8
"""The share of what seems possible that is tried."""
_REACH_MAX = 2.0
"""How many times as far ahead as before one looks at most."""
_PAIRS_MAX = 16
"""So many pairs are compared by one function at most: those of more are compared one after another."""
_SHAPES_MAX = 1024
"""So many shapes stay compiled though no lane may need them any more: some 10 kB each."""
_READ = (Reading, AccountReading, Position, WorkingOrders)

Loose = Callable[[], Sequence[int]]
Look = Callable[[int], tuple[float, Edges | None]]
"""See `Written`."""
T = TypeVar("T")


class Guard:
    """Two values. ``side``: the left one is held to stay above (1) or below (-1) the right one; 0: to nothing."""

    __slots__ = ("of", "pair", "side", "sight", "view")

    sight: "Sight[Any]"
    """What sees to it that nobody misses its going."""

    def __init__(self, view: "View", of: Reading, left: Value, right: Value) -> None:
        self.view, self.of, self.pair = view, of, (left, right)
        self.side = 0

    def hold_to(self, side: int) -> None:
        sight = self.sight
        sight.held += (side != 0) - (self.side != 0)
        self.side = side
        sight.edges = NOWHERE if sight.held else EVERYWHERE

    def unknown(self) -> Stretch | None:
        stream = self.view.stream(self.of)
        windows = [part for value in self.pair for part in _windows(value)]
        known_at_s = max((_known_at_s(stream, part, self.view.market.now_s) for part in windows), default=NEVER)
        return Stretch(until_s=known_at_s) if known_at_s > self.view.market.now_s else None


class Sight(Generic[T]):
    """Guards on one series of prints, compared by one function, and who is to be told of each.

    ``edges`` are those of the stretch in which all stay where they are held to. How far ahead it pays to look: as far
    as it did, more where there was room and less where not. The functions are compiled once for each shape of the
    pairs; they read the windows that the judges read, which are there when it first looks.
    """

    __slots__ = (
        "_ahead",
        "_guards",
        "_look",
        "_loose",
        "_most",
        "_patience",
        "_pause",
        "_told",
        "edges",
        "held",
    )

    def __init__(self, guards: Sequence[tuple[Guard, T]]) -> None:
        self._guards = [guard for guard, _ in guards]
        self._told = [told for _, told in guards]
        for guard in self._guards:
            guard.side, guard.sight = 0, self
        self.held = 0
        """How many are held to a side."""
        self.edges = EVERYWHERE
        self._most = _MOST_EARLIER if Before in _kinds(self._guards[0]) else _MOST
        self._ahead, self._pause, self._patience = _FIRST, 0, _PAUSE
        self._loose, self._look = _functions(self._guards)

    def loose(self) -> Sequence[T]:
        """Who is to be told that something may have changed by the newest print; nobody while all surely stay."""
        try:
            if self._pause:
                self._pause -= 1
            elif self._stays():
                return ()
            self.edges = NOWHERE
            gone = self._loose()
            return [self._told[number] for number in gone] if gone else ()
        except (ArithmeticError, ValueError):
            # Values that are no prices: counted in numbers of any size, or computed beyond all bounds.
            self.edges = NOWHERE
            return [told for guard, told in zip(self._guards, self._told, strict=True) if guard.side]

    def _stays(self) -> bool:
        """Looks as far ahead as may pay."""
        ahead = self._ahead
        while ahead >= _LEAST:
            reach, edges = self._look(ahead)
            if edges is not None:
                self._ahead = max(min(int(ahead * reach * _CAREFUL), self._most), _LEAST)
                self._patience = _PAUSE
                self.edges = edges
                return True
            ahead = int(ahead * min(reach * _CAREFUL, 0.5))
        self._ahead, self._pause = _LEAST, self._patience
        self._patience = min(2 * self._patience, _PAUSE_MAX)
        return False


def sights_of(guards: Mapping[Guard, T]) -> Slices[list[Sight[T]]]:
    """Guards on one price, each with who is to be told, in slices: those that read windows of one kind are compared
    together."""
    kinds: dict[tuple[bool, frozenset[type]], list[tuple[Guard, T]]] = {}
    for guard, told in guards.items():
        kinds.setdefault((guard.view.keeps, _kinds(guard)), []).append((guard, told))
        yield
    found: list[Sight[T]] = []
    for alike in kinds.values():
        for start in range(0, len(alike), _PAIRS_MAX):
            found.append(Sight(alike[start : start + _PAIRS_MAX]))
            yield
    return found


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


def _windows(of: Value) -> Iterator[Series | Earlier]:
    if isinstance(of, Earlier):
        yield of
    else:
        yield from (part for part in walk(of) if isinstance(part, Series))


def _kinds(of: Guard) -> frozenset[type]:
    """Of the windows that it reads."""
    return frozenset(_kind(part) for value in of.pair for part in _windows(value))


def _kind(of: Series | Earlier) -> type:
    if isinstance(of, Earlier):
        return Before
    return Extreme if of.function in (Function.HIGHEST, Function.LOWEST) else Moments


def _window(stream: Stream, part: Given, now_s: float) -> float | Moments | Extreme | Before:
    """A window as it is there, or a number."""
    match part:
        case Earlier():
            return stream.before(part.window_s, now_s)
        case Series(function=Function.HIGHEST | Function.LOWEST, duration_s=float() as window_s):
            return stream.extreme(window_s, part.function is Function.HIGHEST, now_s)
        case Series(duration_s=float() as window_s):
            return stream.moments(window_s, now_s)
        case _:
            assert isinstance(part, float)
            return part


def _known_at_s(stream: Stream, part: Series | Earlier, now_s: float) -> float:
    """From when on it is known, if no data is lost."""
    window = _window(stream, part, now_s)
    if isinstance(window, Before):
        return window.known_at_s()
    assert isinstance(window, Moments | Extreme)
    return stream.covered_at_s(window)


def _functions(guards: Sequence[Guard]) -> tuple[Loose, Look]:
    """Those that compare their pairs; they read the windows that the judges read, which are there."""
    view, of = guards[0].view, guards[0].of
    market, stream = view.market, view.stream(of)
    quote = market.feed(of.instrument.name).quote(of.field)
    shape = shape_of([guard.pair for guard in guards], quote.is_price)
    make, places = _compiled(shape)
    windows = [_window(stream, shape.leaves[place], market.now_s) for place in places]
    return make(market, quote, stream.sums, *guards, *windows)


@lru_cache(_SHAPES_MAX)
def _compiled(shape: Shape) -> tuple[Callable[..., tuple[Loose, Look]], Sequence[int]]:
    """What makes the functions for pairs of that shape, and the places of the leaves that are given to it.

    No word of a user is in the source: it is put together out of the writer's own names.
    """
    text = written(shape.pairs, shape.is_price)
    names: dict[str, Any] = {
        "bisect_right": bisect_right,
        "inf": inf,
        "nan": nan,
        "sqrt": sqrt,
        "PRINTS_MAX": PRINTS_MAX,
        "REACH_MAX": _REACH_MAX,
    }
    exec(text.source, names)
    return names["make"], [shape.leaves.index(part) for part in text.given]
