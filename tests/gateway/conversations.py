"""A small text language for what clients say to the gateway about orders, and what they hear.

    1> place 5 BUY 10 V LMT lmtPrice=195 tif=DAY     client 1 sends a request
    1< openOrder 5 Submitted                         and hears this, and nothing else
    ! push V 195                                     something happens at the gateway

A line that does something is followed by all that anybody hears because of it, client by client. An answer may be
written up to its colon; what follows the colon is then left open.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules_engine.gateway import Gateway
from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages import order_messages as orders
from rules_engine.gateway.messages.form import read_reply, request_fields
from rules_engine.gateway.messages.link import Error, NextValidId
from rules_engine.gateway.messages.order_form import Condition, OrderForm, PriceCondition, TimeCondition
from tests.gateway.conftest import Dial, Wire

VERSION = 176
_CURRENT_TIME = "49"
_V = 49462172

_REPLIES: dict[str, type] = {
    "3": orders.OrderStatus,
    "4": Error,
    "5": orders.OpenOrder,
    "9": NextValidId,
    "11": orders.ExecDetails,
    "53": orders.OpenOrderEnd,
    "55": orders.ExecDetailsEnd,
    "59": orders.CommissionReport,
    "100": orders.OrderBound,
    "101": orders.CompletedOrder,
    "102": orders.CompletedOrdersEnd,
}
_CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "V>=250": (PriceCondition("a", True, 250.0, _V, "SMART", 2),),
    "nobody": (PriceCondition("a", True, 250.0, 0, "SMART", 2),),
    "unlisted": (PriceCondition("a", True, 250.0, 4711, "SMART", 2),),
    "noon": (TimeCondition("a", True, "noon"),),
}


@dataclass
class Exchange:
    """One line that does something, and what is heard because of it."""

    line: int
    does: str
    heard: list[str] = field(default_factory=list)


@dataclass
class Conversation:
    """A named sequence of exchanges between the gateway and its clients."""

    name: str
    market_closed: bool = False
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def clients(self) -> list[int]:
        """The numbers of everybody who speaks or hears."""
        texts = [text for one in self.exchanges for text in (one.does, *one.heard) if text[0].isdigit()]
        return sorted({int(text[: text.index(" ") - 1]) for text in texts})


def read(path: Path) -> list[Conversation]:
    """The conversations of a file; each begins with a line `case: NAME`."""
    found: list[Conversation] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("case: "):
            found.append(Conversation(text.removeprefix("case: ")))
        elif text == "the market is closed":
            found[-1].market_closed = True
        elif text.split(" ")[0].endswith("<"):
            found[-1].exchanges[-1].heard.append(text)
        else:
            found[-1].exchanges.append(Exchange(number, text))
    return found


async def play(conversation: Conversation, gateway: Gateway, dial: Dial) -> list[list[str]]:
    """What is really heard in each exchange."""
    wires = {client: await dial.greeted(gateway, VERSION, client) for client in conversation.clients}
    heard = []
    for exchange in conversation.exchanges:
        does = exchange.does.split()
        if does[0] == "!":
            _happen(gateway, does[1], does[2:])
        else:
            speaker = wires[int(does[0].removesuffix(">"))]
            speaker.send(*_request(does[1], does[2:]))
            said = await _answers(speaker)
            heard.append(await _all_answers(wires, speaker, said))
            continue
        heard.append(await _all_answers(wires, None, []))
    return heard


async def _all_answers(wires: dict[int, Wire], speaker: Wire | None, said: list[str]) -> list[str]:
    """The speaker's answers were read already: when they are there, what others hear is there too."""
    texts = []
    for client, wire in wires.items():
        answers = said if wire is speaker else await _answers(wire)
        texts += [f"{client}< {text}" for text in answers]
    return texts


async def _answers(wire: Wire) -> list[str]:
    """Everything up to the answer to a question asked now."""
    wire.send(49, 1)
    texts = []
    while (fields := await wire.read())[0] != _CURRENT_TIME:
        if fields[0] in _REPLIES:
            texts.append(spelled(read_reply(_REPLIES[fields[0]], fields, VERSION)))
    return texts


