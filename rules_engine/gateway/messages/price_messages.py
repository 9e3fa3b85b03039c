"""Messages that stream prices."""

from dataclasses import dataclass
from typing import Annotated

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.wire.items import Block, Fields, Identity, Size, equal, given


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a combination whose prices are asked for."""

    conId: int
    ratio: int
    action: str
    exchange: str


LEGS = Block(equal("contract.secType", "BAG"), (Fields("legs"),))


@request(
    1,
    version=11,
    layout=(
        Fields("reqId contract"),
        LEGS,
        Fields("hasDeltaNeutral"),
        Block(given("hasDeltaNeutral"), (Fields("deltaNeutralConId deltaNeutralDelta deltaNeutralPrice"),)),
        Fields("genericTicks snapshot regulatorySnapshot options"),
    ),
)
class ReqMktData:
    reqId: Annotated[int, Identity()]
    contract: Contract
    legs: tuple[Leg, ...]
    hasDeltaNeutral: bool
    deltaNeutralConId: int
    deltaNeutralDelta: float
    deltaNeutralPrice: float
    genericTicks: str
    snapshot: bool
    regulatorySnapshot: bool
    options: str


@request(2, version=2)
class CancelMktData:
    reqId: Annotated[int, Identity()]


@request(59, version=1)
class ReqMarketDataType:
    type: int


@request(97)
class ReqTickByTick:
    reqId: Annotated[int, Identity()]
    contract: Contract
    tickType: str
    count: int
    ignoreSize: bool


@request(98)
class CancelTickByTick:
    reqId: Annotated[int, Identity()]


@request(50, version=3)
class ReqRealTimeBars:
    reqId: Annotated[int, Identity()]
    contract: Contract
    barSize: int
    whatToShow: str
    useRth: bool
    options: str


@request(51, version=1)
class CancelRealTimeBars:
    reqId: Annotated[int, Identity()]


@reply(1, version=6)
class TickPrice:
    reqId: int
    tickType: int
    price: float
    size: Size
    attributes: int = 0


@reply(2, version=6)
class TickSize:
    reqId: int
    tickType: int
    size: Size


@reply(45, version=6)
class TickGeneric:
    reqId: int
    tickType: int
    value: float


@reply(46, version=6)
class TickString:
    reqId: int
    tickType: int
    value: str


@reply(57, version=1)
class TickSnapshotEnd:
    reqId: int


@reply(58, version=1)
class MarketDataType:
    reqId: int
    type: int


@reply(81)
class TickReqParams:
    reqId: int
    minTick: float
    bboExchange: str
    snapshotPermissions: int


@reply(50, version=3)
class RealTimeBar:
    reqId: int
    epoch: int
    open: float
    high: float
    low: float
    close: float
    volume: Size
    average: float
    count: int


@reply(99)
class TickByTickLast:
    """A print; type 1 is Last and 2 is AllLast."""

    reqId: int
    type: int
    epoch: int
    price: float
    size: Size
    attributes: int
    exchange: str
    conditions: str


@reply(99)
class TickByTickBidAsk:
    reqId: int
    type: int
    epoch: int
    bid: float
    ask: float
    bidSize: Size
    askSize: Size
    attributes: int


@reply(99)
class TickByTickMidPoint:
    reqId: int
    type: int
    epoch: int
    midPoint: float
