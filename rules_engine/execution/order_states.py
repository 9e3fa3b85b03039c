"""The states of an intent once it may be at IB, and what moves it: IB's own reports, never a client's guess."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.reports import BrokerStatus, ExecutionReport, OrderReport

State = IntentState

_ENDED_SHORT = frozenset({State.CANCELLED, State.REJECTED, State.EXPIRED})
_AVERAGE_STEP = Decimal("1e-8")
FIRST_REVISION = "01"
"""Of an execution as IB tells it at first."""


class OrderEvent(StrEnum):
    """What a report says."""

    SEEN = "IB has it"
    WORKING = "it works in the market"
    FILLED_SOME = "part of it filled"
    FILLED_ALL = "all of it filled"
    CANCELLED = "IB says that it is cancelled"
    REJECTED = "IB says that it is rejected"
    LOST = "complete evidence shows no trace of it"
    ENLARGED = "it works on, for more than it was taken to be for"


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill of an order, as last corrected."""

    quantity: Decimal
    price: Decimal


Moves = Mapping[OrderEvent, IntentState]

_FILLS: Moves = {OrderEvent.FILLED_SOME: State.PARTIAL, OrderEvent.FILLED_ALL: State.FILLED}
_ENDINGS: Moves = {OrderEvent.CANCELLED: State.CANCELLED, OrderEvent.REJECTED: State.REJECTED}
_SENT: Moves = {OrderEvent.SEEN: State.ACKED, OrderEvent.WORKING: State.WORKING, **_FILLS, **_ENDINGS}
_LATE_FILL: Moves = {OrderEvent.FILLED_ALL: State.FILLED}

MOVES: Mapping[IntentState, Moves] = {
    State.SENDING: {**_SENT, OrderEvent.LOST: State.UNKNOWN},
    State.ACKED: {**_SENT, OrderEvent.LOST: State.UNKNOWN},
    State.WORKING: {**_FILLS, **_ENDINGS, OrderEvent.LOST: State.UNKNOWN},
    # What has filled in part cannot be rejected as a whole any more: the rest is cancelled.
    State.PARTIAL: {
        **_FILLS,
        OrderEvent.CANCELLED: State.CANCELLED,
        OrderEvent.REJECTED: State.CANCELLED,
        OrderEvent.LOST: State.UNKNOWN,
    },
    State.UNKNOWN: _SENT,
    # The user has seen it where our evidence does not reach: its absence from the evidence proves nothing any more.
    State.ADOPTED: _SENT,
    State.ABANDONED: _SENT,
    # Over; only a fill that comes late is still believed, and none of these ever works again.
    State.CANCELLED: _LATE_FILL,
    State.REJECTED: _LATE_FILL,
    State.EXPIRED: _LATE_FILL,
    # Somebody made it larger in TWS, and what was sent of it has filled.
    State.FILLED: {OrderEvent.ENLARGED: State.PARTIAL},
    # Never sent.
    State.INTENT: {},
    State.DRY: {},
    State.BLOCKED: {},
}
"""State and event to the next state; an event that is not listed changes nothing."""

_WEIGHT = (
    *(
        State.UNKNOWN,
        State.ADOPTED,
        State.SENDING,
        State.PARTIAL,
        State.WORKING,
        State.ACKED,
        State.INTENT,
        State.FILLED,
    ),
    *(State.REJECTED, State.CANCELLED, State.ABANDONED, State.EXPIRED, State.BLOCKED, State.DRY),
)


def move(state: IntentState, event: OrderEvent) -> IntentState:
    """The state after the event."""
    return MOVES[state].get(event, state)


def reported(intent: Intent, report: OrderReport, *, corrected: bool = False) -> Intent:
    """The intent after an order report. Fills only ever grow here: executions are the truth about them. Once a fill of
    it was ``corrected`` only they count, since IB's lists may go on saying what it had been."""
    sized = _sized(intent, report)
    # Filled is as much as IB says, which may be another quantity than was sent; a completed order may not say which.
    unsaid = _event(report) is OrderEvent.FILLED_ALL and report.filled <= 0
    filled, average = max(intent.filled, sized.quantity if unsaid else report.filled), intent.average_price
    if report.filled > 0 and report.average_price:
        average = report.average_price
    grown = replace(
        sized,
        filled=filled if _was_sent(intent) and not corrected else intent.filled,
        average_price=intent.average_price if corrected else average,
        perm_id=intent.perm_id or report.perm_id,
        order_id=report.order_id if report.order_id > 0 else intent.order_id,
    )
    return _settled(grown, _event(report))


