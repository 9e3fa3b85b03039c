"""What the exits of a bracket still protect: a stop that is gone is told, an entry whose exit IB refused taken back."""

from collections.abc import Sequence
from decimal import Decimal

from rules_engine.execution.journal import Journal
from rules_engine.execution.order_notice import order_notice
from rules_engine.execution.words import order_words
from rules_engine.model.action import Remaining
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.order_words import plain

State = IntentState

_STOPS = frozenset({OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.TRAILING})
_HAS_FILLED = frozenset({State.FILLED, State.PARTIAL})


class Protection:
    """Looks at each step of an order, inside the step's transaction. Alarms go to ``everyone``."""

    def __init__(self, journal: Journal, clock: Clock, everyone: tuple[str, ...]) -> None:
        self._journal = journal
        self._clock = clock
        self._everyone = everyone

    def stepped(self, before: Intent, after: Intent) -> None:
        """An order went from ``before`` to ``after``, which the journal holds by now."""
        if (before.state, before.filled) == (after.state, after.filled):
            return
        unit = self._journal.intents.unit(after.rule, after.seq)
        entry = after if after.draft.parent is None else unit[after.draft.parent]
        if after.is_child and after.state is State.REJECTED and not before.state.is_over:
            self._take_back(entry, after)
        bare = _unprotected(entry, unit)
        known = _unprotected(*_with(before, entry, unit))
        if bare > known and (known == 0 or entry.state.is_over):
            self._tell_bare(entry, bare, [leg for leg in _exits(entry, unit) if leg.draft.kind in _STOPS])

    def _take_back(self, entry: Intent, exit_: Intent) -> None:
        """A bracket is meant whole: without all of its exits its entry must not fill."""
        if entry.state.is_over or (entry.cancel_wanted and entry.key not in self._journal.wishes.waiting):
            return
        self._journal.want_leg_cancelled(entry)
        why = f"IB rejected its exit {order_words(exit_.draft)}"
        self._alarm(entry, f"cancelling {order_words(entry.draft)}: {why}", "exit rejected")

    def _tell_bare(self, entry: Intent, bare: Decimal, stops: Sequence[Intent]) -> None:
        if all(stop.cancel_wanted for stop in stops):
            return
        what = f"{plain(bare)} {entry.draft.instrument.name} of {order_words(entry.draft)}"
        ends = "; ".join(f"{order_words(stop.draft)} is {stop.state}" for stop in stops)
        self._alarm(entry, f"{what} have no stop at IB any more: {ends}. Look in TWS", f"{bare} without a stop")

    def _alarm(self, entry: Intent, text: str, occasion: str) -> None:
        now_s = self._clock.now_s()
        alarm = order_notice(NoticeKind.ALARM, entry, text, occasion=occasion, at_s=now_s, channels=self._everyone)
        self._journal.tell(alarm)


def is_explained(leg: Intent, unit: Sequence[Intent]) -> bool:
    """Whether the cancellation of a leg of which nothing filled is no news beside what else is told of its unit."""
    if leg.draft.parent is None:
        mates = _mates(leg, unit)
        return _was_asked_with(leg, mates) or any(one.state in _HAS_FILLED for one in mates)
    entry = unit[leg.draft.parent]
    exits = _exits(entry, unit)
    if entry.filled == 0:
        return entry.cancel_wanted or entry.state.is_over
    if _was_asked_with(leg, [one for one in exits if one.key != leg.key]) or _held(entry, exits) == 0:
        return True
    return leg.draft.kind in _STOPS and not leg.cancel_wanted and _unprotected(entry, unit) > 0


def gone_beside(leg: Intent, unit: Sequence[Intent]) -> Sequence[Intent]:
    """The legs of its group that were cancelled although it has filled only in part."""
    is_part = leg.filled > 0 and leg.state is not State.FILLED
    return [one for one in _mates(leg, unit) if is_part and one.state is State.CANCELLED]


def is_outdone(leg: Intent, unit: Sequence[Intent]) -> bool:
    """Whether IB should have cancelled the leg, since another of its group has filled whole."""
    is_cancelled_then = leg.draft.remaining is Remaining.CANCEL
    return is_cancelled_then and any(one.state is State.FILLED for one in _mates(leg, unit))


def protects(order: Intent, unit: Sequence[Intent], closing: Sequence[Intent]) -> bool:
    """Whether it may close what the orders ``closing`` were to close, or takes with it what may: IB cancels the exits
    of an entry with the entry, also where that has filled in part."""
    exits = [leg for leg in _exits(order, unit) if order.filled > 0 and not leg.state.is_over]
    sides = {(leg.draft.instrument.name, leg.draft.side) for leg in closing if leg.draft.closes}
    return any((leg.draft.instrument.name, leg.draft.side) in sides for leg in (order, *exits))


def _unprotected(entry: Intent, unit: Sequence[Intent]) -> Decimal:
    """How much of what the entry of a bracket filled is left to close, where it has no stop any more."""
    exits = _exits(entry, unit)
    stops = [leg for leg in exits if leg.draft.kind in _STOPS]
    if not stops or not all(stop.state.is_over for stop in stops):
        return Decimal(0)
    return _held(entry, exits)


def _held(entry: Intent, exits: Sequence[Intent]) -> Decimal:
    return max(entry.filled - sum((leg.filled for leg in exits), Decimal(0)), Decimal(0))


def _exits(entry: Intent, unit: Sequence[Intent]) -> Sequence[Intent]:
    return [leg for leg in unit if leg.draft.parent == entry.leg]


def _mates(leg: Intent, unit: Sequence[Intent]) -> Sequence[Intent]:
    return [one for one in unit if leg.draft.group and one.draft.group == leg.draft.group and one.key != leg.key]


def _was_asked_with(leg: Intent, others: Sequence[Intent]) -> bool:
    return leg.cancel_wanted and any(one.state is State.CANCELLED for one in others)


def _with(before: Intent, entry: Intent, unit: Sequence[Intent]) -> tuple[Intent, Sequence[Intent]]:
    """The same when that leg was what it was before."""
    legs = [before if leg.key == before.key else leg for leg in unit]
    return (before if entry.key == before.key else entry), legs
