"""From the contract that a client describes to the one that it means."""

from collections.abc import Sequence
from dataclasses import replace

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Contract, Listing

UNKNOWN = "No security definition has been found for the request"


class NotFound(Exception):
    """No contract, or several, answer the description: error 200."""


def as_query(contract: Contract) -> Contract:
    """TWS's own marks for "no option" say nothing about what is wanted."""
    return replace(contract, right=contract.right.strip("?0"))


def the_one(catalogue: Catalogue, contract: Contract) -> Listing:
    """The listing that a client means."""
    found = catalogue.find(as_query(contract))
    if len(found) != 1:
        raise NotFound(_ambiguous(contract, found) if found else UNKNOWN)
    return found[0]


def _ambiguous(contract: Contract, found: Sequence[Listing]) -> str:
    text = f"The contract description specified for {contract.symbol or contract.localSymbol} is ambiguous"
    months = {one.contract.lastTradeDateOrContractMonth for one in found}
    multipliers = {one.contract.multiplier for one in found}
    if len(multipliers) > 1 and len(months) < len(found):
        return f"{text};\nyou must specify the multiplier or trading class."
    return f"{text}."
