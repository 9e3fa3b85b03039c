"""Drives IB's own `ibapi`, the old one and the new, one thread a connection as its users do."""

import itertools
import json
import sys
import threading
from collections.abc import Callable

from ears import Answer, Ears, quantity
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_condition import Create
from ibapi.scanner import ScannerSubscription
from lines import DEADLINE_S, Teller, Told, framed

try:
    from ibapi.order_cancel import OrderCancel
except ImportError:
    OrderCancel = None  # Cancels had no fields of their own before 10.25.


class Session:
    """One connection: a client, its ears and the thread that runs it."""

    def __init__(self, told: Told) -> None:
        self._ears = Ears(told)
        self._client = EClient(self._ears)
        self._numbers = itertools.count(900_000)
        self._nextId = 0

    def connect(self, port: int, clientId: int) -> object:
        accounts, nextId = self._ears.expect("accounts", "next id")
        self._client.connect("127.0.0.1", port, clientId)
        threading.Thread(target=self._client.run, daemon=True).start()
        version = self._client.serverVersion()
        if not (found := result(nextId)):
            raise ConnectionRefusedError("not let in")
        (self._nextId,) = found
        return {"version": version, "accounts": result(accounts)[0], "nextId": self._nextId}

    def disconnect(self) -> None:
        self._client.disconnect()

    def send(self, fields: list[str]) -> None:
        self._client.conn.sendMsg(framed(fields))

    def time(self) -> int:
        return self._whole("time", self._client.reqCurrentTime)[0]

    # Contracts.

    def details(self, contract: dict) -> list:
        return self._asked(self._client.reqContractDetails, contract_made(contract))

    def symbols(self, pattern: str) -> list:
        return self._asked(self._client.reqMatchingSymbols, pattern)

    def chain(self, symbol: str, secType: str, conId: int) -> list:
        return self._asked(self._client.reqSecDefOptParams, symbol, "", secType, conId)

    def market_rule(self, number: int) -> list:
        return self._whole("market rule", lambda: self._client.reqMarketRule(number))

    # What surrounds trading.

    def depth_exchanges(self) -> list:
        return self._whole("depth exchanges", self._client.reqMktDepthExchanges)

    def smart_components(self, exchange: str) -> list:
        return self._asked(self._client.reqSmartComponents, exchange)

    def news_providers(self) -> list:
        return self._whole("news providers", self._client.reqNewsProviders)

    def scan(self, code: str) -> list:
        wanted = made(ScannerSubscription(), {"instrument": "STK", "locationCode": "STK.US", "scanCode": code})
        return self._asked(self._client.reqScannerSubscription, wanted, [], [])

    # Prices as they come.

    def data_type(self, number: int) -> None:
        self._client.reqMarketDataType(number)

    def stream(self, contract: dict, generic: str = "") -> None:
        self._streamed(contract, self._client.reqMktData, generic, False, False, [])

    def unstream(self, contract: dict) -> None:
        self._client.cancelMktData(
            next(reqId for reqId, conId in self._ears.streams.items() if conId == contract["conId"])
        )

    def snapshot(self, contract: dict) -> dict:
        ticks = self._asked(self._client.reqMktData, contract_made(contract), "", True, False, [])
        names = {1: "bid", 2: "ask", 4: "last", 9: "close"}
        return dict.fromkeys(names.values()) | {names[number]: value for number, value in ticks if number in names}

    def tick_by_tick(self, contract: dict, kind: str) -> None:
        self._streamed(contract, self._client.reqTickByTickData, kind, 0, False)

    def depth(self, contract: dict, rows: int, smart: bool) -> None:
        self._streamed(contract, self._client.reqMktDepth, rows, smart, [])

    def five_seconds(self, contract: dict, what: str) -> None:
        self._streamed(contract, self._client.reqRealTimeBars, 5, what, False, [])

    # The past.

    def history(
        self, contract: dict, duration: str, size: str, what: str, rth: bool = False, keep: bool = False
    ) -> list:
        number = next(self._numbers)
        self._ears.streams[number] = contract.get("conId", 0)
        request = (number, contract_made(contract), "", duration, size, what, int(rth), 2, keep, [])
        return self._whole(number, lambda: self._client.reqHistoricalData(*request))

    def head(self, contract: dict, what: str) -> int:
        return self._asked(self._client.reqHeadTimeStamp, contract_made(contract), what, 0, 2)[0]

    def ticks(self, contract: dict, start: str, end: str, count: int, what: str) -> list:
        return self._asked(
            self._client.reqHistoricalTicks, contract_made(contract), start, end, count, what, 0, False, []
        )

    def histogram(self, contract: dict, period: str) -> list:
        return self._asked(self._client.reqHistogramData, contract_made(contract), False, period)

    # Orders.

    def place(self, contract: dict, order: dict) -> int:
        orderId = order.get("orderId") or self._take_id()
        self._client.placeOrder(orderId, contract_made(contract), order_made(order))
        return orderId

    def what_if(self, contract: dict, order: dict) -> dict:
        orderId = self._take_id()
        made = order_made(order | {"whatIf": True})
        (told,) = self._whole(orderId, lambda: self._client.placeOrder(orderId, contract_made(contract), made))
        return told

    def cancel(self, orderId: int) -> None:
        self._client.cancelOrder(orderId, *cancel_fields())

    def cancel_all(self) -> None:
        self._client.reqGlobalCancel(*cancel_fields())

    def open_orders(self) -> list:
        return self._whole("open orders", self._client.reqOpenOrders)

    def all_open_orders(self) -> list:
        return self._whole("open orders", self._client.reqAllOpenOrders)

    def bind(self, bound: bool) -> None:
        self._client.reqAutoOpenOrders(bound)

    def completed_orders(self) -> list:
        return self._whole("completed orders", lambda: self._client.reqCompletedOrders(False))

    def executions(self, **wanted: object) -> list:
        fills = self._asked(self._client.reqExecutions, made(ExecutionFilter(), wanted))
        return [fill | {"commission": self._ears.commissions[fill["execId"]]} for fill in fills]

    # Accounts.

    def positions(self) -> list:
        return self._whole("positions", self._client.reqPositions)

    def account(self, account: str) -> dict:
        return dict(self._whole("account", lambda: self._client.reqAccountUpdates(True, account)))

    def summary(self, tags: list[str]) -> dict:
        return dict(self._asked(self._client.reqAccountSummary, "All", ",".join(tags)))

    def pnl(self, account: str) -> None:
        self._client.reqPnL(next(self._numbers), account, "")

    def pnl_single(self, account: str, conId: int) -> None:
        number = next(self._numbers)
        self._ears.streams[number] = conId
        self._client.reqPnLSingle(number, account, "", conId)

    # How answers are waited for.

    def _asked(self, ask: Callable, *arguments: object) -> list:
        number = next(self._numbers)
        return self._whole(number, lambda: ask(number, *arguments))

    def _whole(self, key: object, ask: Callable[[], object]) -> list:
        (answer,) = self._ears.expect(key)
        ask()
        return result(answer)

    def _streamed(self, contract: dict, ask: Callable, *arguments: object) -> None:
        number = next(self._numbers)
        self._ears.streams[number] = contract["conId"]
        ask(number, contract_made(contract), *arguments)

    def _take_id(self) -> int:
        self._nextId += 1
        return self._nextId - 1


