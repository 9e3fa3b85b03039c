"""How many orders of one contract and side may be open at a time: IB rejects what is beyond that."""

from collections import Counter
from collections.abc import Hashable, Iterable

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.cancelling import CANCELLABLE
from rules_engine.execution.exposure import contract_in
from rules_engine.execution.ports import Market
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft, Unit
from rules_engine.model.settings import Limits


def active_orders(unit: Unit, book: Book, limits: Limits, market: Market) -> Refusal | None:
    """Counts the unit, ours that may be at IB, and what others have open there.

    Each leg of a bracket or group is an order of its own. What still waits to be sent is counted in its turn: what is
    before it may have filled by then. One whose cancellation leaves makes room, since IB hears of that first.
    """
    most = limits.max_active_orders_per_side
    counts = Counter(_sides((intent.draft for intent in book.open if _is_open(intent, book)), market))
    counts.update((report.contract_id, report.side) for report in book.others)
    for leg, side in zip(unit, _sides(unit, market), strict=True):
        counts[side] += 1
        if counts[side] > most:
            open_ = f"this would be open order {counts[side]} to {leg.side} {leg.instrument.name}"
            return Refusal(Reason.OVER_LIMIT, f"max_active_orders_per_side is {most}, {open_}")
    return None


def _is_open(intent: Intent, book: Book) -> bool:
    is_going = intent.cancel_wanted or intent.key in book.unmarked
    return intent.state.may_be_at_broker and not (is_going and intent.state in CANCELLABLE)


def _sides(drafts: Iterable[OrderDraft], market: Market) -> Iterable[tuple[Hashable, str]]:
    """The contract and side of each."""
    for draft in drafts:
        yield contract_in(market, draft.instrument), str(draft.side)
