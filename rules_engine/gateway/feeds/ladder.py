"""From one ladder of prices to another: which rows to take out, to put in, and to change."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules_engine.gateway.market.liquidity import Level

INSERT, UPDATE, DELETE = 0, 1, 2


class Step(NamedTuple):
    """One operation on the row at a position; a row that is taken out has no price any more."""

    operation: int
    position: int
    level: Level


_GONE = Level(0.0, 0.0)


def steps(old: Sequence[Level], new: Sequence[Level], best_first: int) -> Iterator[Step]:
    """What makes the old ladder the new one, position by position, when done in this order.

    ``best_first`` is 1 for asks, whose prices rise from row to row, and -1 for bids.
    """
    position = 0
    shown = list(old)
    for level in new:
        while position < len(shown) and (level.price - shown[position].price) * best_first > 0:
            del shown[position]
            yield Step(DELETE, position, _GONE)
        if position < len(shown) and shown[position].price == level.price:
            if shown[position].size != level.size:
                yield Step(UPDATE, position, level)
        else:
            shown.insert(position, level)
            yield Step(INSERT, position, level)
        position += 1
    while len(shown) > position:
        del shown[-1]
        yield Step(DELETE, len(shown), _GONE)