def result(answer: Answer) -> list:
    if not answer.complete.wait(DEADLINE_S):
        raise TimeoutError("no answer")
    return answer.parts


def contract_made(fields: dict) -> Contract:
    return made(Contract(), fields)


def order_made(fields: dict) -> Order:
    order = Order()
    # The old client sets both, and TWS refuses an order that has them.
    order.eTradeOnly = order.firmQuoteOnly = False
    made(order, fields)
    order.totalQuantity = quantity(fields["totalQuantity"], Order().totalQuantity)
    order.conditions = [condition_made(condition) for condition in fields.get("conditions", [])]
    return order


def condition_made(fields: dict) -> object:
    condition = Create(fields["type"])
    condition.isConjunctionConnection = fields["and"]
    return made(condition, {name: value for name, value in fields.items() if name not in ("type", "and")})


def made(thing: object, fields: dict) -> object:
    for name, value in fields.items():
        setattr(thing, name, value)
    return thing


def cancel_fields() -> tuple:
    return () if OrderCancel is None else (OrderCancel(),)


def main() -> None:
    """Answers line after line; the end of the input is the end of the driver."""
    teller = Teller()
    sessions: dict[str, Session] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["session"]
        if name not in sessions:
            sessions[name] = Session(lambda event, what, name=name: teller.event(name, event, what))
        try:
            teller.reply(getattr(sessions[name], request["verb"])(**request["args"]))
        except Exception as error:
            teller.failure(error)


main()
