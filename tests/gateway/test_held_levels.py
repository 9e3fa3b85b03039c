"""Held orders found by sorted levels are those that a look at every order finds, on random markets."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from rules_engine.gateway import Catalogue, Market
from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.market.quote import Quote, Tick, TickKind
from rules_engine.gateway.messages.order_form import (
    Condition,
    OrderForm,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders.conditions import Conditions
from rules_engine.gateway.orders.order import Order
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S

SYMBOLS = ("V", "MA")
METHODS = (0, 1, 2, 3, 4, 7, 8)
DOUBLE = (1, 3)


def counted(condition: PriceCondition, ticks: Sequence[Tick], quote: Quote) -> list[float]:
    """The prices of one instant that a trigger method looks at, spelled out; without ticks those that stand."""
    method = condition.triggerMethod or 2
    touch = TickKind.BID if condition.isMore else TickKind.ASK
    standing = quote.bid if condition.isMore else quote.ask
    middle = None if quote.bid is None or quote.ask is None else (quote.bid + quote.ask) / 2
    either = [price for price in (quote.last, standing) if price is not None]
    if either:
        either = [max(either) if condition.isMore else min(either)]
    if not ticks:
        stand = {2: [quote.last], 3: [quote.last], 1: [standing], 4: [standing], 7: either, 8: [middle]}
        return [price for price in stand[method] if price is not None]
    found: list[float] = []
    for tick in ticks:
        if tick.kind is TickKind.TRADE and method in (2, 3, 7):
            found.append(tick.price)
        elif tick.kind is not TickKind.TRADE and method == 8 and middle is not None:
            found.append(middle)
        elif tick.kind is touch and method in (1, 4, 7):
            found.append(tick.price)
    return found + (either if method == 7 else [])


@dataclass
class SlowWatch:
    """One condition with everything that it has seen since its order came."""

    condition: Condition
    seen: list[float] = field(default_factory=list)
    now: list[float] = field(default_factory=list)

    def see(self, ticks: Sequence[Tick], quote: Quote) -> None:
        self.now = self._values(ticks, quote)
        self.seen += self.now

    def _values(self, ticks: Sequence[Tick], quote: Quote) -> list[float]:
        match self.condition:
            case PriceCondition():
                return counted(self.condition, ticks, quote)
            case VolumeCondition():
                return [quote.volume]
        stands = quote.mid if quote.last is None else quote.last
        trades = [tick.price for tick in ticks if tick.kind is TickKind.TRADE] or [stands]
        return [(price - quote.close) / quote.close * 100 for price in trades if price is not None and quote.close]

    @property
    def holds(self) -> bool:
        length = 2 if isinstance(self.condition, PriceCondition) and self.condition.triggerMethod in DOUBLE else 1
        ends = range(len(self.seen) - max(len(self.now), 1) + 1, len(self.seen) + 1)
        runs = [self.seen[max(0, end - length) : end] for end in ends]
        return any(len(run) == length and all(map(self._beyond, run)) for run in runs)

    def _beyond(self, value: float) -> bool:
        condition = self.condition
        level = next(
            getattr(condition, name) for name in ("price", "volume", "changePercent") if hasattr(condition, name)
        )
        return value >= level if condition.isMore else value <= level


@dataclass
class SlowOrder:
    """An order whose conditions are all looked at, every time."""

    order: Order
    watches: list[SlowWatch]

    def met(self) -> bool:
        result = self.watches[0].holds
        for before, watch in zip(self.watches, self.watches[1:], strict=False):
            both = before.condition.conjunction == "a"
            result = (result and watch.holds) if both else (result or watch.holds)
        return result


class World:
    """A pushed market with orders held by both: sorted levels, and a look at each."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        clock = SteppedClock(NOON_S)
        self.market = Market(Catalogue(clock=clock))
        self.market.start(NOON_S)
        self.clock = clock
        self.fast = Conditions(self.market, clock.now_s, lambda account: 1.0, lambda order: None)
        self.slow: dict[int, SlowOrder] = {}
        self.next_id = 1
        self.conIds = {symbol: self.market.catalogue.named(symbol).conId for symbol in SYMBOLS}  # type: ignore[union-attr]
        for conId in self.conIds.values():
            self.market.quote(conId).close = 100.0

    def condition(self) -> Condition:
        conId, more = self.conIds[self.chance.choice(SYMBOLS)], self.chance.random() < 0.5
        joined = self.chance.choice("ao")
        match self.chance.randrange(6):
            case 0:
                return VolumeCondition(joined, more, float(self.chance.randrange(0, 20_000, 500)), conId, "SMART")
            case 1:
                return PercentChangeCondition(joined, more, float(self.chance.randint(-6, 6)), conId, "SMART")
        level = float(self.chance.randint(94, 106))
        return PriceCondition(joined, more, level, conId, "SMART", self.chance.choice(METHODS))

    def place(self) -> tuple[set[int], set[int]]:
        """A new order; who says that it is met at once."""
        conditions = tuple(self.condition() for _ in range(self.chance.randint(1, 3)))
        form = OrderForm(conditions=conditions, conditionsIgnoreRth=self.chance.random() < 0.5, account="DU1")
        listing = self.market.catalogue.named("V")
        assert listing is not None
        order = Order(1, self.next_id, PlaceOrder(self.next_id, Contract(), "", "", form), listing, NOON_S)
        self.next_id += 1
        slow = self.slow[order.permId] = SlowOrder(order, [SlowWatch(condition) for condition in conditions])
        for watch in slow.watches:
            watch.see((), self.market.quote(watch.condition.conId))
        by_levels = {order.permId} if self.fast.hold(order) else set()
        by_looking = {order.permId} if slow.met() else set()
        for watch in slow.watches:
            watch.now = watch.now[-1:]
        return by_levels, by_looking

    def tick(self) -> tuple[set[int], set[int]]:
        """Something happens to one instrument or to all at once; who says which orders are met."""
        self.clock.time_s += 1.0
        moved = self.chance.sample(SYMBOLS, self.chance.randint(1, len(SYMBOLS)))
        ticks = {self.conIds[symbol]: self.ticks(self.conIds[symbol]) for symbol in moved}
        by_levels = {order.permId for order in self.fast.ticked(ticks, margins=False)}
        for slow in self.slow.values():
            for watch in slow.watches:
                if watch.condition.conId in ticks:
                    watch.see(ticks[watch.condition.conId], self.market.quote(watch.condition.conId))
        by_looking = {permId for permId, slow in self.slow.items() if slow.met()}
        for slow in self.slow.values():
            for watch in slow.watches:
                watch.now = watch.now[-1:]
        return by_levels, by_looking

    def ticks(self, conId: int) -> list[Tick]:
        """What one instrument does in an instant."""
        ticks: list[Tick] = []
        for _ in range(self.chance.randint(1, 3)):
            price = float(self.chance.randint(93, 107))
            if self.chance.random() < 0.5:
                ticks += self.market.push(conId, price, 100.0, at_s=self.clock.time_s)
            else:
                wide = self.chance.choice((0.5, 1.0, 2.0))
                ticks += self.market.push_quote(conId, price - wide, price + wide, at_s=self.clock.time_s)
        return ticks

    def release(self, permIds: set[int]) -> None:
        for permId in permIds:
            self.fast.release(self.slow.pop(permId).order)


