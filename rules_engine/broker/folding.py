"""More ticks than can be looked at into fewer ones at which rules on levels find what they would have found.

`Turns` lose no crossing: between two ticks that stay, the values that go rise or fall all the way, so that every level
is crossed as often as it was, in the same order. `Ends` keep the lowest, the highest and the last tick of a series, in
their order of time. A level that any tick reached from the side that was known before is still reached; what came and
went again between these three is not seen.

The midpoint and the change of the day are series too, made of two. Nothing is known here of what came before: a side
alone moves beside one that stands, whatever that is, and from where the other is told as well it begins anew. Where one
of the two stays and the newest of the other has gone, that is told as unknown: no rule looks at a pair that never was.

What goes adds its size to the next tick of its series that stays, so that the sizes add up to what they were.

One instrument is folded after the other: of however many there are, only what is known of one is in use, and at hand.
"""

from array import array
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, Protocol, TypeVar, cast

from rules_engine.model.instrument import Field
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick

Other = TypeVar("Other")
"""What stands between ticks and is never folded."""
Point = tuple[float | None, bool, int, int]
"""A value, whether it is a snapshot, and the places of the ticks that it is made of: of one, the same place twice."""

LOOKS = 6
"""Ticks that are looked at in one slice."""
_PUT = 4
"""So many are put into rows in the time of one look."""

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


class Choice(Protocol):
    """Which points of one series stay."""

    def add(self, point: Point) -> None: ...
    def end(self) -> None: ...


class Turns:
    """The first and the last, and each at which the series turns: a point on the way from the one before it to a later
    one goes, and so does a repeated one. No way leads from a snapshot or to one: nothing fires by it."""

    __slots__ = ("_repeat", "_rises", "_stays", "_turn")

    def __init__(self, stays: bytearray) -> None:
        self._stays = stays
        self._turn: Point | None = None
        self._rises: bool | None = None
        """Whether it has come to the turn from below; None where that cannot be said."""
        self._repeat: Point | None = None
        """The last one, where that says what the turn says."""

    def add(self, point: Point) -> None:
        """The newest one."""
        turn = self._turn
        if turn is not None:
            start, value = turn[0], point[0]
            if value == start and point[1] == turn[1]:
                self._repeat = point
                return
            self._repeat = None
            rises = None if start is None or value is None or turn[1] or point[1] or value == start else value > start
            if rises is None or rises is not self._rises:
                self._stays[turn[2]] = self._stays[turn[3]] = True
            self._rises = rises
        self._turn = point

    def end(self) -> None:
        """No other one comes."""
        for point in (self._turn, self._repeat):
            if point is not None:
                self._stays[point[2]] = self._stays[point[3]] = True


class Ends:
    """The lowest, the highest and the last print of a series, the last point with a value, and the last snapshot: that
    is no print, so it stands for none of the same price."""

    __slots__ = ("_high", "_high_at", "_known", "_last", "_low", "_low_at", "_shown", "_stays")

    def __init__(self, stays: bytearray) -> None:
        self._stays = stays
        self._low, self._high = inf, -inf
        self._low_at: Point | None = None
        self._high_at: Point | None = None
        self._last: Point | None = None
        self._known: Point | None = None
        self._shown: Point | None = None

    def add(self, point: Point) -> None:
        """The newest one."""
        value = point[0]
        self._last = point
        if point[1]:
            self._shown = point
        elif value is not None:
            self._known = point
            if value < self._low:
                self._low, self._low_at = value, point
            if value > self._high:
                self._high, self._high_at = value, point

    def end(self) -> None:
        """No other one comes."""
        for point in (self._low_at, self._high_at, self._last, self._known, self._shown):
            if point is not None:
                self._stays[point[2]] = self._stays[point[3]] = True


