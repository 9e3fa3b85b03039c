"""A thousand rules fire in one instant: no limit is broken, counting all that is still on its way."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from rules_engine.execution.decision import Decision
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import Side
from rules_engine.model.firing import HeldBack
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus
from rules_engine.model.settings import Limits
from tests.execution.bench import SETTINGS, UNPACED, Bench
from tests.execution.doubles import MA, Placed, V, decision, draft, firing

RULES = 1000
WIDE = Decimal("1.001")
"""Market orders are worth what the market asks or bids, a little off the middle."""
PRICES = {"MA": Decimal(400), "V": Decimal(200)}
HELD = {"MA": Decimal(300), "V": Decimal(-50)}
State = IntentState

FATES = ("works", "works", "works", "filled", "part", "silent", "dropped", "cancelled")
EVERY_LIMIT = {
    "positions": {"max_position_value": Decimal(130_000), "allow_short": False, "max_orders_per_day": 40},
    "open orders and a day": {"max_open_value": Decimal(60_000), "max_value_per_day": Decimal(90_000)},
    "all of them": {
        "max_order_quantity": Decimal(40),
        "max_order_value": Decimal(10_000),
        "max_orders_per_day": 40,
        "max_orders_per_rule_per_day": 2,
        "max_value_per_day": Decimal(250_000),
        "max_value_per_rule_per_day": Decimal(9_000),
        "max_open_value": Decimal(90_000),
        "max_position_value": Decimal(140_000),
        "allow_short": False,
    },
}


def order(random: Random) -> OrderDraft:
    instrument, market = random.choice((MA, V)), random.random() < 0.5
    return draft(
        instrument=instrument,
        side=random.choice((Side.BUY, Side.SELL)),
        quantity=Decimal(random.randint(1, 60)),
        kind=OrderKind.MARKET if market else OrderKind.LIMIT,
        limit=None if market else PRICES[instrument.name],
    )


class Ib:
    """A gateway that takes orders in, fills some of them in part or at once, drops some, and is silent about others."""

    def __init__(self, bench: Bench, fates: Sequence[str]) -> None:
        self.bench, self.fates, self.positions = bench, fates, dict(HELD)

    def takes(self, placed: Placed) -> None:
        fate = self.fates[len(self.bench.ib.wire) % len(self.fates)]
        if fate == "dropped":
            return
        report = self.bench.ib.accept(placed)
        if fate == "silent":
            return
        self.bench.desk.on_report(report)
        part = {"filled": placed.draft.quantity, "part": placed.draft.quantity / 2}.get(fate)
        if part:
            name, sign = placed.draft.instrument.name, 1 if placed.draft.side is Side.BUY else -1
            self.positions[name] += sign * part
            self.bench.market.positions[name] = self.positions[name]
            self.bench.desk.on_report(self.bench.ib.fill(placed.key, str(part), "400"))
        if fate == "cancelled":
            self.bench.desk.on_report(self.bench.ib.end(placed.key, BrokerStatus.CANCELLED))


def worth(draft: OrderDraft, quantity: Decimal) -> Decimal:
    return quantity * PRICES[draft.instrument.name]


def broken(limits: Limits, sent: Sequence[Intent], positions: dict[str, Decimal]) -> list[str]:
    """Every limit by its plain meaning, on what is or may be at IB: the worst that can still come of it."""
    found = []
    may_fill = [one for one in sent if one.state.may_be_at_broker]
    by_rule: defaultdict[str, int] = defaultdict(int)
    for one in sent:
        by_rule[one.rule] += 1
        if limits.max_order_quantity is not None and one.draft.quantity > limits.max_order_quantity:
            found.append("max_order_quantity")
        if limits.max_order_value is not None and worth(one.draft, one.draft.quantity) > limits.max_order_value * WIDE:
            found.append("max_order_value")
    if limits.max_orders_per_day is not None and len(sent) > limits.max_orders_per_day:
        found.append("max_orders_per_day")
    if limits.max_orders_per_rule_per_day is not None and max(by_rule.values(), default=0) > (
        limits.max_orders_per_rule_per_day
    ):
        found.append("max_orders_per_rule_per_day")
    day = sum((worth(one.draft, one.draft.quantity) for one in sent), Decimal(0))
    if limits.max_value_per_day is not None and day > limits.max_value_per_day:
        found.append("max_value_per_day")
    if (most := limits.max_value_per_rule_per_day) is not None:
        names = {one.rule for one in sent}
        days = [
            sum((worth(one.draft, one.draft.quantity) for one in sent if one.rule == name), Decimal(0))
            for name in names
        ]
        if max(days, default=Decimal(0)) > most:
            found.append("max_value_per_rule_per_day")
    still = sum((worth(one.draft, one.remaining) for one in may_fill), Decimal(0))
    if limits.max_open_value is not None and still > limits.max_open_value:
        found.append("max_open_value")
    for name, position in positions.items():
        bought, sold = (
            sum(
                (one.remaining for one in may_fill if one.draft.instrument.name == name and one.draft.side is side),
                Decimal(0),
            )
            for side in (Side.BUY, Side.SELL)
        )
        started = HELD[name]
        if not limits.allow_short and position - sold < min(started, Decimal(0)):
            found.append(f"allow_short {name}")
        most = limits.max_position_value
        beyond = max(abs(position + bought), abs(position - sold)) * PRICES[name]
        if most is not None and beyond > max(most, abs(started) * PRICES[name]) * WIDE:
            found.append(f"max_position_value {name}")
    return found


def fire(bench: Bench, one: OrderDraft, number: int) -> bool:
    """As the engine does it: asked at the firing, with all before it reserved. Every tenth gets past that question, so
    that the one at the moment of sending has something to refuse."""
    gate = RiskGate(bench.settings.limits, bench.market, bench.clock)
    rule = f"r{number % 400}"
    found = gate.check((one,), bench.desk.book(), rule)
    if found is None or number % 10 == 0:
        bench.record(decision(one, rule=rule))
        return True
    bench.record(Decision(HeldBack(firing(rule), found.reason, found.detail)))
    return False


@pytest.mark.parametrize("limits", EVERY_LIMIT.values(), ids=EVERY_LIMIT.keys())
async def test_a_thousand_rules_at_once_break_no_limit(tmp_path: Path, limits: dict[str, object]) -> None:
    caps = replace(UNPACED, **{"allow_short": True, **limits})  # type: ignore[arg-type]  # Fields by name.
    bench = Bench(tmp_path, replace(SETTINGS, limits=caps))
    bench.market.positions = dict(HELD)
    random = Random(1)
    ib = Ib(bench, [random.choice(FATES) for _ in range(50)])
    await live(bench, ib, [order(random) for _ in range(RULES)])
    rows = [row.intent for row in bench.journal.ledger.orders(count_max=2 * RULES)]
    sent = [one for one in rows if one.sent_s is not None]
    assert len(sent) == len(bench.ib.wire)
    assert broken(caps, sent, ib.positions) == []
    assert len(sent) > 5
    assert not any(one.state is State.INTENT for one in rows), "each one was sent, or refused with a reason"
    fates_found = bench.journal.ledger.fates()
    assert sum(fates_found.values()) == RULES
    assert sum(one.count for one in bench.journal.ledger.refusals()) == fates_found["held back"] == RULES - len(sent)


async def live(bench: Bench, ib: Ib, wanted: list[OrderDraft]) -> None:
    """Half of the rules, a crash, and the other half."""
    for half in (0, 1):
        if half:
            bench.restart()
        link = await bench.connect()
        link.on_place = ib.takes
        for number in range(half * RULES // 2, (half + 1) * RULES // 2):
            fire(bench, wanted[number], number)
        await bench.desk.dispatch()
