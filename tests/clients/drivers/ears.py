"""What IB's own client hears, gathered into answers and told as events."""

import threading
from decimal import Decimal

from ibapi.wrapper import EWrapper
from lines import (
    BAR,
    CONDITIONS,
    CONTRACT,
    DETAILS,
    EXECUTION,
    MARGINS,
    NUMBER_IN_USE,
    ORDER,
    STATUS,
    Told,
    plain,
    record,
)

TRADES_WITH_VOLUME = 48
"""The type of a tick that is a text of price, size, time, volume, average and whether it was a single trade."""


class Answer:
    """The parts of one reply until its end, an error or the end of the connection."""

    def __init__(self) -> None:
        self.parts: list = []
        self.complete = threading.Event()


class Ears(EWrapper):
    """Parts go to the answer that waits for them, by request number or by a word. Streams are told alone."""

    def __init__(self, told: Told) -> None:
        EWrapper.__init__(self)
        self._told = told
        self._lock = threading.Lock()
        self._answers: dict[object, Answer] = {}
        self.streams: dict[int, int] = {}
        """Contract numbers by the number of the request that streams them."""
        self.commissions: dict[str, float] = {}
        """By the execution that cost them."""

    def expect(self, *keys: object) -> list[Answer]:
        """Answers that are gathered from now on."""
        with self._lock:
            for key in keys:
                self._answers[key] = Answer()
            return [self._answers[key] for key in keys]

    def _part(self, key: object, part: object) -> None:
        with self._lock:
            if key in self._answers:
                self._answers[key].parts.append(part)

    def _end(self, key: object, *parts: object) -> None:
        for part in parts:
            self._part(key, part)
        with self._lock:
            answer = self._answers.pop(key, None)
        if answer is not None:
            answer.complete.set()

    # The connection.

    def nextValidId(self, orderId: int) -> None:
        self._end("next id", orderId)

    def managedAccounts(self, accountsList: str) -> None:
        self._end("accounts", accountsList.rstrip(",").split(","))

    def connectionClosed(self) -> None:
        self._told("closed", {})
        for key in list(self._answers):
            self._end(key)

    def error(self, reqId: int, *rest: object) -> None:
        # Code and text, since 10.33 after a time, since 9.81 before the reason of an advanced reject.
        code, text = rest[:2] if len(rest) == 2 else rest[1:3]
        self._told("error", {"id": reqId, "code": code, "text": text})
        if reqId >= 0:
            self._end(reqId)
        if code == NUMBER_IN_USE:
            self._end("next id")

    def currentTime(self, time: int) -> None:
        self._end("time", time)

    # Contracts.

    def contractDetails(self, reqId: int, contractDetails: object) -> None:
        self._part(reqId, record(contractDetails.contract, CONTRACT) | record(contractDetails, DETAILS))

    def bondContractDetails(self, reqId: int, contractDetails: object) -> None:
        self.contractDetails(reqId, contractDetails)

    def contractDetailsEnd(self, reqId: int) -> None:
        self._end(reqId)

    def symbolSamples(self, reqId: int, contractDescriptions: list) -> None:
        self._end(reqId, *[one.contract.symbol for one in contractDescriptions])

    def securityDefinitionOptionParameter(
        self,
        reqId: int,
        exchange: str,
        underlyingConId: int,
        tradingClass: str,
        multiplier: str,
        dates: set,
        strikes: set,
    ) -> None:
        self._part(reqId, {"exchange": exchange, "expirations": sorted(dates), "strikes": sorted(strikes)})

    def securityDefinitionOptionParameterEnd(self, reqId: int) -> None:
        self._end(reqId)

    def marketRule(self, marketRuleId: int, priceIncrements: list) -> None:
        self._end("market rule", *[[step.lowEdge, step.increment] for step in priceIncrements])

    # What surrounds trading.

    def mktDepthExchanges(self, depthMktDataDescriptions: list) -> None:
        self._end("depth exchanges", *[one.exchange for one in depthMktDataDescriptions])

    def smartComponents(self, reqId: int, smartComponentMap: list) -> None:
        self._end(reqId, *[one.exchange for one in smartComponentMap])

    def newsProviders(self, newsProviders: list) -> None:
        self._end("news providers", *[one.code for one in newsProviders])

    # Prices as they come.

    def tickPrice(self, reqId: int, tickType: int, price: float, attrib: object) -> None:
        self._tick(reqId, tickType, price)

    def tickSize(self, reqId: int, tickType: int, size: object) -> None:
        self._tick(reqId, tickType, size)

    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        self._tick(reqId, tickType, value)

    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        if tickType == TRADES_WITH_VOLUME:
            self._tick(reqId, tickType, float(value.split(";")[0] or "nan"))

    def tickSnapshotEnd(self, reqId: int) -> None:
        self._end(reqId)

    def tickByTickAllLast(
        self, reqId: int, tickType: int, time: int, price: float, size: object, *rest: object
    ) -> None:
        self._streamed("tick_by_tick", reqId, price=price, size=plain(size))

    def tickByTickBidAsk(self, reqId: int, time: int, bidPrice: float, askPrice: float, *rest: object) -> None:
        self._streamed("tick_by_tick", reqId, bidPrice=bidPrice, askPrice=askPrice)

    def tickByTickMidPoint(self, reqId: int, time: int, midPoint: float) -> None:
        self._streamed("tick_by_tick", reqId, midPoint=midPoint)

    def updateMktDepth(self, reqId: int, position: int, *row: object) -> None:
        names = ["operation", "side", "price", "size"]
        self._streamed("depth", reqId, position=position, **dict(zip(names, map(plain, row), strict=True)))

    def updateMktDepthL2(self, reqId: int, position: int, marketMaker: str, *row: object) -> None:
        self.updateMktDepth(reqId, position, *row[:-1])

    def realtimeBar(
        self, reqId: int, time: int, open_: float, high: float, low: float, close: float, volume: object, *rest: object
    ) -> None:
        bar = {"open": open_, "high": high, "low": low, "close": close, "volume": plain(volume)}
        self._streamed("five_seconds", reqId, time_s=time, **bar)

    def _tick(self, reqId: int, number: int, value: object) -> None:
        self._part(reqId, [number, plain(value)])
        if reqId in self.streams:
            self._streamed("tick", reqId, type=number, value=plain(value))

    def _streamed(self, event: str, reqId: int, **what: object) -> None:
        self._told(event, {"conId": self.streams[reqId], **what})

    # The past.

    def historicalData(self, reqId: int, bar: object) -> None:
        self._part(reqId, bar_record(bar))

    def historicalDataEnd(self, reqId: int, start: str, end: str) -> None:
        self._end(reqId)

    def historicalDataUpdate(self, reqId: int, bar: object) -> None:
        self._streamed("bar", reqId, **bar_record(bar))

    def headTimestamp(self, reqId: int, headTimestamp: str) -> None:
        self._end(reqId, int(headTimestamp))

    def historicalTicks(self, reqId: int, ticks: list, done: bool) -> None:
        self._end(reqId, *[record(tick, "price", time_s=tick.time) for tick in ticks])

    def historicalTicksBidAsk(self, reqId: int, ticks: list, done: bool) -> None:
        self._end(reqId, *[record(tick, "priceBid priceAsk", time_s=tick.time) for tick in ticks])

    def historicalTicksLast(self, reqId: int, ticks: list, done: bool) -> None:
        self._end(reqId, *[record(tick, "price size", time_s=tick.time) for tick in ticks])

    def histogramData(self, reqId: int, items: list) -> None:
        self._end(reqId, *[[item.price, plain(item.size if hasattr(item, "size") else item.count)] for item in items])

    # Orders.

    def openOrder(self, orderId: int, contract: object, order: object, orderState: object) -> None:
        told = order_record(contract, order, orderState) | {"orderId": orderId}
        self._told("open", told)
        self._part("open orders", told)
        if order.whatIf:
            fees = getattr(orderState, "commissionAndFees", None) or orderState.commission
            self._end(
                orderId, {**{name: float(getattr(orderState, name)) for name in MARGINS.split()}, "commission": fees}
            )

    def openOrderEnd(self) -> None:
        self._end("open orders")

    def orderStatus(self, orderId: int, *rest: object) -> None:
        self._told("status", {"orderId": orderId, **dict(zip(STATUS.split(), map(plain, rest), strict=False))})

    def completedOrder(self, contract: object, order: object, orderState: object) -> None:
        self._part("completed orders", order_record(contract, order, orderState))

    def completedOrdersEnd(self) -> None:
        self._end("completed orders")

    def execDetails(self, reqId: int, contract: object, execution: object) -> None:
        told = record(execution, EXECUTION, conId=contract.conId)
        self._told("fill", told)
        self._part(reqId, told)

    def execDetailsEnd(self, reqId: int) -> None:
        self._end(reqId)

    def commissionReport(self, commissionReport: object) -> None:
        self._commission(commissionReport, commissionReport.commission)

    def commissionAndFeesReport(self, commissionAndFeesReport: object) -> None:
        self._commission(commissionAndFeesReport, commissionAndFeesReport.commissionAndFees)

    def _commission(self, report: object, amount: float) -> None:
        self.commissions[report.execId] = amount
        self._told("commission", record(report, "execId currency realizedPNL", commission=amount))

    # Accounts.

    def position(self, account: str, contract: object, position: object, avgCost: float) -> None:
        told = {"account": account, "conId": contract.conId, "position": plain(position), "avgCost": avgCost}
        self._told("position", told)
        self._part("positions", told)

    def positionEnd(self) -> None:
        self._end("positions")

    def updateAccountValue(self, key: str, val: str, currency: str, accountName: str) -> None:
        if currency in ("", "USD"):
            self._part("account", [key, val])

    def accountDownloadEnd(self, accountName: str) -> None:
        self._end("account")

    def accountSummary(self, reqId: int, account: str, tag: str, value: str, currency: str) -> None:
        self._part(reqId, [tag, value])

    def accountSummaryEnd(self, reqId: int) -> None:
        self._end(reqId)

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        self._told("pnl", {"unrealized": plain(unrealizedPnL), "realized": plain(realizedPnL)})

    def pnlSingle(
        self, reqId: int, pos: object, dailyPnL: float, unrealizedPnL: float, realizedPnL: float, value: float
    ) -> None:
        profit = {"unrealized": plain(unrealizedPnL), "realized": plain(realizedPnL)}
        self._streamed("pnl_single", reqId, position=plain(pos), value=plain(value), **profit)


def order_record(contract: object, order: object, state: object) -> dict:
    conditions = [condition_record(condition) for condition in order.conditions or []]
    more = {"conId": contract.conId, "symbol": contract.symbol, "status": state.status}
    return record(order, ORDER, **more, conditions=conditions)


def condition_record(condition: object) -> dict:
    number = condition.condType
    return {"type": number, "and": condition.isConjunctionConnection, **record(condition, CONDITIONS[number])}


def bar_record(bar: object) -> dict:
    return record(bar, BAR, time_s=bar.date if len(bar.date) == len("yyyymmdd") else int(bar.date))


def quantity(value: float, like: object) -> object:
    """A size as this version of the client wants it."""
    return Decimal(str(value)) if isinstance(like, Decimal) else value
