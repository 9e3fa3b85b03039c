"""One order as it works on recorded prices."""

from dataclasses import dataclass, replace
from enum import StrEnum

from rules_engine.execution.words import order_words
from rules_engine.model.action import Duration, Side
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.replay.touch import Touch, past_limit, past_stop, trailing_stop


class End(StrEnum):
    """How an order ended, or that it has not."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    """Fill or kill, and there was nothing to fill it at once."""
    WORKING = "working"


_AT_ONCE = {Duration.IMMEDIATE_OR_CANCEL: End.CANCELLED, Duration.FILL_OR_KILL: End.REFUSED}
_STATES = {
    End.FILLED: IntentState.FILLED,
    End.CANCELLED: IntentState.CANCELLED,
    End.EXPIRED: IntentState.CANCELLED,
    End.REFUSED: IntentState.REJECTED,
}


@dataclass(slots=True)
class Order:
    """``works_from_s`` is the instant after which prices count for it; None while its parent has not filled.

    ``ends_s`` is when its time in force ends. ``best`` is a trailing order's best price so far.
    """

    intent: Intent
    works_from_s: float | None
    ends_s: float
    best: float | None = None
    elected: bool = False
    waited: bool = False
    """A price has passed its limit by, so that it waits in the book."""
    met: bool = False
    """A price of its instrument has come since it works."""
    end: End = End.WORKING
    filled_s: float | None = None
    price: float | None = None
    commission: float = 0.0

    @property
    def draft(self) -> OrderDraft:
        return self.intent.draft

    @property
    def name(self) -> str:
        """Of its instrument."""
        return self.draft.instrument.name

    @property
    def family(self) -> tuple[str, int, str]:
        """Orders of one family end each other: a one-cancels-all group, or the children of one entry."""
        children = "" if self.draft.parent is None else f"children of {self.draft.parent}"
        return self.intent.rule, self.intent.seq, self.draft.group or children

    @property
    def unfilled(self) -> End | None:
        """How it ends when its first price does not fill it; None when it waits for another one."""
        return _AT_ONCE.get(self.draft.time_in_force.duration)

    def is_over(self, now_s: float) -> bool:
        """Whether its time has run out. A day is not over for an order that has had no price yet: with daily bars, what
        fires at the last of a day would never fill."""
        is_day = self.draft.time_in_force.duration is Duration.DAY
        return self.ends_s <= now_s and (self.met or not is_day)

    def words(self) -> str:
        return order_words(self.draft)

    def stop(self, end: End) -> None:
        """It works no longer."""
        self.end = end
        self.intent = replace(self.intent, state=_STATES[end])

    def meet(self, touch: Touch[float]) -> float | None:
        """The price at which it fills now, or None; a stop may be elected by it."""
        draft, side = self.draft, self.draft.side
        self.met = True
        match draft.kind:
            case OrderKind.MARKET:
                return touch.price(side)
            case OrderKind.MIDPRICE:
                return touch.middle
            case OrderKind.LIMIT:
                return self._limit(touch)
            case OrderKind.STOP:
                assert draft.stop is not None
                return touch.price(side) if past_stop(side, float(draft.stop), touch) >= 0 else None
            case OrderKind.STOP_LIMIT:
                assert draft.stop is not None
                self.elected = self.elected or past_stop(side, float(draft.stop), touch) >= 0
                return self._limit(touch) if self.elected else None
            case OrderKind.TRAILING:
                return self._trail(touch)

    def _limit(self, touch: Touch[float]) -> float | None:
        assert self.draft.limit is not None
        limit, side = float(self.draft.limit), self.draft.side
        price = limit if self.waited else touch.price(side)
        self.waited = True
        return price if past_limit(side, limit, touch) >= 0 else None

    def _trail(self, touch: Touch[float]) -> float | None:
        side = self.draft.side
        if self.best is not None and past_stop(side, trailing_stop(self.draft, self.best), touch) >= 0:
            return touch.price(side)
        price = touch.trigger(side)
        better = min if side is Side.BUY else max
        self.best = price if self.best is None else better(self.best, price)
        return None
