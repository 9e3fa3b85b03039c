"""How long a condition had held by the time its data came back: told by the history that fills the gap."""

from collections.abc import Mapping, Sequence
from heapq import merge

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.view import Key, Uses, View
from rules_engine.model.condition import Condition
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Judge, Moment
from rules_engine.model.tick import Tick

_DUE_MAX = 1000
"""Moments between two prints of a history at which something matures: far more than any condition has."""

_Past = tuple[Sequence[Tick], float]
"""Prints, oldest first, and from when on they are complete."""


class Recollection:
    """Gathers the pasts of everything that one condition reads. ``judge_of`` them all is one that has lived through
    them; None as long as one is missing, or where prints are not all that the condition reads."""

    __slots__ = ("_condition", "_keys", "_pasts")

    def __init__(self, condition: Condition, uses: Uses) -> None:
        self._condition = condition
        plain = not uses.bars and all(field is not None for _, field in uses.keys)
        self._keys = frozenset(uses.keys) if plain else frozenset[Key]()
        self._pasts: dict[Key, _Past] = {}

    def forget(self) -> None:
        """Another gap: what was gathered ends before it."""
        self._pasts.clear()

    def judge_of(self, instrument: str, field: Field, prints: Sequence[Tick], complete_from_s: float) -> Judge | None:
        """A judge that has heard all pasts, this one among them, in the order in which they happened."""
        key = (instrument, field)
        if key not in self._keys:
            return None
        self._pasts[key] = (prints, complete_from_s)
        if self._pasts.keys() != self._keys:
            return None
        pasts, self._pasts = self._pasts, {}
        return _judge_of(self._condition, pasts)


def _judge_of(condition: Condition, pasts: Mapping[Key, _Past]) -> Judge:
    began_s = max(complete_from_s for _, complete_from_s in pasts.values())
    market = Market(began_s)
    for instrument, _ in pasts:
        market.feed(instrument).restore(began_s)
    judge = condition.judge(View(market, Uses()))
    for tick in merge(*(prints for prints, _ in pasts.values()), key=lambda tick: tick.time_s):
        if tick.value is not None:
            _mature(judge, market, tick.time_s)
            market.now_s = max(market.now_s, tick.time_s)
            quote = market.feed(tick.instrument).quote(tick.field)
            quote.take(tick.time_s, tick.value)
            quote.record(tick.size)
            judge.judge(market.now_s, Moment.PRINT)
    return judge


def _mature(judge: Judge, market: Market, until_s: float) -> None:
    """What matures by the clock before the next print."""
    for _ in range(_DUE_MAX):
        due_s = judge.due_s()
        if due_s is None or not market.now_s < due_s < until_s:
            return
        market.now_s = due_s
        judge.judge(due_s, Moment.CLOCK)
