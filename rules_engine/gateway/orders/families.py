"""Who shares the fate of whom: brackets of a parent and its children, and one-cancels-all groups."""

from collections.abc import Iterator
from dataclasses import replace

from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.order import Order, Status

_OCA_CANCELS, _OCA_REDUCES = 1, 3


def waits_for_parent(order: Order, book: OrderBook) -> bool:
    """A child is held until its parent has ended with a fill."""
    parent = book.parent(order)
    return parent is not None and parent.live


def group_with_siblings(order: Order, book: OrderBook) -> None:
    """A child that names no group belongs to one with its parent's other children, as TWS reports it.

    The group is named by the parent's permanent number.
    """
    parent = book.parent(order)
    if parent is None or order.form.ocaGroup:
        return
    form = replace(order.form, ocaGroup=str(parent.permId), ocaType=order.form.ocaType or _OCA_REDUCES)
    order.request = replace(order.request, order=form)
    book.index(order)


def linked(order: Order, book: OrderBook) -> Iterator[Order]:
    """The live orders of its group, which a fill of this one makes smaller, or ends."""
    for other in book.group(order):
        if other.live and not other.staged:
            yield other


def cancels_others(order: Order) -> bool:
    """A fill of this order ends the other members of its group; else it takes its size from theirs."""
    return order.form.ocaType == _OCA_CANCELS


def shrink_to_parent(child: Order, book: OrderBook) -> None:
    """A parent that ended with a part of its size leaves its children no more than that part to close."""
    parent = book.parent(child)
    if parent is not None and not parent.live and parent.status is not Status.FILLED:
        excess = child.remaining + child.filled - parent.filled
        child.reduced = round(child.reduced + max(0.0, excess), 8)