def folding(items: Collection[Tick | Other], divides: tuple[type, ...], turns_max: int) -> Slices[Folded[Other]]:
    """Folds each series into its turns; where more than ``turns_max`` ticks would stay, into its ends.

    What stands between ticks stays where it is. Items of the types ``divides`` end everything: what comes before them
    must not run into what comes after. Each tick is put into its row and then looked at three times at most.
    """
    yield  # Whoever hands it over has made copies enough for one slice.
    told: list[Tick | Other | None] = list(items)
    rows = yield from _in_rows(items, divides)
    stays = yield from _marked(told, rows, Turns)
    if stays.count(True) > turns_max:
        stays = yield from _marked(told, rows, Ends)
    instruments = yield from _tell(told, rows, stays)
    return Folded(deque(filter(None, told)), instruments)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The places of each instrument's ticks between two divides: its first, and after each the next, 0 behind the
    last."""

    firsts: "array[int]"
    following: "array[int]"


def _in_rows(items: Collection[Tick | Other], divides: tuple[type, ...]) -> Slices[_Rows]:
    firsts, following = array("I"), array("I", [0]) * len(items)
    newest: dict[str, int] = {}
    divided = -1
    put = _PUT * LOOKS
    for place, item in enumerate(items):
        if not place % put:
            yield
        if isinstance(item, Tick):
            name = item.instrument
            if (before := newest.get(name, -1)) > divided:
                following[before] = place
            else:
                firsts.append(place)
            newest[name] = place
        elif isinstance(item, divides):
            divided = place
    return _Rows(firsts, following)


def _marked(items: Sequence[object], rows: _Rows, choice: Callable[[bytearray], Choice]) -> Slices[bytearray]:
    """Which ones stay."""
    ticks, following, stays = cast(Sequence[Tick], items), rows.following, bytearray(len(items))
    looked = 0
    for place in rows.firsts:
        choices: dict[Field, Choice] = {}
        newest: dict[Field, Point] = {}
        while True:
            if not looked % LOOKS:
                yield
            looked += 1
            _, _, field, value, _, snapshot = ticks[place]
            point = value, snapshot, place, place
            if (chosen := choices.get(field)) is None:
                chosen = choices[field] = choice(stays)
            chosen.add(point)
            if (pair := _PAIRS.get(field)) is not None:
                beside, both, make = pair
                if (stands := newest.get(beside)) is not None:
                    if field not in newest:
                        choices.pop(beside).end()
                        choices[both] = choice(stays)
                    known = None if value is None or stands[0] is None else make(value, stands[0])
                    choices[both].add((known, snapshot, place, stands[2]))
                newest[field] = point
            if not (place := following[place]):
                break
        for chosen in choices.values():
            chosen.end()
    return stays


def _tell(items: list[Tick | Other | None], rows: _Rows, stays: bytearray) -> Slices[frozenset[str]]:
    """Leaves those out that do not stay; the instruments of which some have gone."""
    ticks, following = cast(Sequence[Tick], items), rows.following
    instruments = set[str]()
    looked = 0
    for place in rows.firsts:
        sizes: dict[Field, float] = {}
        """Of what has gone."""
        newest: dict[Field, float | None] = {}
        gone: dict[Field, tuple[int, Tick]] = {}
        """The newest one, where none has stayed since, and its place."""
        while True:
            if not looked % LOOKS:
                yield
            looked += 1
            tick = ticks[place]
            instrument, _, field, value, size, _ = tick
            if not stays[place]:
                items[place] = None
                instruments.add(instrument)
                sizes[field] = sizes.get(field, 0.0) + size
                gone[field] = place, tick
            else:
                if before := sizes.pop(field, 0.0):
                    items[place] = tick._replace(size=before + size)
                newest[field] = value
                gone.pop(field, None)
                if (pair := _PAIRS.get(field)) is not None:
                    beside = pair[0]
                    if (unseen := gone.pop(beside, None)) is not None:
                        at, other = unseen
                        if beside not in newest or newest[beside] != other.value:
                            items[at], newest[beside] = other._replace(value=None, size=0.0), None
            if not (place := following[place]):
                break
    return frozenset(instruments)
