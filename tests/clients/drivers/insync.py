"""Drives ib_insync or ib_async, whichever is named on the command line, through the calls that their users make."""

import asyncio
import importlib
import json
import logging
import sys
from collections.abc import Iterable

from lines import (
    BAR,
    CONDITIONS,
    CONTRACT,
    DEADLINE_S,
    DETAILS,
    EXECUTION,
    MARGINS,
    NUMBER_IN_USE,
    ORDER,
    STATUS,
    Teller,
    Told,
    framed,
    plain,
    record,
)

library = importlib.import_module(sys.argv[1])


class Session:
    """One connection: a new IB object, as every connection should have."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._ib = library.IB()
        self._ib.openOrderEvent += lambda trade: told("open", order_record(trade))
        self._ib.orderStatusEvent += self._status
        self._ib.execDetailsEvent += lambda trade, fill: told("fill", execution_record(fill))
        self._ib.commissionReportEvent += lambda trade, fill, report: told("commission", commission_record(report))
        self._ib.errorEvent += lambda reqId, code, text, contract: told(
            "error", {"id": reqId, "code": code, "text": text}
        )
        self._ib.pendingTickersEvent += self._tickers
        self._ib.positionEvent += lambda position: told("position", position_record(position))
        self._ib.pnlEvent += lambda pnl: told("pnl", profit_record(pnl))
        self._ib.pnlSingleEvent += lambda pnl: told(
            "pnl_single",
            {"conId": pnl.conId, "position": pnl.position, "value": plain(pnl.value), **profit_record(pnl)},
        )
        self._ib.disconnectedEvent += lambda: told("closed", {})

    async def connect(self, port: int, clientId: int) -> object:
        connecting = asyncio.ensure_future(
            self._ib.connectAsync("127.0.0.1", port, clientId=clientId, timeout=DEADLINE_S)
        )

        def heard(reqId: int, code: int, *rest: object) -> None:
            if code == NUMBER_IN_USE:
                connecting.cancel()  # It would wait until the deadline.

        self._ib.errorEvent += heard
        await asyncio.wait({connecting})
        if connecting.cancelled():
            raise ConnectionRefusedError("not let in")
        connecting.result()
        client = self._ib.client
        return {"version": client.serverVersion(), "accounts": self._ib.managedAccounts(), "nextId": client.getReqId()}

    async def disconnect(self) -> None:
        self._ib.disconnect()

    async def send(self, fields: list[str]) -> None:
        self._ib.client.conn.sendMsg(framed(fields))

    async def time(self) -> int:
        return int((await self._ib.reqCurrentTimeAsync()).timestamp())

    # Contracts.

    async def details(self, contract: dict) -> list:
        found = await self._ib.reqContractDetailsAsync(contract_made(contract))
        return [record(one.contract, CONTRACT) | record(one, DETAILS) for one in found]

    async def symbols(self, pattern: str) -> list:
        return [one.contract.symbol for one in await self._ib.reqMatchingSymbolsAsync(pattern)]

    async def chain(self, symbol: str, secType: str, conId: int) -> list:
        chains = await self._ib.reqSecDefOptParamsAsync(symbol, "", secType, conId)
        return [
            {"exchange": one.exchange, "expirations": sorted(one.expirations), "strikes": sorted(one.strikes)}
            for one in chains
        ]

    async def market_rule(self, number: int) -> list:
        return [[step.lowEdge, step.increment] for step in await self._ib.reqMarketRuleAsync(number)]

    # What surrounds trading.

    async def depth_exchanges(self) -> list:
        return [one.exchange for one in await self._ib.reqMktDepthExchangesAsync()]

    async def smart_components(self, exchange: str) -> list:
        return [one.exchange for one in await self._ib.reqSmartComponentsAsync(exchange)]

    async def news_providers(self) -> list:
        return [one.code for one in await self._ib.reqNewsProvidersAsync()]

    async def scan(self, code: str) -> list:
        wanted = library.ScannerSubscription(instrument="STK", locationCode="STK.US", scanCode=code)
        return [one.rank for one in await self._ib.reqScannerDataAsync(wanted)]

    # Prices as they come.

    async def data_type(self, number: int) -> None:
        self._ib.reqMarketDataType(number)

    async def stream(self, contract: dict, generic: str = "") -> None:
        self._ib.reqMktData(contract_made(contract), generic)

    async def unstream(self, contract: dict) -> None:
        self._ib.cancelMktData(self._subscribed(contract))

    async def snapshot(self, contract: dict) -> dict:
        (ticker,) = await self._ib.reqTickersAsync(contract_made(contract))
        return record(ticker, "bid ask last close")

    async def tick_by_tick(self, contract: dict, kind: str) -> None:
        self._ib.reqTickByTickData(contract_made(contract), kind)

    async def depth(self, contract: dict, rows: int, smart: bool) -> None:
        self._ib.reqMktDepth(contract_made(contract), rows, smart)

    async def five_seconds(self, contract: dict, what: str) -> None:
        bars = self._ib.reqRealTimeBars(contract_made(contract), 5, what, False)
        bars.updateEvent += lambda bars, new: self._told(
            "five_seconds",
            {
                "conId": contract["conId"],
                "time_s": int(bars[-1].time.timestamp()),
                "open": bars[-1].open_,
                **record(bars[-1], "high low close volume"),
            },
        )

    # The past.

    async def history(
        self, contract: dict, duration: str, size: str, what: str, rth: bool = False, keep: bool = False
    ) -> list:
        bars = await self._ib.reqHistoricalDataAsync(
            contract_made(contract), "", duration, size, what, rth, formatDate=2, keepUpToDate=keep
        )
        bars.updateEvent += lambda bars, new: self._told("bar", {"conId": contract["conId"], **bar_record(bars[-1])})
        return [bar_record(bar) for bar in bars]

    async def head(self, contract: dict, what: str) -> int:
        return int((await self._ib.reqHeadTimeStampAsync(contract_made(contract), what, False, 2)).timestamp())

    async def ticks(self, contract: dict, start: str, end: str, count: int, what: str) -> list:
        found = await self._ib.reqHistoricalTicksAsync(contract_made(contract), start, end, count, what, False)
        names = {"TRADES": "price size", "BID_ASK": "priceBid priceAsk", "MIDPOINT": "price"}[what]
        return [record(tick, names, time_s=int(tick.time.timestamp())) for tick in found]

    async def histogram(self, contract: dict, period: str) -> list:
        items = await self._ib.reqHistogramDataAsync(contract_made(contract), False, period)
        return [[item.price, item.count] for item in items]

    # Orders.

    async def place(self, contract: dict, order: dict) -> int:
        return self._ib.placeOrder(contract_made(contract), order_made(order)).order.orderId

    async def what_if(self, contract: dict, order: dict) -> dict:
        state = await self._ib.whatIfOrderAsync(contract_made(contract), order_made(order))
        return {
            **{name: float(getattr(state, name)) for name in MARGINS.split()},
            "commission": plain(state.commission),
        }

    async def cancel(self, orderId: int) -> None:
        self._ib.cancelOrder(library.Order(orderId=orderId))

    async def cancel_all(self) -> None:
        self._ib.reqGlobalCancel()

    async def open_orders(self) -> list:
        return [order_record(trade) for trade in await self._ib.reqOpenOrdersAsync()]

    async def all_open_orders(self) -> list:
        return [order_record(trade) for trade in await self._ib.reqAllOpenOrdersAsync()]

    async def bind(self, bound: bool) -> None:
        self._ib.reqAutoOpenOrders(bound)

    async def completed_orders(self) -> list:
        return [order_record(trade) for trade in await self._ib.reqCompletedOrdersAsync(False)]

    async def executions(self, **wanted: object) -> list:
        fills = await self._ib.reqExecutionsAsync(library.ExecutionFilter(**wanted))
        return [execution_record(fill) | {"commission": fill.commissionReport.commission} for fill in fills]

    # Accounts.

    async def positions(self) -> list:
        return [position_record(position) for position in await self._ib.reqPositionsAsync()]

    async def account(self, account: str) -> dict:
        await self._ib.reqAccountUpdatesAsync(account)
        return {value.tag: value.value for value in self._ib.accountValues(account) if value.currency in ("", "USD")}

    async def summary(self, tags: list[str]) -> dict:
        values = await self._ib.accountSummaryAsync()
        return {value.tag: value.value for value in values if value.tag in tags}

    async def pnl(self, account: str) -> None:
        self._ib.reqPnL(account)

    async def pnl_single(self, account: str, conId: int) -> None:
        self._ib.reqPnLSingle(account, "", conId)

    # What the library tells.

    def _status(self, trade: object) -> None:
        self._told("status", record(trade.orderStatus, STATUS, orderId=trade.order.orderId))

    def _tickers(self, tickers: Iterable) -> None:
        for ticker in tickers:
            conId = ticker.contract.conId
            for tick in ticker.ticks:
                price_like = tick.tickType not in (0, 3, 5, 8, 69, 70, 71, 74)
                self._told(
                    "tick", {"conId": conId, "type": tick.tickType, "value": tick.price if price_like else tick.size}
                )
            for tick in ticker.tickByTicks:
                self._told("tick_by_tick", {"conId": conId, **single_tick_record(tick)})
            for row in ticker.domTicks:
                self._told("depth", record(row, "position operation side price size", conId=conId))

    def _subscribed(self, contract: dict) -> object:
        return next(one.contract for one in self._ib.tickers() if one.contract.conId == contract["conId"])


def contract_made(fields: dict) -> object:
    return library.Contract(**fields)


def order_made(fields: dict) -> object:
    fields = dict(fields)
    conditions = [condition_made(condition) for condition in fields.pop("conditions", [])]
    return library.Order(**fields, conditions=conditions)


def condition_made(fields: dict) -> object:
    condition = library.OrderCondition.createClass(fields["type"])(conjunction="a" if fields["and"] else "o")
    for name in CONDITIONS[fields["type"]].split():
        setattr(condition, own_name(condition, name), fields[name])
    return condition


def condition_record(condition: object) -> dict:
    number = condition.condType
    fields = {name: getattr(condition, own_name(condition, name)) for name in CONDITIONS[number].split()}
    return {"type": number, "and": condition.conjunction == "a", **fields}


def own_name(condition: object, name: str) -> str:
    return "exch" if name == "exchange" and hasattr(condition, "exch") else name


def order_record(trade: object) -> dict:
    return record(
        trade.order,
        ORDER,
        conId=trade.contract.conId,
        symbol=trade.contract.symbol,
        status=trade.orderStatus.status,
        conditions=[condition_record(condition) for condition in trade.order.conditions],
    )


def execution_record(fill: object) -> dict:
    return record(fill.execution, EXECUTION, conId=fill.contract.conId)


def commission_record(report: object) -> dict:
    return record(report, "execId commission currency realizedPNL")


def position_record(position: object) -> dict:
    return {
        "account": position.account,
        "conId": position.contract.conId,
        "position": position.position,
        "avgCost": position.avgCost,
    }


def profit_record(pnl: object) -> dict:
    return {"unrealized": plain(pnl.unrealizedPnL), "realized": plain(pnl.realizedPnL)}


def bar_record(bar: object) -> dict:
    when = int(bar.date.timestamp()) if hasattr(bar.date, "timestamp") else f"{bar.date:%Y%m%d}"
    return record(bar, BAR, time_s=when)


def single_tick_record(tick: object) -> dict:
    names = {"TickByTickAllLast": "price size", "TickByTickBidAsk": "bidPrice askPrice"}
    return record(tick, names.get(type(tick).__name__, "midPoint"))


async def main() -> None:
    """Answers line after line; the end of the input is the end of the driver."""
    logging.disable()
    teller = Teller()
    sessions: dict[str, Session] = {}
    reader = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        request = json.loads(line)
        name = request["session"]
        if name not in sessions:
            sessions[name] = Session(lambda event, what, name=name: teller.event(name, event, what))
        try:
            verb = getattr(sessions[name], request["verb"])
            teller.reply(await asyncio.wait_for(verb(**request["args"]), DEADLINE_S))
        except Exception as error:
            teller.failure(error)
    for session in sessions.values():
        await session.disconnect()


asyncio.run(main())
