"""Messages that tell the past."""

from dataclasses import dataclass
from typing import Annotated

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.messages.price_messages import LEGS, Leg
from rules_engine.gateway.wire.items import VERSION_NEVER, Fields, Identity, Size, Whole


@request(
    20,
    layout=(
        Fields("reqId contract includeExpired endDateTime barSize duration useRth whatToShow formatDate"),
        LEGS,
        Fields("keepUpToDate options"),
    ),
)
class ReqHistoricalData:
    reqId: Annotated[int, Identity()]
    contract: Contract
    includeExpired: bool
    endDateTime: str
    barSize: str
    duration: str
    useRth: bool
    whatToShow: str
    formatDate: int
    legs: tuple[Leg, ...]
    keepUpToDate: bool
    options: str


@request(25, version=1)
class CancelHistoricalData:
    reqId: Annotated[int, Identity()]


@request(87)
class ReqHeadTimestamp:
    reqId: Annotated[int, Identity()]
    contract: Contract
    includeExpired: bool
    useRth: bool
    whatToShow: str
    formatDate: int


@request(90)
class CancelHeadTimestamp:
    reqId: Annotated[int, Identity()]


@request(96)
class ReqHistoricalTicks:
    reqId: Annotated[int, Identity()]
    contract: Contract
    includeExpired: bool
    startDateTime: str
    endDateTime: str
    count: int
    whatToShow: str
    useRth: bool
    ignoreSize: bool
    options: str


@request(88)
class ReqHistogramData:
    reqId: Annotated[int, Identity()]
    contract: Contract
    includeExpired: bool
    useRth: bool
    period: str


@request(89)
class CancelHistogramData:
    reqId: Annotated[int, Identity()]


@dataclass(frozen=True, slots=True)
class HistoricalBar:
    date: str
    open: float
    high: float
    low: float
    close: float
    volume: Size
    average: float
    count: int


@reply(17)
class HistoricalData:
    """All bars of one request; also the end of its answer."""

    reqId: int
    start: str
    end: str
    bars: tuple[HistoricalBar, ...]


@reply(90)
class HistoricalDataUpdate:
    """The present bar of a request that keeps up to date. Mind the order: close stands before high."""

    reqId: int
    count: int
    date: str
    open: float
    close: float
    high: float
    low: float
    average: float
    volume: Size


@reply(88)
class HeadTimestamp:
    reqId: int
    timestamp: str


@dataclass(frozen=True, slots=True)
class PastMidPoint:
    epoch: int
    unused: int
    price: float
    size: Size


@dataclass(frozen=True, slots=True)
class PastBidAsk:
    epoch: int
    attributes: int
    bid: float
    ask: float
    bidSize: Size
    askSize: Size


@dataclass(frozen=True, slots=True)
class PastLast:
    epoch: int
    attributes: int
    price: float
    size: Size
    exchange: str
    conditions: str


@reply(96)
class HistoricalTicks:
    reqId: int
    ticks: tuple[PastMidPoint, ...]
    done: bool


@reply(97)
class HistoricalTicksBidAsk:
    reqId: int
    ticks: tuple[PastBidAsk, ...]
    done: bool


@reply(98)
class HistoricalTicksLast:
    reqId: int
    ticks: tuple[PastLast, ...]
    done: bool


@dataclass(frozen=True, slots=True)
class HistogramEntry:
    price: float
    # ib_insync reads it as an integer in every version and ends no request whose answer it cannot read.
    size: Annotated[float, Whole(VERSION_NEVER)]


@reply(89)
class HistogramData:
    """How much was traded at every price."""

    reqId: int
    entries: tuple[HistogramEntry, ...]


@dataclass(frozen=True, slots=True)
class PastSession:
    start: str
    end: str
    date: str


@reply(106)
class HistoricalSchedule:
    reqId: int
    start: str
    end: str
    timeZoneId: str
    sessions: tuple[PastSession, ...]
