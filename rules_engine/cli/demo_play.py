"""The demo's acts, in order: each waits until what it promises really happened."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from rules_engine.cli.demo_stage import ADDED_RULE, DemoFailed, Stage
from rules_engine.gateway import Order
from rules_engine.model.json_value import Json
from rules_engine.notifying.receiver import Received

_SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """Something that happened, with the evidence for it."""

    event: str
    text: str
    details: Mapping[str, Json] = field(default_factory=dict)


Tell = Callable[[DemoEvent], None]
Act = Callable[[Stage, Tell], Awaitable[None]]


async def play(scene: Stage, tell: Tell) -> None:
    """All acts; raises DemoFailed at the first thing that did not happen."""
    for act in (_connect, _held_order_buys, _window_rule_sells, _edit_while_running, _killed_while_waiting):
        await act(scene, tell)


async def _connect(scene: Stage, tell: Tell) -> None:
    scene.gateway.push("V", 197.2)
    scene.gateway.push("MA", 400.0)
    scene.gateway.push_quote("MA", 399.98, 400.02)
    await scene.start_engine()
    status = await scene.until_status(lambda status: status["link"] == "up", "connecting")
    tell(DemoEvent("connected", "the engine is connected to the simulated gateway", {"account": status["account"]}))


async def _held_order_buys(scene: Stage, tell: Tell) -> None:
    await _quiet_prints(scene, 197.2, 197.3)
    await _placed(scene, tell, quantity=100, level=200)
    await scene.move("V", 197.9, 198.6, 199.3, 199.8, 200.1)
    await _bought(scene, tell, quantity=100)
    await _notified(scene, tell, "ma-when-v-hits-200", "bought 100 MA")


async def _window_rule_sells(scene: Stage, tell: Tell) -> None:
    await scene.until_status(lambda status: _state(status, "ma-follows-v-down") == "armed", "filling the window")
    await scene.move("V", 198.5, 196.4, 194.2, 192.3, 190.0)
    await scene.until(lambda: scene.order_of(action="SELL", quantity=100) is not None, "the sale")
    if _order(scene, "SELL", 100).form.conditions:
        raise DemoFailed("the sale was left to the broker")
    tell(DemoEvent("fired", "V fell 5% inside five minutes: the rule fired here", {"rule": "ma-follows-v-down"}))
    await _filled(scene, tell, action="SELL", quantity=100)
    await _notified(scene, tell, "ma-follows-v-down", "sold 100 MA")


async def _edit_while_running(scene: Stage, tell: Tell) -> None:
    scene.rules_file.write_text(scene.rules_file.read_text() + ADDED_RULE)
    status = await scene.until_status(lambda status: bool(_changes(status)), "reloading the edited file")
    tell(DemoEvent("reloaded", "the rule file was edited", {"changes": _changes(status)}))
    await _quiet_prints(scene, 190.2, 190.1)
    await _placed(scene, tell, quantity=50, level=195)


async def _killed_while_waiting(scene: Stage, tell: Tell) -> None:
    await scene.end_engine(signal.SIGKILL)
    tell(DemoEvent("killed", "the engine was killed with SIGKILL; its order waits at the broker"))
    await scene.move("V", 191.5, 193.0, 194.4, 195.2)
    await _bought(scene, tell, quantity=50)
    await scene.start_engine()
    await scene.until_status(lambda status: status["link"] == "up", "restarting")
    tell(DemoEvent("restarted", "the engine is back"))
    await scene.until(lambda: _messages(scene, "ma-when-v-recovers", "bought 50 MA") > 0, "the news of the missed fill")
    await asyncio.sleep(_SETTLE_S)
    if (count := _messages(scene, "ma-when-v-recovers", "bought 50 MA")) != 1:
        raise DemoFailed(f"the missed fill was told {count} times")
    orders = [order for order in scene.gateway.orders if order.form.totalQuantity == 50]
    if len(orders) != 1:
        raise DemoFailed(f"the rule has {len(orders)} orders at the broker")
    tell(DemoEvent("recovered", "it found the fill that it had missed, and told it once", {"messages": count}))
    await scene.end_engine(signal.SIGTERM)


async def _placed(scene: Stage, tell: Tell, *, quantity: int, level: float) -> None:
    def held() -> bool:
        order = scene.order_of(action="BUY", quantity=quantity)
        return order is not None and bool(order.form.conditions) and order.status == "PreSubmitted"

    await scene.until(held, f"an order held at the broker for V above {level:g}")
    order = _order(scene, "BUY", quantity)
    text = f"the broker holds: buy {quantity} MA when V >= {level:g}"
    tell(DemoEvent("placed", text, {"orderRef": order.form.orderRef, "status": str(order.status)}))


async def _bought(scene: Stage, tell: Tell, *, quantity: int) -> None:
    await scene.until(lambda: _order(scene, "BUY", quantity).elected, "IB triggering the order")
    tell(DemoEvent("triggered", "V is there: IB released the order", {"V": scene_price(scene, "V")}))
    await _filled(scene, tell, action="BUY", quantity=quantity)


async def _filled(scene: Stage, tell: Tell, *, action: str, quantity: int) -> None:
    await scene.until(lambda: _order(scene, action, quantity).status == "Filled", f"the fill of {action} {quantity} MA")
    price = _order(scene, action, quantity).avgFillPrice
    word = "bought" if action == "BUY" else "sold"
    tell(DemoEvent("filled", f"{word} {quantity} MA at {price:.2f}", {"price": price, "quantity": quantity}))


async def _notified(scene: Stage, tell: Tell, rule: str, words: str) -> None:
    await scene.until(lambda: _messages(scene, rule, words) > 0, f"the message about {rule}")
    message = next(message for message in scene.received if _is_about(message, rule, words))
    tell(DemoEvent("notified", f"message: {message.text.splitlines()[0]}", {"message": message.text}))


async def _quiet_prints(scene: Stage, *prices: float) -> None:
    await scene.move("V", *prices)


def scene_price(scene: Stage, symbol: str) -> float:
    """The last print of a symbol on the demo's market."""
    listing = scene.gateway.market.catalogue.named(symbol)
    assert listing is not None
    return scene.gateway.market.quote(listing.conId).last or 0.0


def _order(scene: Stage, action: str, quantity: int) -> Order:
    order = scene.order_of(action=action, quantity=quantity)
    if order is None:
        raise DemoFailed(f"the order {action} {quantity} MA is gone")
    return order


def _messages(scene: Stage, rule: str, words: str) -> int:
    return sum(_is_about(message, rule, words) for message in scene.received)


def _is_about(message: Received, rule: str, words: str) -> bool:
    return rule in message.text and words in message.text


def _state(status: Mapping[str, Json], rule: str) -> Json:
    rules = status["rules"]
    assert isinstance(rules, list)
    return next((entry["state"] for entry in rules if isinstance(entry, dict) and entry["name"] == rule), None)


def _changes(status: Mapping[str, Json]) -> list[Json]:
    reload = status["reload"]
    assert isinstance(reload, dict)
    changes = reload["changes"]
    assert isinstance(changes, list)
    return changes
