"""What goes wrong, how often, and for how long: each kind from its own dice."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from rules_engine.gateway import Gateway
from rules_engine.gateway.faults.bad_prints import BAD_PRINTS
from tests.sim.house import ACCOUNT, House
from tests.sim.plan import Plan

CLIENT = 17
HOUR_S = 3600.0
_ENDS = ("OpenOrderEnd", "CompletedOrdersEnd", "ExecDetailsEnd", "PositionEnd", "CurrentTime")
_NEWS = ("OrderStatus", "OpenOrder", "ExecDetails")
_STREAMED = (*_NEWS, "TickPrice", "CommissionReport")
_HARMLESS_ON_ORDERS = (399, 404, 161, 10147, 10148, 10185, 10311, 10318, 10349, 321, 329, 103, 105)


@dataclass(frozen=True, slots=True)
class Stage:
    """What faults are done to."""

    house: House
    random: Random

    @property
    def gateway(self) -> Gateway:
        return self.house.gateway


Begin = Callable[[Stage], Callable[[], None] | None]
"""Does it; returns what ends it, where it lasts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``per_hour`` at the usual badness, ``lasts_s`` from and to."""

    name: str
    per_hour: float
    begin: Begin
    lasts_s: tuple[float, float] = (1.0, 30.0)


def _drop_sockets(stage: Stage) -> None:
    network = stage.house.network
    for connection in list(network.open.values()):
        network.drop(connection)


def _delay_orders(stage: Stage) -> Callable[[], None]:
    stage.gateway.delay_orders(stage.random.choice((0.5, 3.0, 12.0, 25.0)))
    return lambda: stage.gateway.delay_orders(0.0)


def _lose_orders(stage: Stage) -> Callable[[], None]:
    stage.gateway.lose_orders(1)
    return lambda: stage.gateway.lose_orders(0)


def _refuse_orders(stage: Stage) -> Callable[[], None]:
    code, placed = stage.random.choice(
        ((201, False), (201, False), (103, False), (321, True), (404, True), (399, True))
    )
    stage.gateway.refuse_orders(code, "by chance", 1, placed)
    return lambda: stage.gateway.let_through("PlaceOrder")


def _restart(stage: Stage) -> None:
    stage.gateway.restart(stage.random.uniform(1.0, 40.0), stage.random.choice((0, 3, 50)), stage.random.random() < 0.5)


def _freeze(stage: Stage) -> Callable[[], None]:
    stage.gateway.freeze()
    return stage.gateway.thaw


def _lose_link(stage: Stage) -> Callable[[], None]:
    stage.gateway.lose_link()
    data_lost = stage.random.random() < 0.5
    return lambda: stage.gateway.restore_link(data_lost)


def _blink(stage: Stage) -> None:
    """1100 and 1102 in one breath."""
    stage.gateway.lose_link()
    stage.gateway.restore_link(False)


def _break_farm(stage: Stage) -> Callable[[], None]:
    farm = stage.random.choice(("usfarm", "ushmds", "secdefnj"))
    stage.gateway.break_farm(farm)
    return lambda: stage.gateway.restore_farm(farm)


def _refuse_client(stage: Stage) -> Callable[[], None]:
    stage.gateway.refuse_client(CLIENT)
    stage.gateway.drop_connections()
    return lambda: stage.gateway.refuse_client(CLIENT, False)


def _withhold(stage: Stage) -> Callable[[], None]:
    reply = stage.random.choice(_ENDS)
    stage.gateway.withhold(reply)
    return lambda: stage.gateway.withhold(reply, False)


def _drop_news(stage: Stage) -> Callable[[], None]:
    reply = stage.random.choice(_NEWS)
    stage.gateway.drop(reply, count=stage.random.randint(1, 3))
    return lambda: stage.gateway.let_through(reply)


def _duplicate(stage: Stage) -> Callable[[], None]:
    reply = stage.random.choice(_STREAMED)
    stage.gateway.duplicate(reply, stage.random.randint(1, 3))
    return lambda: stage.gateway.let_through(reply)


def _reorder(stage: Stage) -> Callable[[], None]:
    reply = stage.random.choice(_STREAMED)
    stage.gateway.reorder(reply, stage.random.randint(1, 4), probability=0.5)
    return lambda: stage.gateway.let_through(reply)


def _delay_news(stage: Stage) -> Callable[[], None]:
    reply = stage.random.choice((*_NEWS, *_ENDS))
    stage.gateway.delay(by_s=stage.random.uniform(0.1, 8.0), reply=reply, probability=0.5)
    return lambda: stage.gateway.let_through(reply)


def _hide_reference(stage: Stage) -> Callable[[], None]:
    reply = stage.random.choice(("CompletedOrder", "ExecDetails"))
    stage.gateway.hide_reference(reply)
    return lambda: stage.gateway.let_through(reply)


def _split(stage: Stage) -> Callable[[], None]:
    stage.gateway.split(stage.random.choice((1, 3, 50)))
    return lambda: stage.gateway.split(0)


def _ignore(stage: Stage) -> Callable[[], None]:
    request = stage.random.choice(("CancelOrder", "ReqOpenOrders", "ReqCurrentTime", "ReqMktData"))
    stage.gateway.ignore(request, count=1)
    return lambda: stage.gateway.let_through(request)


def _fill_late(stage: Stage) -> None:
    ended = [order for order in stage.gateway.orders if str(order.status) == "Cancelled" and order.remaining > 0]
    if ended:
        stage.gateway.fill_late(stage.random.choice(ended).permId)


def _correct(stage: Stage) -> None:
    # What happened before the account was reset is no part of it any more.
    known = [one for one in stage.gateway.executions if one.time_s > stage.house.reset_s]
    if known:
        execution = stage.random.choice(known)
        stage.gateway.correct(execution.execId, price=round(execution.price + 0.01, 2), shares=execution.shares)


def _cancel_in_tws(stage: Stage) -> None:
    live = [order for order in stage.gateway.orders if order.live and order.orderRef]
    if live:
        stage.gateway.cancel_in_tws(stage.random.choice(live).permId)


def _error_on_order(stage: Stage) -> None:
    """An error that sounds final, about an order that lives on."""
    live = [order for order in stage.gateway.orders if order.live and order.orderRef and order.clientId == CLIENT]
    if live:
        order = stage.random.choice(live)
        stage.gateway.send_code(stage.random.choice(_HARMLESS_ON_ORDERS), "by chance", order.orderId)


def _storm(stage: Stage) -> None:
    stage.gateway.storm(10197, stage.random.randint(1, 20))


def _bad_print(stage: Stage) -> None:
    kind = stage.random.choice(list(BAD_PRINTS))
    stage.gateway.bad_print(stage.random.choice(("V", "MA", "AAPL")), kind)


def _break_frame(stage: Stage) -> None:
    stage.gateway.break_frame()


def _double(stage: Stage) -> Callable[[], None] | None:
    """A second order lives under the number of one of ours, until somebody cancels it in TWS."""
    live = [order for order in stage.gateway.orders if order.live and order.orderRef and order.clientId == CLIENT]
    single = [order for order in live if order.orderRef not in stage.house.checks.doubled and not order.staged]
    if not single:
        return None
    order = stage.random.choice(single)
    stage.house.checks.doubled.add(order.orderRef)
    twin = stage.gateway.double_order(order.permId)

    def end() -> None:
        if any(other.permId == twin and other.live for other in stage.gateway.orders):
            stage.gateway.cancel_in_tws(twin)

    return end


def _reset_account(stage: Stage) -> None:
    stage.house.reset_s = stage.gateway.now_s
    stage.gateway.reset_account(ACCOUNT)


def _log_in_as_another(stage: Stage) -> Callable[[], None]:
    """The login names a live account for a while."""
    stage.gateway.log_in_as("U7654321")
    stage.gateway.drop_connections()

    def end() -> None:
        stage.gateway.log_in_as("")
        stage.gateway.drop_connections()

    return end


def _step_clock(stage: Stage) -> Callable[[], None]:
    """Somebody sets the clock of the engine's machine an hour wrong, and right again."""
    stage.house.clock.ahead_s = stage.random.choice((HOUR_S, -HOUR_S))
    stage.house.checks.set_back_s = HOUR_S

    def end() -> None:
        stage.house.clock.ahead_s = 0.0

    return end


