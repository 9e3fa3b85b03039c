"""Messages about market depth."""

from typing import Annotated

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.wire.items import Identity, Size


@request(10, version=5)
class ReqMktDepth:
    reqId: Annotated[int, Identity()]
    contract: Contract
    rows: int
    isSmart: bool
    options: str


@request(11, version=1)
class CancelMktDepth:
    reqId: Annotated[int, Identity()]
    isSmart: bool


@reply(12, version=1)
class UpdateMktDepth:
    """One row of a ladder: operation 0 inserts it, 1 changes it, 2 takes it out; side 0 asks, 1 bids."""

    reqId: int
    position: int
    operation: int
    side: int
    price: float
    size: Size


@reply(13, version=1)
class UpdateMktDepthL2:
    """One row of a ladder with the market maker or the exchange that it belongs to."""

    reqId: int
    position: int
    marketMaker: str
    operation: int
    side: int
    price: float
    size: Size
    isSmart: bool
