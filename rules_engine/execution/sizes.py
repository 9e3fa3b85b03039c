"""How much IB takes in one order: whole steps of the contract's own size, and not less than its least."""

from decimal import ROUND_FLOOR, Decimal

from rules_engine.execution.book import Refusal
from rules_engine.model.firing import Reason
from rules_engine.model.order import OrderDraft
from rules_engine.model.order_words import plain
from rules_engine.model.reports import Traded


def orderable(quantity: Decimal, traded: Traded) -> Decimal:
    """The largest size of at most so much that IB takes; zero where that is none."""
    step = traded.size_step
    whole = (quantity / step).to_integral_value(ROUND_FLOOR) * step if step > 0 else quantity
    return whole if whole >= traded.min_size else Decimal(0)


def odd_size(leg: OrderDraft, traded: Traded) -> Refusal | None:
    """IB's answer to such a size ends no order (10243, 10250, 388), so it is not asked."""
    if orderable(leg.quantity, traded) == leg.quantity:
        return None
    name = leg.instrument.name
    return Refusal(Reason.BAD_QUANTITY, f"this is for {plain(leg.quantity)} {name}, {sizes_words(traded)}")


def sizes_words(traded: Traded) -> str:
    """`IB takes steps of 1`, or `IB takes steps of 1, 100 at least`."""
    step = f"steps of {plain(traded.size_step)}" if traded.size_step > 0 else ""
    least = f"{plain(traded.min_size)} at least" if traded.min_size > traded.size_step else ""
    return f"IB takes {', '.join(filter(None, (step, least)))}"
