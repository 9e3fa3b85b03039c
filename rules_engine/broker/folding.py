"""More ticks than can be looked at into fewer ones at which rules on levels find what they would have found.

`Turns` lose no crossing: between two ticks that stay, the values that go rise or fall all the way, so that every level
is crossed as often as it was, in the same order. `Ends` keep the lowest, the highest and the last tick of a series, in
their order of time. A level that any tick reached from the side that was known before is still reached; what came and
went again between these three is not seen.

The midpoint and the change of the day are series too, made of two. Nothing is known here of what came before: a side
alone moves beside one that stands, whatever that is, and from where the other is told as well it begins anew. Where one
of the two stays and the newest of the other has gone, that is told as unknown: no rule looks at a pair that never was.

What goes adds its size to the next tick of its series that stays, so that the sizes add up to what they were.
"""

from array import array
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sized
from dataclasses import dataclass
from math import inf
from typing import Generic, Protocol, TypeVar

from rules_engine.model.instrument import Field
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick

Other = TypeVar("Other")
"""What stands between ticks and is never folded."""
Series = tuple[str, Field]
"""The ticks of one field of one instrument."""
Point = tuple[float | None, bool, tuple[int, ...]]
"""A value, whether it is a snapshot, and the places of the ticks that it is made of."""

LOOKS = 6
"""Items that are looked at in one slice."""
_LET_GO = 100
"""Things that are let go in one slice."""

_PAIRS: Mapping[Field, tuple[Field, Field, Callable[[float, float], float | None]]] = {
    Field.BID: (Field.ASK, Field.MID, lambda bid, ask: bid + ask),
    Field.ASK: (Field.BID, Field.MID, lambda ask, bid: bid + ask),
    Field.LAST: (Field.CLOSE, Field.CHANGE_TODAY, lambda last, close: last / close if close else None),
    Field.CLOSE: (Field.LAST, Field.CHANGE_TODAY, lambda close, last: last / close if close else None),
}
"""Beside which other one a field makes what, and what rises and falls with that."""


@dataclass(frozen=True, slots=True)
class Folded(Generic[Other]):
    """What stays, in order, and the instruments of which ticks have gone."""

    items: deque[Tick | Other]
    instruments: frozenset[str]


class Marks:
    """For how many reasons each tick stays, by its place."""

    def __init__(self, count: int) -> None:
        self.counts = array("L", [0]) * count

    def move(self, before: Point | None, now: Point | None) -> Point | None:
        """What stayed for some reason stays no more for that; another point does."""
        counts = self.counts
        if now is not None:
            for place in now[2]:
                counts[place] += 1
        if before is not None:
            for place in before[2]:
                counts[place] -= 1
        return now


class Choice(Protocol):
    """Which points of one series stay, as far as it has come."""

    def add(self, point: Point) -> None: ...


class Turns:
    """The first and the last, and each at which the series turns: a point on the way from the one before it to a later
    one goes, and so does a repeated one."""

    __slots__ = ("_before", "_marks", "_repeat", "_turn")

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._before: Point | None = None
        self._turn: Point | None = None
        self._repeat: Point | None = None
        """The last one, where that says what the turn says."""

    def add(self, point: Point) -> None:
        """The newest one."""
        before, turn = self._before, self._turn
        if turn is not None and point[0] == turn[0] and point[1] == turn[1]:
            self._repeat = self._marks.move(self._repeat, point)
            return
        if self._repeat is not None:
            self._repeat = self._marks.move(self._repeat, None)
        if before is not None and turn is not None and _is_on_the_way(before, turn, point):
            self._turn = self._marks.move(turn, point)
        else:
            self._before, self._turn = turn, self._marks.move(None, point)


def _is_on_the_way(before: Point, point: Point, after: Point) -> bool:
    start, value, end = before[0], point[0], after[0]
    if start is None or value is None or end is None or before[1] or point[1]:
        return False
    return start < value < end or start > value > end