def matches(expected: str, heard: str) -> bool:
    """Whether an answer is the one that was written down, up to a colon or whole."""
    return heard == expected or (":" not in expected and heard.partition(":")[0] == expected)


def spelled(message: Any) -> str:
    """A reply as the conversations write it."""
    match message:
        case orders.OrderStatus():
            held = f" held={message.whyHeld}" if message.whyHeld else ""
            client = f"{message.clientId}/{message.orderId}"
            return f"orderStatus {client} {message.status} {message.filled:g}+{message.remaining:g}{held}"
        case orders.OpenOrder() if message.order.whatIf:
            margins = f"{message.initMarginChange} {message.maintMarginChange}"
            return f"openOrder {message.clientId}/{message.orderId} what-if {margins}"
        case orders.OpenOrder():
            form = message.order
            price = "" if form.lmtPrice is None else f"@{form.lmtPrice:g}"
            said = f"{form.totalQuantity:g}{price} {form.tif}"
            return f"openOrder {message.clientId}/{message.orderId} {message.status} {said}"
        case orders.ExecDetails():
            last = message.execId[-2:]
            side = f"{message.side} {message.shares:g}@{message.price:g}"
            return f"execDetails {message.reqId} {message.clientId}/{message.orderId} {side} .{last}"
        case orders.CommissionReport():
            return f"commissionReport .{message.execId[-2:]} {message.commission:g}"
        case orders.CompletedOrder():
            return f"completedOrder {message.status} {message.filledQuantity:g}"
        case orders.OrderBound():
            return f"orderBound {message.clientId}/{message.orderId}"
        case orders.ExecDetailsEnd():
            return f"execDetailsEnd {message.reqId}"
        case NextValidId():
            return f"nextValidId {message.orderId}"
        case Error():
            text = message.text.replace("\n", " ")
            return f"error {message.reqId} {message.code}: {text}"
        case _:
            name = type(message).__name__
            return name[0].lower() + name[1:]


def _request(verb: str, words: list[str]) -> list[object]:
    match verb:
        case "place":
            return list(request_fields(3, _order(words), VERSION))
        case "cancel":
            return [4, 1, words[0], ""]
        case "reqOpenOrders":
            return [5, 1]
        case "reqAllOpenOrders":
            return [16, 1]
        case "reqAutoOpenOrders":
            return [15, 1, words[0]]
        case "reqGlobalCancel":
            return [58, 1]
        case "reqIds":
            return [8, 1, 1]
        case "reqCompletedOrders":
            return [99, words[0]]
        case "reqExecutions":
            named = dict(word.split("=") for word in words[1:])
            filters = [named.get(name, "") for name in ("account", "time", "symbol", "secType", "exchange", "side")]
            return [7, 3, words[0], named.get("client", 0), *filters]
    raise ValueError(f"nobody can say {verb!r}")


def _order(words: list[str]) -> orders.PlaceOrder:
    """`ID ACTION SIZE SYMBOL TYPE NAME=VALUE...` as a request."""
    orderId, action, size, symbol, kind, *more = words
    values: dict[str, Any] = {}
    for name, text in (word.split("=", 1) for word in more):
        values[name] = _CONDITIONS[text] if name == "conditions" else _value(name, text)
    contract = Contract(symbol=symbol, secType="STK", exchange="SMART", currency="USD")
    form = OrderForm(action, float(size), kind.replace("_", " "), **values)
    return orders.PlaceOrder(int(orderId), contract, "", "", form)


def _value(name: str, text: str) -> object:
    """What a field of an order holds, told by its default."""
    default = getattr(OrderForm(), name)
    if isinstance(default, bool):
        return text == "1"
    if isinstance(default, str):
        return text.replace("_", " ")
    return int(text) if text.isdigit() else float(text)


def _happen(gateway: Gateway, command: str, words: list[str]) -> None:
    """Call a method of the gateway; `last` is the latest order's permanent number or the latest fill's id."""
    last = gateway.executions[-1].execId if command == "correct" else gateway.orders[-1].permId if gateway.orders else 0
    arguments = [last if word == "last" else _number(word) for word in words]
    getattr(gateway, command)(*arguments)


def _number(word: str) -> object:
    try:
        return float(word)
    except ValueError:
        return {"yes": True, "no": False, "none": None}.get(word, word)
