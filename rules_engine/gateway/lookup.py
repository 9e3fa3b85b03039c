"""From the contract that a client describes to the one that it means."""

from dataclasses import replace

from rules_engine.gateway.catalogue import Catalogue
from rules_engine.gateway.contracts import Contract, Listing

UNKNOWN = "No security definition has been found for the request"
AMBIGUOUS = "The contract description specified is ambiguous"


class NotFound(Exception):
    """No contract, or several, answer the description: error 200."""


def as_query(contract: Contract) -> Contract:
    """TWS's own marks for "no option" say nothing about what is wanted."""
    return replace(contract, right=contract.right.strip("?0"))


def the_one(catalogue: Catalogue, contract: Contract) -> Listing:
    """The listing that a client means."""
    found = catalogue.find(as_query(contract))
    if len(found) != 1:
        raise NotFound(AMBIGUOUS if found else UNKNOWN)
    return found[0]
