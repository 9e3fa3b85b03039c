"""More ticks than can be looked at into fewer ones at which rules on levels find what they would have found.

`turning_points` loses no crossing: between two ticks that stay, the values that go rise or fall all the way, so that
every level is crossed as often as it was, in the same order. `extremes` keeps three ticks a series: the lowest, the
highest and the last, in their order of time. A level that any tick reached from the side that was known before is
still reached; what came and went again between these three is not seen.

What goes adds its size to the next tick of its series that stays, so that the volumes of bars stay whole.
"""

from collections.abc import Iterable, Sequence

from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick

Series = tuple[str, Field]
"""The ticks of one field of one instrument."""


Kept = dict[int, Tick]
"""What stays, by its place among the ticks."""


def turning_points(ticks: Sequence[Tick]) -> Kept:
    """The first and the last tick of each series, each at which it turns, and what stands beside an unknown value."""
    series: dict[Series, list[int]] = {}
    for place, tick in enumerate(ticks):
        series.setdefault((tick.instrument, tick.field), []).append(place)
    return _kept(ticks, {place for places in series.values() for place in _turns(ticks, places)})


def extremes(ticks: Sequence[Tick]) -> Kept:
    """The lowest, the highest and the last print of each series, the last one with a value, and the last snapshot: that
    is no print, so it stands for none of the same price."""
    low: dict[Series, tuple[float, int]] = {}
    high: dict[Series, tuple[float, int]] = {}
    last: dict[Series, int] = {}
    last_known: dict[Series, int] = {}
    shown: dict[Series, int] = {}
    for place, tick in enumerate(ticks):
        series = (tick.instrument, tick.field)
        last[series] = place
        if tick.snapshot:
            shown[series] = place
        elif tick.value is not None:
            last_known[series] = place
            low[series] = min(low.get(series, (tick.value, place)), (tick.value, place))
            high[series] = max(high.get(series, (tick.value, -place)), (tick.value, -place))
    places = {place for _, place in low.values()} | {-place for _, place in high.values()}
    ends = (last, last_known, shown)
    return _kept(ticks, places.union(*(of.values() for of in ends)))


def _turns(ticks: Sequence[Tick], places: Sequence[int]) -> Iterable[int]:
    """Of one series. A tick on the way from the one before it to a later one goes, and so does a repeated one."""
    kept: list[int] = []
    for place in places:
        if len(kept) > 1 and _is_on_the_way(ticks[kept[-2]], ticks[kept[-1]], ticks[place]):
            kept.pop()
        if not kept or not _is_repeated(ticks[kept[-1]], ticks[place]):
            kept.append(place)
    return {*kept, places[-1]}


def _is_on_the_way(before: Tick, tick: Tick, after: Tick) -> bool:
    if before.value is None or tick.value is None or after.value is None or before.snapshot or tick.snapshot:
        return False
    return before.value < tick.value < after.value or before.value > tick.value > after.value


def _is_repeated(before: Tick, tick: Tick) -> bool:
    return before.value == tick.value and before.snapshot == tick.snapshot


def _kept(ticks: Sequence[Tick], places: set[int]) -> Kept:
    kept: Kept = {}
    gone: dict[Series, float] = {}
    for place, tick in enumerate(ticks):
        series = (tick.instrument, tick.field)
        if place not in places:
            gone[series] = gone.get(series, 0.0) + tick.size
        else:
            size = gone.pop(series, 0.0)
            kept[place] = tick._replace(size=tick.size + size) if size else tick
    return kept
