"""What makes an order unacceptable, each with IB's code for it."""

import math
from collections.abc import Iterator, Sequence

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.messages.order_form import Condition, OrderForm, PriceCondition, TimeCondition
from rules_engine.gateway.orders.conditions import PRICED
from rules_engine.gateway.orders.matching import KINDS, OrderKind, Trigger
from rules_engine.gateway.orders.triggers import NUMBERS
from rules_engine.gateway.times import read_time

TIFS = frozenset({"", "DAY", "GTC", "GTD", "IOC", "FOK", "OPG"})
_AT_OPEN_TYPES = frozenset({"MKT", "LMT"})
_AT_CLOSE_TIFS = frozenset({"", "DAY"})
_OCA_TYPES = frozenset({0, 1, 2, 3})
_SHORT_SALE_SLOTS = frozenset({0, 1, 2})
_TICK_TOLERANCE = 1e-6

# Attributes that TWS stopped to support in 2021; IB's own client of 2020 sets the first two unless told otherwise.
_RETIRED = {"eTradeOnly": 10268, "firmQuoteOnly": 10269, "nbboPriceCap": 10270}
_ADVISOR_FIELDS = ("faGroup", "faMethod", "faPercentage", "faProfile", "modelCode")


class Refused(Exception):
    """The order is not taken; the client hears this code, and an order that it wanted to change lives on unchanged."""

    def __init__(self, code: int, *details: object) -> None:
        self.code = code
        self.text = text_of(code, *details)
        super().__init__(self.text)


def check_order(form: OrderForm, listing: Listing, accounts: Sequence[str], catalogue: Catalogue) -> None:
    """Raise Refused for what IB's own checks would not let pass."""
    _check_attributes(form)
    if form.account not in accounts:
        raise Refused(201, f"Unknown account {form.account!r}")
    if not listing.orderable:
        raise Refused(201, f"{listing.contract.symbol} cannot be traded, only watched")
    if form.orderType not in KINDS:
        raise Refused(387)
    kind = KINDS[form.orderType]
    _check_tif(form, kind)
    _check_quantity(form, listing)
    _check_prices(form, kind, listing)
    _check_short_sale(form)
    for condition in form.conditions:
        _check_condition(condition, catalogue)


def _check_attributes(form: OrderForm) -> None:
    for name, code in _RETIRED.items():
        if getattr(form, name):
            raise Refused(code)
    for name in _ADVISOR_FIELDS:
        if getattr(form, name):
            raise Refused(321, f"{name}: financial advisor groups, profiles and models are not simulated")
    if form.algoStrategy:
        raise Refused(321, f"algoStrategy: the algorithm {form.algoStrategy!r} is not simulated")
    if form.ocaType not in _OCA_TYPES:
        raise Refused(321, f"Invalid OCA type {form.ocaType}")
    if form.triggerMethod not in NUMBERS:
        raise Refused(146)


def _check_tif(form: OrderForm, kind: OrderKind) -> None:
    if form.tif not in TIFS:
        raise Refused(10052, form.tif)
    if kind.at_close and form.tif not in _AT_CLOSE_TIFS:
        raise Refused(111)
    if form.tif == "OPG" and form.orderType not in _AT_OPEN_TYPES:
        raise Refused(111)
    if form.tif == "GTD" and not form.goodTillDate:
        raise Refused(334)
    for text in (form.goodTillDate if form.tif == "GTD" else "", form.goodAfterTime):
        if text:
            _check_time(text)


def _check_time(text: str) -> None:
    try:
        read_time(text)
    except ValueError as error:
        raise Refused(391) from error


def _check_quantity(form: OrderForm, listing: Listing) -> None:
    size = form.totalQuantity
    if size == 0:
        raise Refused(434)
    if not 0 < size < math.inf:
        raise Refused(321, f"Invalid quantity {size:g}")
    if not _whole(size / listing.sizeIncrement):
        raise Refused(10243) if listing.sizeIncrement == 1 else Refused(10250, f"{listing.sizeIncrement:g}")
    if size < listing.minSize:
        raise Refused(388)
    if form.displaySize and form.displaySize >= size:
        raise Refused(10020)
    if form.minQty and form.minQty > size:
        raise Refused(321, f"The minimum quantity {form.minQty} is above the order's size")


def _check_prices(form: OrderForm, kind: OrderKind, listing: Listing) -> None:
    for choices in kind.needs:
        if all(getattr(form, name) is None for name in choices):
            raise Refused(321, f"Missing {' or '.join(choices)}")
    if kind.trigger is Trigger.STOP and not (form.auxPrice and form.auxPrice > 0):
        raise Refused(403)
    for price in _prices(form, kind):
        if not _whole(price / listing.tick_at(price)):
            raise Refused(110)


def _prices(form: OrderForm, kind: OrderKind) -> Iterator[float]:
    for name in kind.on_tick:
        price = getattr(form, name)
        if price is not None:
            yield price


def _whole(steps: float) -> bool:
    return math.isfinite(steps) and abs(steps - round(steps)) <= _TICK_TOLERANCE * max(1.0, abs(steps))


def _check_short_sale(form: OrderForm) -> None:
    if form.shortSaleSlot not in _SHORT_SALE_SLOTS:
        raise Refused(347)
    if form.shortSaleSlot and form.action != "SSHORT":
        raise Refused(348)
    if form.shortSaleSlot == 2 and not form.designatedLocation:
        raise Refused(352)
    if form.shortSaleSlot == 1 and form.designatedLocation:
        raise Refused(353)


def _check_condition(condition: Condition, catalogue: Catalogue) -> None:
    if isinstance(condition, TimeCondition):
        _check_time(condition.time)
    elif isinstance(condition, PRICED):
        if not condition.conId:
            raise Refused(147)
        if catalogue.listing(condition.conId) is None:
            raise Refused(133, f" No contract with id {condition.conId} for a condition")
    if isinstance(condition, PriceCondition) and condition.triggerMethod not in NUMBERS:
        raise Refused(146)
