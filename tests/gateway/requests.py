"""Everything that ib_insync can ask, as fields, and a socket that is none."""

import asyncio
import inspect
import math
from collections.abc import Iterator

from ib_insync import (
    Contract,
    ExecutionCondition,
    ExecutionFilter,
    LimitOrder,
    MarginCondition,
    Order,
    PercentChangeCondition,
    PriceCondition,
    ScannerSubscription,
    TagValue,
    TimeCondition,
    VolumeCondition,
    WshEventData,
)
from ib_insync.client import Client

LISTED = Contract(symbol="V", secType="STK", exchange="SMART", currency="USD")
VALUES: dict[str, object] = {
    "contract": LISTED,
    "order": LimitOrder("BUY", 1, 100.0, tif="GTC"),
    "execFilter": ExecutionFilter(),
    "subscription": ScannerSubscription(),
    "data": WshEventData(conId=5),
    "tags": "NetLiquidation",
    "groupName": "All",
    "account": "DU1",
    "acctCode": "DU1",
    "pattern": "MA",
    "tickType": "Last",
    "whatToShow": "TRADES",
    "barSizeSetting": "1 min",
    "durationStr": "600 S",
    "timePeriod": "1 day",
    "genericTickList": "233,236",
    "underlyingSymbol": "V",
    "underlyingSecType": "STK",
    "marketRuleId": 26,
    "barSize": 5,
}
"""What the parameters of these names are given."""

TEXTS = {"modelCode", "cxml", "contractInfo", "startDateTime", "endDateTime", "manualCancelOrderTime", "futFopExchange"}
TEXTS |= {"providerCodes", "providerCode", "articleId", "bboExchange", "reportType", "apiName", "apiVersion", "apiData"}
TEXTS |= {"opaqueIsvKey", "xyzResponse"}
IDS = {"reqId", "tickerId", "orderId"}
# Methods of the library's client that send no request, or several things at once.
NO_REQUESTS = {"connect", "connectAsync", "connectionStats", "disconnect", "getAccounts", "getReqId", "isConnected"}
NO_REQUESTS |= {"isReady", "reset", "run", "send", "sendMsg", "serverVersion", "setConnectOptions", "updateReqId"}


STOCK = Contract(secType="STK", conId=5, symbol="V", exchange="SMART", currency="USD")
SIX = [
    PriceCondition(conjunction="o", isMore=False, price=200.5, conId=5, exch="SMART", triggerMethod=2),
    TimeCondition(time="20260101 00:00:00 UTC"),
    MarginCondition(percent=30),
    ExecutionCondition(secType="STK", exch="SMART", symbol="V"),
    VolumeCondition(volume=1000, conId=5, exch="SMART"),
    PercentChangeCondition(isMore=False, changePercent=-2.5, conId=5, exch="SMART"),
]
ORDERS = {
    "plain": LimitOrder("BUY", 100, 200.5, orderRef="key", tif="GTC"),
    "conditions": LimitOrder("SELL", 1, 2.0, conditions=SIX, conditionsIgnoreRth=True, conditionsCancelOrder=True),
    "delta neutral": LimitOrder("BUY", 1, 2.0, deltaNeutralOrderType="MKT", deltaNeutralConId=9),
    "scale": LimitOrder("BUY", 1, 2.0, scalePriceIncrement=0.5, scaleInitLevelSize=3, scaleAutoReset=True),
    "hedge and algo": LimitOrder(
        "BUY", 1, 2.0, hedgeType="B", hedgeParam="x", algoStrategy="Vwap", algoParams=[TagValue("maxPctVol", "0.1")]
    ),
    "peg bench": Order(action="BUY", totalQuantity=1, orderType="PEG BENCH", referenceContractId=3),
    "peg mid": Order(action="BUY", totalQuantity=1, orderType="PEG MID", midOffsetAtWhole=0.1, midOffsetAtHalf=0.2),
    "peg best": Order(action="BUY", totalQuantity=1, orderType="PEG BEST", competeAgainstBestOffset=math.inf),
    "what if": LimitOrder("BUY", 1, 2.0, whatIf=True, minQty=5, displaySize=10, cashQty=99.5, usePriceMgmtAlgo=True),
}
"""Orders that between them have every block of fields that an order can have."""


class Encoder(Client):
    """The real library's encoder, its bytes kept instead of sent."""

    def __init__(self, version: int) -> None:
        super().__init__(wrapper=object())
        self.connState = Client.CONNECTED
        self._serverVersion = version
        self.clientId = 1
        self.sent: list[str] = []

    def sendMsg(self, msg: str) -> None:
        self.sent = msg.split("\0")[:-1]


def order_fields(version: int, order: Order, contract: Contract = STOCK) -> list[str]:
    """An order as the library writes it, with the number 7."""
    encoder = Encoder(version)
    encoder.placeOrder(7, contract, order)
    return encoder.sent


def library_requests(version: int, reqId: int = 7) -> Iterator[tuple[str, list[str]]]:
    """The name and the fields of every request that the library has a method for."""
    encoder = Encoder(version)
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_") and name not in NO_REQUESTS:
            method(encoder, *(value_of(each, reqId) for each in list(inspect.signature(method).parameters)[1:]))
            yield name, encoder.sent


def value_of(parameter: str, reqId: int) -> object:
    if parameter in IDS:
        return reqId
    if parameter.endswith("Options"):
        return []
    return VALUES.get(parameter, "" if parameter in TEXTS else 1)


class Socket(asyncio.Transport):
    """A socket to nowhere that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.dropped = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self.dropped = True

    def abort(self) -> None:
        self.dropped = True

    def read(self) -> list[list[str]]:
        """The fields of every frame that was written since."""
        frames: list[list[str]] = []
        at = 0
        while at < len(self.written):
            end = at + 4 + int.from_bytes(self.written[at : at + 4], "big")
            frames.append(self.written[at + 4 : end].decode().split("\0")[:-1])
            at = end
        assert at == len(self.written), "a reply was written in part"
        self.written.clear()
        return frames