FAULTS = (
    Fault("sockets drop", 8, _drop_sockets),
    Fault("orders are delayed", 12, _delay_orders, (20, 120)),
    Fault("an order is lost", 4, _lose_orders, (20, 120)),
    Fault("an order is refused", 6, _refuse_orders, (20, 120)),
    Fault("gateway restarts", 3, _restart),
    Fault("gateway freezes", 5, _freeze, (0.5, 25)),
    Fault("IB's link is lost", 5, _lose_link, (0.5, 60)),
    Fault("IB's link blinks", 4, _blink),
    Fault("a farm breaks", 4, _break_farm, (5, 60)),
    Fault("the client id is in use", 2, _refuse_client, (5, 90)),
    Fault("an answer never ends", 6, _withhold, (10, 90)),
    Fault("news is dropped", 6, _drop_news, (10, 60)),
    Fault("news comes twice", 6, _duplicate, (10, 60)),
    Fault("news is out of order", 5, _reorder, (10, 60)),
    Fault("news is late", 6, _delay_news, (10, 60)),
    Fault("references are hidden", 3, _hide_reference, (10, 60)),
    Fault("bytes come one by one", 2, _split, (2, 20)),
    Fault("a request is ignored", 5, _ignore, (10, 60)),
    Fault("a cancelled order fills", 3, _fill_late),
    Fault("an execution is corrected", 3, _correct),
    Fault("somebody cancels in TWS", 4, _cancel_in_tws),
    Fault("an error names a live order", 12, _error_on_order),
    Fault("10197 again and again", 3, _storm),
    Fault("a print that never was", 6, _bad_print),
    Fault("a frame of two gigabytes", 1, _break_frame),
    Fault("one order becomes two", 1, _double, (30, 120)),
    Fault("the account is reset", 0.5, _reset_account),
    Fault("another login", 1, _log_in_as_another, (10, 120)),
    Fault("the clock steps", 0.5, _step_clock, (20, 300)),
)


class Trouble:
    """Lets every fault happen at its own rate until a moment, and ends by then what lasts."""

    def __init__(self, stage: Stage, plan: Plan) -> None:
        self._stage = stage
        self._plan = plan

    async def stir(self, until_s: float) -> None:
        async with asyncio.TaskGroup() as tasks:
            for fault in FAULTS:
                if self._plan.badness > 0 and self._plan.has(fault.name):
                    tasks.create_task(self._repeat(fault, until_s))

    async def _repeat(self, fault: Fault, until_s: float) -> None:
        loop, random = asyncio.get_running_loop(), Random(f"{self._plan.seed}:{fault.name}")
        stage, house = replace(self._stage, random=random), self._stage.house
        while True:
            pause_s = random.expovariate(fault.per_hour * self._plan.badness / 3600)
            if loop.time() + pause_s >= until_s:
                return
            await asyncio.sleep(pause_s)
            house.say(f"fault: {fault.name}")
            end = fault.begin(stage)
            if end is not None:
                await asyncio.sleep(min(random.uniform(*fault.lasts_s), until_s - loop.time()))
                end()
                house.say(f"over: {fault.name}")
