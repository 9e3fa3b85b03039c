"""The control port: lines of JSON in, lines of JSON out, for tests and other programs. It listens on loopback only."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Protocol

from rules_engine.gateway.accounts.ledger import Execution
from rules_engine.gateway.faults.commands import COMMANDS, CommandError, Value, arguments_of, call_of
from rules_engine.gateway.faults.plan import FaultPlan, Step
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.times import time_text

LOOPBACK = "127.0.0.1"
LINE_BYTES_MAX = 64 * 1024

Json = Value | list["Json"] | dict[str, "Json"]


class Watched(Protocol):
    """What can be asked of a gateway."""

    @property
    def now_s(self) -> float:
        """The gateway's present."""

    @property
    def connected_clients(self) -> tuple[int, ...]:
        """The numbers of the clients that are connected."""

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order, oldest first."""

    @property
    def executions(self) -> tuple[Execution, ...]:
        """Every fill of today."""


class Control:
    """Answers programs that stage faults in a running gateway."""

    def __init__(self, gateway: Watched, plan: FaultPlan) -> None:
        self._gateway = gateway
        self._plan = plan
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._questions: dict[str, Callable[[], Json]] = {
            "time": self._time,
            "clients": lambda: list(gateway.connected_clients),
            "orders": lambda: [_order(order) for order in gateway.orders],
            "executions": lambda: [_execution(one) for one in gateway.executions],
            "commands": lambda: {name: [*arguments_of(name)] for name in COMMANDS},
        }

    async def start(self, port: int) -> int:
        """Listen on a port of loopback, 0 for any; returns which."""
        self._server = await asyncio.start_server(self._talk, LOOPBACK, port, limit=LINE_BYTES_MAX, start_serving=False)
        await self._server.start_serving()
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.close()
            await self._server.wait_closed()

    def answer(self, line: bytes) -> dict[str, Json]:
        """The answer to one line. Raises ValueError for what is no JSON object."""
        try:
            asked = json.loads(line)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if not isinstance(asked, dict):
            raise ValueError("not a JSON object")
        try:
            return {"ok": True, **self._answered(asked)}
        except CommandError as error:
            return {"ok": False, "error": str(error)}

    def _answered(self, asked: Mapping[str, Value]) -> dict[str, Json]:
        if "ask" in asked and not isinstance(asked["ask"], int | float):  # A quote has an ask, too.
            question = self._questions.get(str(asked["ask"]))
            if question is None or len(asked) > 1:
                raise CommandError(f"'ask' is one of {', '.join(self._questions)}, and stands alone")
            return {"answer": question()}
        if "do" not in asked:
            raise CommandError("a line has 'do', a command, or 'ask', a question")
        arguments = {key: value for key, value in asked.items() if key not in ("do", "for_s")}
        self._plan.carry_out(Step(call_of(str(asked["do"]), arguments), for_s=_for_s(asked)))
        return {}

    def _time(self) -> Json:
        return {"time": time_text(self._gateway.now_s), "time_s": self._gateway.now_s}

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        except ValueError as error:
            # What does not speak JSON is not for us; a web page that is made to talk to this port gets no second line.
            writer.write(json.dumps({"ok": False, "error": f"not understood: {error}"}).encode() + b"\n")
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


def _for_s(asked: Mapping[str, Value]) -> float | None:
    for_s = asked.get("for_s")
    if for_s is None:
        return None
    if isinstance(for_s, bool) or not isinstance(for_s, int | float) or not for_s > 0:
        raise CommandError(f"for_s: {for_s!r} is not a number of seconds above zero")
    return float(for_s)


def _order(order: Order) -> Json:
    return {
        "clientId": order.clientId,
        "orderId": order.orderId,
        "permId": order.permId,
        "orderRef": order.orderRef,
        "symbol": order.contract.symbol,
        "action": order.form.action,
        "quantity": order.form.totalQuantity,
        "type": order.form.orderType,
        "status": str(order.status),
        "filled": order.filled,
        "price": order.avgFillPrice,
    }


def _execution(one: Execution) -> Json:
    return {
        "execId": one.execId,
        "clientId": one.clientId,
        "orderId": one.orderId,
        "permId": one.permId,
        "orderRef": one.orderRef,
        "account": one.account,
        "symbol": one.contract.symbol,
        "side": one.side,
        "shares": one.shares,
        "price": one.price,
        "time_s": one.time_s,
    }
