"""What makes an order unacceptable, each with IB's code for it."""

import math
from collections.abc import Iterator, Sequence

from rules_engine.gateway.catalogue import Catalogue
from rules_engine.gateway.conditions import PRICED
from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.matching import KINDS, Pricing, Trigger
from rules_engine.gateway.messages.order_form import Condition, OrderForm, PriceCondition, TimeCondition
from rules_engine.gateway.times import read_time
from rules_engine.gateway.triggers import NUMBERS

TIFS = frozenset({"", "DAY", "GTC", "GTD", "IOC", "FOK"})
_OCA_TYPES = frozenset({0, 1, 2, 3})
_TICK_TOLERANCE = 1e-6


class Refused(Exception):
    """The order is not taken; the client hears this code, and an order that it wanted to change lives on unchanged."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def check_order(form: OrderForm, listing: Listing, accounts: Sequence[str], catalogue: Catalogue) -> None:
    """Raise Refused for what IB's own checks would not let pass."""
    if form.account not in accounts:
        raise Refused(201, f"Order rejected - reason:Unknown account {form.account!r}")
    if not listing.orderable:
        raise Refused(201, f"Order rejected - reason:{listing.contract.symbol} cannot be traded, only watched")
    if form.orderType not in KINDS:
        raise Refused(387, f"Unsupported order type for this exchange and security type: {form.orderType!r}")
    if form.tif not in TIFS:
        raise Refused(321, f"Error validating request.-'bN' : cause - Invalid time in force {form.tif!r}")
    if form.ocaType not in _OCA_TYPES:
        raise Refused(321, f"Error validating request.-'bN' : cause - Invalid OCA type {form.ocaType}")
    _check_quantity(form, listing)
    _check_prices(form, listing)
    _check_times(form)
    for condition in form.conditions:
        _check_condition(condition, catalogue)


def _check_quantity(form: OrderForm, listing: Listing) -> None:
    if not 0 < form.totalQuantity < math.inf:
        raise Refused(201, "Order rejected - reason:The order size must be above zero")
    steps = form.totalQuantity / listing.sizeIncrement
    if abs(steps - round(steps)) > _TICK_TOLERANCE:
        raise Refused(201, f"Order rejected - reason:The order size must be a multiple of {listing.sizeIncrement:g}")


def _check_prices(form: OrderForm, listing: Listing) -> None:
    kind = KINDS[form.orderType]
    trailing = kind.trigger is Trigger.TRAIL
    if kind.pricing is Pricing.LIMIT and form.lmtPrice is None and not (trailing and form.lmtPriceOffset is not None):
        raise Refused(321, "Error validating request.-'bN' : cause - Missing limit price")
    if kind.trigger is Trigger.STOP and form.auxPrice is None:
        raise Refused(321, "Error validating request.-'bN' : cause - Missing stop price")
    if trailing and form.trailingPercent is None and form.auxPrice is None:
        raise Refused(321, "Error validating request.-'bN' : cause - Missing trailing amount or percent")
    for price in _prices(form, kind.pricing, kind.trigger):
        if not _on_tick(price, listing.minTick):
            raise Refused(110, "The price does not conform to the minimum price variation for this contract.")


def _prices(form: OrderForm, pricing: Pricing, trigger: Trigger) -> Iterator[float]:
    if pricing is not Pricing.MARKET and form.lmtPrice is not None:
        yield form.lmtPrice
    if trigger is Trigger.STOP and form.auxPrice is not None:
        yield form.auxPrice


def _on_tick(price: float, tick: float) -> bool:
    steps = price / tick
    return math.isfinite(steps) and abs(steps - round(steps)) <= _TICK_TOLERANCE * max(1.0, abs(steps))


def _check_times(form: OrderForm) -> None:
    if form.tif == "GTD" and not form.goodTillDate:
        raise Refused(321, "Error validating request.-'bN' : cause - Missing good till date")
    for text in (form.goodTillDate if form.tif == "GTD" else "", form.goodAfterTime):
        if text:
            _check_time(text)


def _check_time(text: str) -> None:
    try:
        read_time(text)
    except ValueError as error:
        raise Refused(321, f"Error validating request.-'bN' : cause - {error}") from error


def _check_condition(condition: Condition, catalogue: Catalogue) -> None:
    if isinstance(condition, TimeCondition):
        _check_time(condition.time)
    elif isinstance(condition, PRICED) and catalogue.listing(condition.conId) is None:
        raise Refused(133, f"Submit new order failed: no contract with id {condition.conId} for a condition")
    if isinstance(condition, PriceCondition) and condition.triggerMethod not in NUMBERS:
        raise Refused(321, f"Error validating request.-'bN' : cause - Unknown trigger method {condition.triggerMethod}")
