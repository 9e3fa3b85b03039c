"""What the gateway keeps of an order, a fill or an account, as one line of JSON each, and back."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from rules_engine.gateway.accounts.ledger import Account, Execution, Holding
from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.lookup import NotFound, the_one
from rules_engine.gateway.messages.form import read_request, request_fields
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders.order import Order, Status

_PLACE_ORDER = 3
# What a client asked for is kept in its own wire form, so that what was parsed is what comes back. This version has
# every field.
_STORED_VERSION = 176


class Unlisted(Exception):
    """A contract that the market of this run does not have."""


def order_record(order: Order) -> str:
    """An order; its listing is looked up again, and what it is reported as made again."""
    request = request_fields(_PLACE_ORDER, order.request, _STORED_VERSION)
    return _record(order, {"listing": None, "reported": None, "request": request})


def order_of(record: str, catalogue: Catalogue) -> Order:
    """The order of a record; raises Unlisted."""
    values = json.loads(record)
    request = read_request(values.pop("request"), _STORED_VERSION)
    assert isinstance(request, PlaceOrder)
    try:
        listing = the_one(catalogue, request.contract)
    except NotFound as unclear:
        raise Unlisted(f"order {values['permId']} trades {request.contract.symbol!r}: {unclear}") from unclear
    return Order(**{**values, "request": request, "listing": listing, "status": Status(values["status"])})


def execution_record(execution: Execution) -> str:
    """A fill."""
    return _record(execution, {"contract": _contract_record(execution.contract)})


def execution_of(record: str, catalogue: Catalogue) -> Execution:
    """The fill of a record; raises Unlisted."""
    values = json.loads(record)
    return Execution(**{**values, "contract": _contract_of(values["contract"], catalogue)})


def account_record(account: Account) -> str:
    """An account with everything that it holds."""
    held = [_record(one, {"contract": _contract_record(one.contract)}) for one in account.holdings.values()]
    return _record(account, {"holdings": held})


def account_of(record: str, catalogue: Catalogue) -> Account:
    """The account of a record; raises Unlisted."""
    values = json.loads(record)
    holdings = [_holding_of(one, catalogue) for one in values["holdings"]]
    return Account(**{**values, "holdings": {one.contract.conId: one for one in holdings}})


def _holding_of(record: str, catalogue: Catalogue) -> Holding:
    values = json.loads(record)
    return Holding(**{**values, "contract": _contract_of(values["contract"], catalogue)})


def _contract_record(contract: Contract) -> list[object]:
    """Its number, and the exchange that a client named: all else is in the catalogue."""
    return [contract.conId, contract.exchange]


def _contract_of(record: tuple[int, str], catalogue: Catalogue) -> Contract:
    conId, exchange = record
    return replace(_listing_of(conId, catalogue).contract, exchange=exchange)


def _listing_of(conId: int, catalogue: Catalogue) -> Listing:
    listing = catalogue.listing(conId)
    if listing is None:
        raise Unlisted(f"contract {conId} is not listed in this market")
    return listing


def _record(thing: Any, instead: Mapping[str, object]) -> str:
    """The fields of a dataclass, some of them in another form, or not at all (None)."""
    values = {one.name: instead.get(one.name, getattr(thing, one.name)) for one in fields(thing)}
    return json.dumps({name: value for name, value in values.items() if name not in instead or value is not None})
