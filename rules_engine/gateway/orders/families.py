"""Who shares the fate of whom: brackets of a parent and its children, and one-cancels-all groups."""

from collections.abc import Iterator

from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.order import Order, Status

_OCA_CANCELS = 1


def waits_for_parent(order: Order, book: OrderBook) -> bool:
    """A child is held until its parent has ended with a fill."""
    parent = book.parent(order)
    return parent is not None and parent.live


def linked(order: Order, book: OrderBook) -> Iterator[Order]:
    """The live orders that a fill of this one makes smaller, or ends.

    The members of its group; children of the same parent that name no group are one of their own.
    """
    if order.form.ocaGroup:
        others = book.group(order)
    else:
        others = [child for child in book.siblings(order) if not child.form.ocaGroup]
    for other in others:
        if other.live and not other.staged:
            yield other


def cancels_others(order: Order) -> bool:
    """A fill of this order ends the other members of its group; else it takes its size from theirs."""
    return bool(order.form.ocaGroup) and order.form.ocaType == _OCA_CANCELS


def shrink_to_parent(child: Order, book: OrderBook) -> None:
    """A parent that ended with a part of its size leaves its children no more than that part to close."""
    parent = book.parent(child)
    if parent is not None and not parent.live and parent.status is not Status.FILLED:
        excess = child.remaining + child.filled - parent.filled
        child.reduced = round(child.reduced + max(0.0, excess), 8)