class Ends:
    """The lowest, the highest and the last print of a series, the last point with a value, and the last snapshot: that
    is no print, so it stands for none of the same price."""

    __slots__ = ("_high", "_high_at", "_known", "_last", "_low", "_low_at", "_marks", "_shown")

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._low, self._high = inf, -inf
        self._low_at: Point | None = None
        self._high_at: Point | None = None
        self._last: Point | None = None
        self._known: Point | None = None
        self._shown: Point | None = None

    def add(self, point: Point) -> None:
        """The newest one."""
        value, is_snapshot, _ = point
        move = self._marks.move
        self._last = move(self._last, point)
        if is_snapshot:
            self._shown = move(self._shown, point)
        elif value is not None:
            self._known = move(self._known, point)
            if value < self._low:
                self._low, self._low_at = value, move(self._low_at, point)
            if value > self._high:
                self._high, self._high_at = value, move(self._high_at, point)


def folding(items: Collection[Tick | Other], divides: tuple[type, ...], turns_max: int) -> Slices[Folded[Other]]:
    """Folds each series into its turns; where more than ``turns_max`` ticks would stay, into its ends.

    What stands between ticks stays where it is. Items of the types ``divides`` end everything: what comes before them
    must not run into what comes after. Each tick is looked at three times at most.
    """
    marks = yield from _marked(items, divides, Turns)
    if len(items) - marks.counts.count(0) > turns_max:
        marks = yield from _marked(items, divides, Ends)
    return (yield from _told(items, divides, marks))


def letting_go(held: Sized, pop: Callable[[], object]) -> Slices[None]:
    """Pops until nothing is held. To let go of very many things at once takes as long as some other work on them."""
    while held:
        yield
        for _ in range(min(len(held), _LET_GO)):
            pop()


def _marked(
    items: Collection[Tick | Other], divides: tuple[type, ...], choice: Callable[[Marks], Choice]
) -> Slices[Marks]:
    marks = Marks(len(items))
    choices: dict[Series, Choice] = {}
    newest: dict[Series, Point] = {}

    def add(series: Series, point: Point) -> None:
        chosen = choices.get(series) or choices.setdefault(series, choice(marks))
        chosen.add(point)

    for place, item in enumerate(items):
        if not place % LOOKS:
            yield
        if isinstance(item, Tick):
            series = item.instrument, item.field
            point = item.value, item.snapshot, (place,)
            add(series, point)
            if (pair := _PAIRS.get(item.field)) is not None:
                other, both, make = pair
                beside = item.instrument, other
                if (stands := newest.get(beside)) is not None:
                    if series not in newest:
                        del choices[beside]
                    known = None if point[0] is None or stands[0] is None else make(point[0], stands[0])
                    add((item.instrument, both), (known, item.snapshot, point[2] + stands[2]))
                newest[series] = point
        elif isinstance(item, divides):
            yield from letting_go(choices, choices.popitem)
            newest.clear()
    yield from letting_go(choices, choices.popitem)
    return marks


def _told(items: Collection[Tick | Other], divides: tuple[type, ...], marks: Marks) -> Slices[Folded[Other]]:
    told: list[Tick | Other | None] = []
    instruments = set[str]()
    sizes: dict[Series, float] = {}
    """Of what has gone."""
    newest: dict[Series, float | None] = {}
    gone: dict[Series, tuple[int, Tick]] = {}
    """The newest one, where none has stayed since, and its place."""
    for place, item in enumerate(items):
        if not place % LOOKS:
            yield
        if not isinstance(item, Tick):
            told.append(item)
            if isinstance(item, divides):
                newest.clear()
                gone.clear()
            continue
        series = item.instrument, item.field
        if not marks.counts[place]:
            told.append(None)
            instruments.add(item.instrument)
            sizes[series] = sizes.get(series, 0.0) + item.size
            gone[series] = place, item
            continue
        size = sizes.pop(series, 0.0)
        told.append(item._replace(size=item.size + size) if size else item)
        newest[series] = item.value
        gone.pop(series, None)
        if (pair := _PAIRS.get(item.field)) is not None:
            beside = item.instrument, pair[0]
            if (unseen := gone.pop(beside, None)) is not None:
                at, tick = unseen
                if beside not in newest or newest[beside] != tick.value:
                    told[at], newest[beside] = tick._replace(value=None, size=0.0), None
    return Folded(deque(filter(None, told)), frozenset(instruments))
