"""Random orders and prices, what must hold after each of them, and the index of waiting orders against a slow twin."""

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

import pytest

from rules_engine.gateway.orders.matching import KINDS, Trigger
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.orders.waiting import Reach, Waiting
from tests.gateway.hall import ACCOUNT, Hall

SEEDS = range(12)
EVENTS = 250
TYPES = sorted(name for name, kind in KINDS.items() if not kind.at_close)


class LookingAtAll(Waiting):
    """The slow twin: every tick looks at every order of its instrument."""

    def reached(self, conId: int, reach: Reach) -> list[Order]:
        return self.all(conId)


@dataclass
class Stream:
    """One hall that lives through a random stream, and what is remembered to check it."""

    hall: Hall
    printed: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Last prices that each order could see."""
    families: list[tuple[Order, list[Order]]] = field(default_factory=list)
    groups: list[list[Order]] = field(default_factory=list)
    left: dict[int, float] = field(default_factory=dict)
    """What remained of each order before the event."""
    checked: int = 0

    def orders(self) -> tuple[Order, ...]:
        return self.hall.floor.book.all()

    def live(self, dice: Random) -> Order | None:
        live = [order for order in self.orders() if order.live and not order.form.parentId]
        return dice.choice(live) if live else None


def price_near(dice: Random, middle: float) -> float:
    return round(middle + dice.randint(-60, 60) / 100, 2)


def random_fields(dice: Random, orderType: str, middle: float) -> dict[str, object]:
    """Prices that the type needs, and now and then an attribute."""
    fields: dict[str, object] = {}
    for choices in KINDS[orderType].needs:
        name = dice.choice(choices)
        small = name in ("lmtPriceOffset", "trailingPercent") or (name == "auxPrice" and orderType.startswith("TRAIL"))
        fields[name] = round(dice.uniform(0.05, 0.6), 2) if small else price_near(dice, middle)
    fields["tif"] = dice.choice(("DAY", "GTC", "GTC", "DAY", "IOC", "FOK"))
    extra = dice.randrange(8)
    if extra == 0:
        fields["allOrNone"] = True
    elif extra == 1:
        fields["minQty"] = 50
    elif extra == 2:
        fields["displaySize"] = 20
    elif extra == 3:
        fields["triggerMethod"] = dice.choice((1, 2, 3, 4, 8))
    return fields


def place_one(stream: Stream, dice: Random, middle: float) -> None:
    orderType = dice.choice(TYPES)
    stream.hall.place(
        dice.choice(("BUY", "SELL")), dice.randint(60, 300), orderType, **random_fields(dice, orderType, middle)
    )


def place_family(stream: Stream, dice: Random, middle: float) -> None:
    hall, size = stream.hall, dice.randint(60, 300)
    parent = hall.place("BUY", size, "LMT", lmtPrice=price_near(dice, middle), tif="GTC", transmit=False)
    shared: dict[str, object] = {"parentId": parent.orderId, "tif": "GTC"}
    profit = hall.place("SELL", size, "LMT", lmtPrice=round(middle + 0.3, 2), transmit=False, **shared)
    loss = hall.place("SELL", size, "STP", auxPrice=round(middle - 0.3, 2), **shared)
    stream.families.append((parent, [profit, loss]))


def place_group(stream: Stream, dice: Random, middle: float, name: str) -> None:
    kind, side = dice.randint(1, 3), dice.choice(("BUY", "SELL"))
    # Nothing of it trades before the last member has come.
    far = 5.0 if side == "SELL" else -5.0
    members = [
        stream.hall.place(
            side, dice.randint(60, 300), "LMT", lmtPrice=round(middle + far, 2), tif="GTC", ocaGroup=name, ocaType=kind
        )
        for _ in range(3)
    ]
    for order in members:
        if order.live:
            price = price_near(dice, middle)
            stream.hall.send(order.orderId, side, order.form.totalQuantity, "LMT", lmtPrice=price, tif="GTC")
    stream.groups.append(members)


def happen(stream: Stream, dice: Random, number: int, middle: float) -> float:
    """One random event; returns where the market stands after it."""
    hall = stream.hall
    match dice.randrange(10):
        case 0 | 1:
            place_one(stream, dice, middle)
        case 2:
            place_family(stream, dice, middle)
        case 3:
            place_group(stream, dice, middle, f"group {number}")
        case 4:
            order = stream.live(dice)
            if order is not None:
                hall.desk.cancel(1, order.orderId)
        case 5:
            order = stream.live(dice)
            if order is not None and order.form.orderType == "LMT":
                changed = {"lmtPrice": price_near(dice, middle), "tif": order.form.tif}
                hall.send(order.orderId, order.form.action, order.form.totalQuantity + 10, "LMT", **changed)
        case 6:
            hall.quote(f"{price_near(dice, middle)}x{dice.randint(1, 200)}")
        case _:
            middle = round(middle + dice.randint(-15, 15) / 100, 2)
            hall.quote(f"{middle - 0.01:.2f}x{dice.randint(1, 300)}/{middle + 0.01:.2f}x{dice.randint(1, 300)}")
    return middle


def check(stream: Stream) -> None:
    """Everything that must hold between events."""
    hall = stream.hall
    executions = hall.floor.book.executions
    assert hall.ledger.size(ACCOUNT, hall.number("V")) == pytest.approx(sum(one.signed for one in executions))
    spent = sum(one.signed * one.price + one.commission for one in executions)
    assert hall.cash() == pytest.approx(-spent)
    by_order: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for one in executions[stream.checked :]:
        by_order[one.permId].append((one.price, one.shares))
    stream.checked = len(executions)
    for order in stream.orders():
        check_order(stream, order, by_order.get(order.permId, []))
        stream.left[order.permId] = order.remaining
    for members in stream.groups:
        assert sum(order.filled for order in members) <= max(order.form.totalQuantity for order in members)
    for parent, children in stream.families:
        assert sum(child.filled for child in children) <= parent.filled
        if parent.live:
            assert not any(child.filled for child in children)


def check_order(stream: Stream, order: Order, fills: list[tuple[float, float]]) -> None:
    form, total = order.form, order.form.totalQuantity
    assert order.filled + order.reduced + order.remaining == pytest.approx(total)
    assert 0 <= order.filled <= total
    assert (order.status == "Filled") <= (order.remaining == 0)
    if not fills:
        return
    shares = sum(size for _, size in fills)
    kind = KINDS[form.orderType]
    if form.lmtPrice is not None and form.orderType not in ("MTL", "MKT PRT", "STP PRT"):
        assert all(price <= form.lmtPrice if order.buys else price >= form.lmtPrice for price, _ in fills)
    if form.allOrNone or form.tif == "FOK":
        assert order.filled == shares == total
    if form.minQty:
        assert shares >= min(form.minQty, stream.left.get(order.permId, total))
    if kind.trigger in (Trigger.STOP, Trigger.TOUCH):
        assert form.auxPrice is not None
        rises = order.buys is (kind.trigger is Trigger.STOP)
        seen = stream.printed[order.permId]
        assert any(price >= form.auxPrice if rises else price <= form.auxPrice for price in seen), seen


def see(stream: Stream) -> None:
    """What stands now was seen by every live order."""
    quote = stream.hall.market.quote(stream.hall.number("V"))
    prices = [price for price in (quote.last, quote.bid, quote.ask, quote.mid) if price is not None]
    for order in stream.orders():
        stream.printed[order.permId] += prices


def live_through(hall: Hall, seed: int) -> Stream:
    stream, dice, middle = Stream(hall), Random(seed), 100.0
    hall.quote("99.99x300/100.01x300")
    for number in range(EVENTS):
        middle = happen(stream, dice, number, middle)
        see(stream)
        check(stream)
    return stream


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_made_or_lost_and_looking_at_fewer_orders_changes_nothing(seed: int) -> None:
    stream = live_through(Hall(), seed)
    slow = Hall()
    slow.floor._pit._waiting = LookingAtAll()
    live_through(slow, seed)
    assert len(stream.hall.floor.book.executions) > 50
    assert stream.hall.reports.told == slow.reports.told


def test_a_tick_looks_only_at_orders_whose_price_it_reaches() -> None:
    hall = Hall()
    hall.quote("99.99x300/100.01x300")
    for step in range(1, 301):
        hall.place("BUY", 1, "LMT", lmtPrice=round(100 - step / 10, 2))
        hall.place("SELL", 1, "STP", auxPrice=round(100 - step / 10, 2), triggerMethod=2)
    pit, conId = hall.floor._pit, hall.number("V")
    pit.concerned(conId, hall.market.push_quote(conId, 99.98, 100.0, at_s=hall.clock.time_s))
    assert pit.concerned(conId, hall.market.push_quote(conId, 99.97, 99.99, at_s=hall.clock.time_s)) == []
    near = pit.concerned(conId, hall.market.push_quote(conId, 99.8, 99.85, at_s=hall.clock.time_s))
    assert {order.form.lmtPrice or order.form.auxPrice for order in near} == {99.8, 99.9}
