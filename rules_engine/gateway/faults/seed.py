"""Misfortune from a seed: faults of many kinds at random moments, at rates that a program should survive."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from rules_engine.gateway.faults.commands import Value, call_of
from rules_engine.gateway.faults.plan import FaultPlan, Step
from rules_engine.gateway.times import Timers

_MINUTE_S = 60.0
_ANSWERS = ("OpenOrderEnd", "CompletedOrdersEnd", "ExecDetailsEnd", "OrderStatus", "OpenOrder", "PositionEnd")
_STREAMED = ("TickPrice", "TickSize", "OrderStatus", "OpenOrder", "ExecDetails", "CommissionReport")

Draw = Callable[[Random], Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Risk:
    """A fault, how long it stays away on average, and how long it lasts at least and at most."""

    name: str
    mean_s: float
    lasts_s: tuple[float, float] | None = None
    draw: Draw = lambda random: {}


RISKS = (
    Risk("drop_connections", 30 * _MINUTE_S),
    Risk("restart", 240 * _MINUTE_S, None, lambda random: {"down_s": random.uniform(5, 60), "ids_back": 5}),
    Risk("freeze", 30 * _MINUTE_S, (1, 15)),
    Risk("lose_link", 60 * _MINUTE_S, (5, 60)),
    Risk("break_farm", 60 * _MINUTE_S, (10, 120), lambda random: {"farm": random.choice(("usfarm", "ushmds"))}),
    Risk("split", 20 * _MINUTE_S, (5, 30), lambda random: {"piece_bytes": random.randint(1, 40)}),
    Risk("drop", 20 * _MINUTE_S, (5, 30), lambda random: {"reply": random.choice(_ANSWERS), "count": 1}),
    Risk("delay", 20 * _MINUTE_S, (5, 30), lambda random: {"by_s": random.uniform(0.1, 5), "probability": 0.2}),
    Risk("duplicate", 20 * _MINUTE_S, (5, 30), lambda random: {"reply": random.choice(_STREAMED)}),
    Risk("reorder", 20 * _MINUTE_S, (5, 30), lambda random: {"reply": random.choice(_STREAMED), "probability": 0.2}),
    Risk("delay_orders", 40 * _MINUTE_S, (5, 30), lambda random: {"delay_s": random.uniform(1, 90)}),
    Risk("lose_orders", 60 * _MINUTE_S, (5, 30)),
    Risk("refuse_orders", 60 * _MINUTE_S, (5, 30), lambda random: {"code": 201, "text": "Order rejected - by chance"}),
    Risk("limit_rate", 60 * _MINUTE_S, (5, 30)),
    Risk("storm", 60 * _MINUTE_S, None, lambda random: {"code": 10197, "count": random.randint(1, 20)}),
    Risk("send_code", 15 * _MINUTE_S, None, lambda random: {"code": random.choice((2104, 2106, 2107, 2108, 2119))}),
)


class Misfortune:
    """Lets every risk come true again and again, each on its own throw of the dice."""

    def __init__(self, seed: int, plan: FaultPlan, stage: Timers, now_s: Callable[[], float]) -> None:
        self._seed = seed
        self._plan = plan
        self._stage = stage
        self._now_s = now_s

    def start(self) -> None:
        """Time begins to count now."""
        for risk in RISKS:
            self._await(risk, Random(f"{self._seed}:{risk.name}"))

    def _await(self, risk: Risk, random: Random) -> None:
        at_s = self._now_s() + random.expovariate(1 / risk.mean_s)
        self._stage.at(at_s, lambda: self._befall(risk, random))

    def _befall(self, risk: Risk, random: Random) -> None:
        lasts_s = None if risk.lasts_s is None else random.uniform(*risk.lasts_s)
        self._plan.take(Step(call_of(risk.name, risk.draw(random)), for_s=lasts_s))
        self._await(risk, random)