def executed(intent: Intent, fills: Sequence[Fill], report: ExecutionReport, *, corrects: bool) -> Intent:
    """The intent after a fill, or after the correction of one. ``fills`` are all of its fills, corrected."""
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    if filled < intent.filled and not corrects:
        # A status told of more than the executions that have arrived so far.
        return replace(intent, perm_id=intent.perm_id or report.perm_id)
    value = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
    average = (value / filled).quantize(_AVERAGE_STEP).normalize() if filled else None
    grown = replace(intent, filled=filled, average_price=average, perm_id=intent.perm_id or report.perm_id)
    return _settled(grown, OrderEvent.SEEN)


def unit_state(entries: Sequence[Intent]) -> IntentState:
    """What the entries of a unit came to together: filled if anything filled, else what weighs most."""
    if any(entry.filled > 0 for entry in entries):
        return State.FILLED
    return min((entry.state for entry in entries), key=_WEIGHT.index)


def uses_once(entries: Sequence[Intent]) -> bool:
    """Whether a unit that is over used up its rule's `once`: not when it was refused or never left."""
    if any(entry.filled > 0 or entry.state is State.ABANDONED for entry in entries):
        return True
    # What waited at IB and was cancelled had not fired; what we sent at the firing had.
    return any(entry.state is State.CANCELLED and entry.sent_s and not entry.held for entry in entries)


def exec_parts(exec_id: str) -> tuple[str, str]:
    """The part of an execution id that names the fill, and its revision: `0000e.5f.01.02` is (`0000e.5f.01`, `02`)."""
    base, _, revision = exec_id.rpartition(".")
    return (base, revision) if base else (exec_id, "")


def supersedes(revision: str, known: str) -> bool:
    """True when ``revision`` corrects ``known``; the same revision again is a repetition."""
    if revision.isdecimal() and known.isdecimal():
        return int(revision) > int(known)
    return (len(revision), revision) > (len(known), known)


def _sized(intent: Intent, report: OrderReport) -> Intent:
    """The intent for as much as IB says. Less than was sent is believed only of an order that is over."""
    if not _was_sent(intent):
        return intent
    if _event(report) is OrderEvent.FILLED_ALL:
        quantity = max(intent.quantity, report.filled)
    elif report.status.is_alive and intent.state not in _ENDED_SHORT:
        quantity = max(intent.draft.quantity, intent.filled, report.filled + report.remaining)
    else:
        return intent
    state = move(intent.state, OrderEvent.ENLARGED) if quantity > intent.quantity else intent.state
    return replace(intent, state=state, enlarged_to=quantity if quantity > intent.draft.quantity else None)


def _settled(intent: Intent, event: OrderEvent) -> Intent:
    state = move(intent.state, event)
    if intent.filled >= intent.quantity:
        state = move(state, OrderEvent.FILLED_ALL)
    elif intent.filled > 0:
        state = move(state, OrderEvent.FILLED_SOME)
    return replace(intent, state=state)


def _event(report: OrderReport) -> OrderEvent:
    match report.status:
        # An openOrder that is filled leaves it to the orderStatus after it to say by how much.
        case BrokerStatus.FILLED if report.completed or report.remaining <= 0:
            return OrderEvent.FILLED_ALL
        case BrokerStatus.CANCELLED:
            return OrderEvent.CANCELLED
        case BrokerStatus.WORKING:
            return OrderEvent.WORKING
        # Inactive is neither working nor over: it may be rejected or waiting for shares. In the list of completed
        # orders, though, nothing more comes of it.
        case BrokerStatus.INACTIVE if report.completed:
            return OrderEvent.REJECTED
        case _:
            return OrderEvent.SEEN


def _was_sent(intent: Intent) -> bool:
    return intent.state not in (State.INTENT, State.DRY, State.BLOCKED)
