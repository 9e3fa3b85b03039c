"""Folding done plainly: each series is written out whole and looked through, as often as that is simplest."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from rules_engine.broker.folding import Folded, folding
from rules_engine.broker.inbox import DIVIDES, Item, Report
from rules_engine.model.instrument import Field
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick

Points = list[tuple[Tick, set[int]]]
"""A series, each of its ticks with the places of those that it is made of."""
Choose = Callable[[Points], Iterable[set[int]]]
Ticks = dict[int, Tick]
"""By their places among all that waits."""

_BESIDE = {Field.BID: Field.ASK, Field.ASK: Field.BID, Field.LAST: Field.CLOSE, Field.CLOSE: Field.LAST}


def folded_plainly(items: Sequence[Item], choose: Choose) -> list[Item]:
    """Each stretch between two changes of feeds for itself."""
    kept, stretch = dict[int, Item](), Ticks()
    for place, item in enumerate(items):
        if isinstance(item, Tick):
            stretch[place] = item
            continue
        kept[place] = item
        if isinstance(item, DIVIDES):
            kept |= _kept(stretch, choose)
            stretch = {}
    kept |= _kept(stretch, choose)
    return [kept[place] for place in sorted(kept)]


def always(choose: Choose) -> Callable[[Collection[Item], tuple[type, ...], int], Slices[Folded[Report]]]:
    """The folding of the package into turns or ends, however many stay."""
    return lambda items, divides, turns_max: folding(items, divides, len(items) if choose is turns else -1)


def _kept(ticks: Ticks, choose: Choose) -> Ticks:
    stay = {place for points in _series(ticks) if points for made_of in choose(points) for place in made_of}
    kept = {place: ticks[place] for place in stay}
    for place in sorted(stay):
        before = [
            one for one in _places(ticks, ticks[place].instrument, _BESIDE.get(ticks[place].field)) if one < place
        ]
        if before and before[-1] not in kept:
            told = [kept[one].value for one in before if one in kept]
            if not told or told[-1] != ticks[before[-1]].value:
                kept[before[-1]] = ticks[before[-1]]._replace(value=None, size=0.0)
    for instrument, field in _names(ticks):
        size = 0.0
        for place in _places(ticks, instrument, field):
            size += ticks[place].size
            if place in stay:
                kept[place], size = ticks[place]._replace(size=size), 0.0
    return kept


def _names(ticks: Ticks) -> set[tuple[str, Field]]:
    return {(tick.instrument, tick.field) for tick in ticks.values()}


def _places(ticks: Ticks, instrument: str, field: Field | None) -> list[int]:
    return [place for place, tick in ticks.items() if (tick.instrument, tick.field) == (instrument, field)]


def _series(ticks: Ticks) -> Iterator[Points]:
    """Where a field begins beside the other one of its pair, that one ends and begins anew, and so does the pair."""
    for instrument, field in _names(ticks):
        places, beside = _places(ticks, instrument, field), _places(ticks, instrument, _BESIDE.get(field))
        since = max(beside[0], places[0]) if beside else 0
        yield [(ticks[place], {place}) for place in places if place < since]
        yield [(ticks[place], {place}) for place in places if place >= since]
        if field in (Field.BID, Field.LAST) and beside:
            yield [_both(ticks, places, beside, at) for at in sorted((*places, *beside)) if at >= since]


def _both(ticks: Ticks, places: list[int], beside: list[int], at: int) -> tuple[Tick, set[int]]:
    left, right = (max(place for place in of if place <= at) for of in (places, beside))
    one, other = ticks[left].value, ticks[right].value
    value = None
    if one is not None and other is not None:
        value = one + other if ticks[left].field is Field.BID else one / other
    return ticks[at]._replace(value=value), {left, right}


def turns(points: Points) -> Iterable[set[int]]:
    """Those that do not lie between the ones beside them, repetitions left out; and the last."""
    kept: Points = []
    for tick, made_of in points:
        if not kept or (tick.value, tick.snapshot) != (kept[-1][0].value, kept[-1][0].snapshot):
            kept.append((tick, made_of))
    for at, (tick, made_of) in enumerate(kept):
        if at in (0, len(kept) - 1) or not _is_between(kept[at - 1][0], tick, kept[at + 1][0]):
            yield made_of
    yield points[-1][1]


def _is_between(before: Tick, tick: Tick, after: Tick) -> bool:
    """By a print something fires and by a snapshot nothing does: none is on the way to or from the other."""
    if before.value is None or tick.value is None or after.value is None:
        return False
    if before.snapshot or tick.snapshot or after.snapshot:
        return False
    return before.value < tick.value < after.value or before.value > tick.value > after.value


def ends(points: Points) -> Iterable[set[int]]:
    """The first print of the lowest and the highest value, the last one with a value, the last snapshot, the last."""
    prints = [(tick.value, made_of) for tick, made_of in points if tick.value is not None and not tick.snapshot]
    if prints:
        yield min(prints, key=lambda one: one[0])[1]
        yield max(prints, key=lambda one: one[0])[1]
        yield prints[-1][1]
    yield from [made_of for tick, made_of in points if tick.snapshot][-1:]
    yield points[-1][1]