@pytest.mark.parametrize("seed", range(40))
def test_sorted_levels_and_a_look_at_every_order_meet_the_same_orders_at_the_same_instants(seed: int) -> None:
    world = World(seed)
    met = 0
    for step in range(300):
        move = world.place if world.chance.random() < 0.4 else world.tick
        by_levels, by_looking = move()
        assert by_levels == by_looking, f"seed {seed}, step {step}"
        met += len(by_looking)
        world.release(by_looking)
        if world.slow and world.chance.random() < 0.05:
            world.release({world.chance.choice(sorted(world.slow))})
    assert met > 20


EIGHT_S = NOON_S - 4 * 3600
OPENING_S = NOON_S - 2.5 * 3600


def session_conditions(*conditions: Condition) -> tuple[Market, Conditions, SteppedClock, Order]:
    """One order for regular hours only, held at eight in the morning by a market that keeps them; V stands at 190."""
    clock = SteppedClock(EIGHT_S)
    market = Market(Catalogue(clock=clock), sessions=True)
    market.start(EIGHT_S)
    listing = market.catalogue.named("V")
    assert listing is not None
    market.push(listing.conId, 190.0, at_s=EIGHT_S)
    held = Conditions(market, clock.now_s, lambda account: 1.0, lambda order: None)
    order = Order(1, 1, PlaceOrder(1, Contract(), "", "", OrderForm(conditions=conditions)), listing, EIGHT_S)
    assert not held.hold(order)
    return market, held, clock, order


def v_above(level: float) -> PriceCondition:
    listing = Catalogue().named("V")
    assert listing is not None
    return PriceCondition("a", True, level, listing.conId, "SMART", 2)


def test_a_level_passed_before_the_session_counts_from_its_first_price_on() -> None:
    market, held, clock, order = session_conditions(v_above(200.0))
    conId = v_above(0).conId
    assert held.ticked({conId: market.push(conId, 205.0, at_s=EIGHT_S)}, margins=False) == []
    clock.time_s = OPENING_S
    assert held.ticked({conId: market.push(conId, 205.0, at_s=OPENING_S)}, margins=False) == [order]


def test_a_moment_that_comes_while_the_market_is_closed_is_not_lost() -> None:
    nine = TimeCondition("a", True, "20260701 09:00:00 US/Eastern")
    market, held, clock, order = session_conditions(nine, v_above(150.0))
    clock.time_s = EIGHT_S + 3600
    assert not held.looked_at(order)
    clock.time_s = OPENING_S
    conId = v_above(0).conId
    assert held.ticked({conId: market.push(conId, 190.0, at_s=OPENING_S)}, margins=False) == [order]


def test_nothing_is_left_of_orders_that_wait_no_longer() -> None:
    world = World(1)
    for _ in range(50):
        by_levels, _ = world.place()
        world.release(by_levels)
    world.release(set(world.slow))
    assert world.fast.idle
