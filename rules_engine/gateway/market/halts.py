"""When trading in an instrument was halted: no price of such a time is streamed, and none is history."""

import math
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rules_engine.gateway.market.quote import TRADING, Print, Spread

HALTS_MAX = 1000
"""So many halts of an instrument are remembered."""

_Dated = TypeVar("_Dated", Print, Spread)


class Halts:
    """Spans without trading, by instrument, in time order; a last one may be without an end."""

    def __init__(self) -> None:
        self._spans: dict[int, list[tuple[float, float]]] = {}

    def state(self, conId: int, at_s: float, halted: int) -> None:
        """From this instant on trading is halted, or goes on."""
        spans = self._spans.setdefault(conId, [])
        if spans and spans[-1][1] == math.inf:
            spans[-1] = (spans[-1][0], at_s)
        if halted != TRADING:
            spans.append((at_s, math.inf))
            del spans[:-HALTS_MAX]

    def outside(self, conId: int, dated: Iterable[_Dated]) -> Iterable[_Dated]:
        """Those of a time at which the instrument traded."""
        spans = self._spans.get(conId)
        return _left(dated, tuple(spans)) if spans else dated


def _left(dated: Iterable[_Dated], spans: tuple[tuple[float, float], ...]) -> Iterator[_Dated]:
    for one in dated:
        if not any(start_s <= one.time_s < end_s for start_s, end_s in spans):
            yield one
