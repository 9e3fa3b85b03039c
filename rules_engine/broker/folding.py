"""More ticks than can be looked at into fewer ones at which rules on levels find what they would have found.

`turning_points` loses no crossing: between two ticks that stay, the values that go rise or fall all the way, so that
every level is crossed as often as it was, in the same order. `extremes` keeps three ticks a series: the lowest, the
highest and the last, in their order of time. A level that any tick reached from the side that was known before is
still reached; what came and went again between these three is not seen.

The midpoint and the change of the day are series too, made of two. Where one of the two stays and the newest of the
other has gone, that is told as unknown: no rule looks at a pair that never was.

What goes adds its size to the next tick of its series that stays, so that the sizes add up to what they were.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from math import inf
from operator import add, truediv

from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick

Series = tuple[str, Field]
"""The ticks of one field of one instrument."""
Kept = dict[int, Tick]
"""What stays, by its place among the ticks."""
_Point = tuple[float | None, bool, tuple[int, ...]]
"""A value, whether it is a snapshot, and the places of the ticks that it is made of, that of the newest first."""

_PAIRS = ((Field.BID, Field.ASK, add), (Field.LAST, Field.CLOSE, truediv))
"""What rises and falls with the midpoint, and with the change of the day."""
_OTHERS = {one: other for pair in _PAIRS for one, other in (pair[:2], pair[1::-1])}


def turning_points(ticks: Sequence[Tick]) -> Kept:
    """The first and the last tick of each series, each at which it turns, and what stands beside an unknown value."""
    return _kept(ticks, _turns)


def extremes(ticks: Sequence[Tick]) -> Kept:
    """The lowest, the highest and the last print of each series, the last one with a value, and the last snapshot: that
    is no print, so it stands for none of the same price."""
    return _kept(ticks, _ends)


def _turns(points: Sequence[_Point]) -> Iterable[_Point]:
    """Of one series. A point on the way from the one before it to a later one goes, and so does a repeated one."""
    kept: list[_Point] = []
    for point in points:
        if len(kept) > 1 and _is_on_the_way(kept[-2], kept[-1], point):
            kept.pop()
        if not kept or point[:2] != kept[-1][:2]:
            kept.append(point)
    return *kept, points[-1]


def _is_on_the_way(before: _Point, point: _Point, after: _Point) -> bool:
    start, value, end = before[0], point[0], after[0]
    if start is None or value is None or end is None or before[1] or point[1]:
        return False
    return start < value < end or start > value > end


def _ends(points: Sequence[_Point]) -> Iterable[_Point]:
    low, high = inf, -inf
    ends = {"last": points[-1]}
    for point in points:
        value, is_snapshot, _ = point
        if is_snapshot:
            ends["shown"] = point
        elif value is not None:
            ends["known"] = point
            if value < low:
                low, ends["low"] = value, point
            if value > high:
                high, ends["high"] = value, point
    return ends.values()


def _kept(ticks: Sequence[Tick], choose: Callable[[Sequence[_Point]], Iterable[_Point]]) -> Kept:
    series: dict[Series, list[int]] = {}
    for place, tick in enumerate(ticks):
        series.setdefault((tick.instrument, tick.field), []).append(place)
    places = set[int]()
    for of in chain((_points(ticks, own) for own in series.values()), _derived(ticks, series)):
        for _, _, made_of in choose(of):
            places.update(made_of)
    return _told(ticks, places)


def _points(ticks: Sequence[Tick], places: Sequence[int]) -> Sequence[_Point]:
    return [(ticks[place].value, ticks[place].snapshot, (place,)) for place in places]


def _derived(ticks: Sequence[Tick], series: Mapping[Series, Sequence[int]]) -> Iterator[Sequence[_Point]]:
    """What is made of two fields of one instrument, from when both are known on."""
    for instrument, field in series:
        for one, other, made in _PAIRS:
            if field is one and (instrument, other) in series:
                newest: dict[Field, int] = {}
                points: list[_Point] = []
                for place in sorted((*series[instrument, one], *series[instrument, other])):
                    newest[ticks[place].field] = place
                    if len(newest) == 2:
                        left, right = ticks[newest[one]].value, ticks[newest[other]].value
                        value = made(left, right) if left is not None and right else None
                        points.append((value, ticks[place].snapshot, tuple(newest.values())))
                yield points


def _told(ticks: Sequence[Tick], places: Set[int]) -> Kept:
    kept: Kept = {}
    gone: dict[Series, float] = {}
    newest: dict[Series, Tick] = {}
    left: dict[Series, int] = {}
    """The newest one that has gone since, by its place."""
    for place, tick in enumerate(ticks):
        series = (tick.instrument, tick.field)
        if place not in places:
            gone[series] = gone.get(series, 0.0) + tick.size
            left[series] = place
            continue
        size = gone.pop(series, 0.0)
        newest[series] = kept[place] = tick._replace(size=tick.size + size) if size else tick
        left.pop(series, None)
        if (other := _OTHERS.get(tick.field)) is not None:
            beside = (tick.instrument, other)
            if (at := left.pop(beside, None)) is not None:
                stands = newest.get(beside)
                if stands is None or stands.value != ticks[at].value:
                    newest[beside] = kept[at] = ticks[at]._replace(value=None, size=0.0)
    return kept
