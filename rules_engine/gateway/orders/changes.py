"""Which fields of a live order a client may change, and IB's code for each that it may not."""

from dataclasses import replace

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.orders.checks import Refused
from rules_engine.gateway.orders.order import Order, Status

# IB advises to change price, size and time in force only; what else it lets pass is not documented.
_INTERCHANGEABLE_TYPES = frozenset({"MKT", "LMT"})
_NEW_TIFS = frozenset({"", "DAY", "GTC", "IOC"})


def changed_form(order: Order, form: OrderForm, listing: Listing) -> OrderForm:
    """The form that an order has after this change; raises Refused for what cannot be changed.

    An order that its client has not transmitted yet may change everything but its contract, side and account.
    """
    if not order.live:
        raise Refused(104) if order.status is Status.FILLED else Refused(103)
    before = order.form
    form = replace(form, account=form.account or before.account)
    if listing.conId != order.conId or form.action != before.action:
        raise Refused(105)
    if (form.account, form.clearingAccount) != (before.account, before.clearingAccount):
        raise Refused(422)
    return form if order.staged else _changed_live(order, form)


def _changed_live(order: Order, form: OrderForm) -> OrderForm:
    before = order.form
    if form.orderType != before.orderType and not {form.orderType, before.orderType} <= _INTERCHANGEABLE_TYPES:
        raise Refused(329, form.orderType)
    if form.tif != before.tif and form.tif not in _NEW_TIFS:
        raise Refused(462, form.tif)
    if form.parentId != before.parentId:
        raise Refused(10341)
    if form.ocaGroup and form.ocaGroup != before.ocaGroup:
        raise Refused(10326)
    if form.ocaGroup and form.ocaType != before.ocaType:
        raise Refused(10327)
    if 0 < form.totalQuantity <= order.filled + order.reduced:
        raise Refused(201, f"{order.filled + order.reduced:g} of this order are filled or taken by its group already")
    return replace(form, ocaGroup=before.ocaGroup, ocaType=before.ocaType)
