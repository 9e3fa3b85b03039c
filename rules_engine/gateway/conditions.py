"""The six conditions of held orders: levels, inclusive, watched whether or not a client is connected.

Conditions are joined from left to right, each by its own conjunction to the next; IB states no precedence for
mixed lists, so `a or b and c` means `(a or b) and c` here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rules_engine.gateway.ledger import Execution
from rules_engine.gateway.market import Market
from rules_engine.gateway.messages.order_form import (
    Condition,
    ExecutionCondition,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from rules_engine.gateway.orders import Order
from rules_engine.gateway.quote import Quote, Tick
from rules_engine.gateway.times import read_time
from rules_engine.gateway.triggers import Method, Streak, method_of, prices_now, prices_seen

Priced = PriceCondition | VolumeCondition | PercentChangeCondition
PRICED = (PriceCondition, VolumeCondition, PercentChangeCondition)


@dataclass(slots=True)
class _Watch:
    """One condition and whether it holds. `touched` lasts for one instant: a print beyond the level that came back."""

    condition: Condition
    holds: bool = False
    touched: bool = False
    method: Method = Method.LAST
    streak: Streak = field(default_factory=lambda: Streak(Method.LAST))

    @property
    def met(self) -> bool:
        return self.holds or self.touched


@dataclass(slots=True)
class _Held:
    order: Order
    watches: list[_Watch]

    def met(self) -> bool:
        result = self.watches[0].met
        for before, watch in zip(self.watches, self.watches[1:], strict=False):
            joined_by_and = before.condition.conjunction == "a"
            result = (result and watch.met) if joined_by_and else (result or watch.met)
        for watch in self.watches:
            watch.touched = False
        return result


class Conditions:
    """Everything that is held. A tick looks only at what watches its instrument."""

    def __init__(self, market: Market, now_s: Callable[[], float], cushion: Callable[[str], float]) -> None:
        self._market = market
        self._now_s = now_s
        self._cushion = cushion
        self._held: dict[int, _Held] = {}
        self._by_instrument: dict[int, dict[int, _Held]] = defaultdict(dict)
        self._on_margin: dict[int, _Held] = {}
        self._on_executions: dict[int, _Held] = {}

    def hold(self, order: Order) -> bool:
        """Watch an order's conditions from now on; True when they are met already."""
        held = _Held(order, [self._watch(condition) for condition in order.form.conditions])
        self._held[order.permId] = held
        for watch in held.watches:
            self._index(watch.condition, held)
        self._look(held)
        return held.met()

    def release(self, order: Order) -> None:
        """Its conditions matter no longer."""
        held = self._held.pop(order.permId, None)
        if held is None:
            return
        for watch in held.watches:
            if isinstance(watch.condition, PRICED):
                self._by_instrument[watch.condition.conId].pop(order.permId, None)
        self._on_margin.pop(order.permId, None)
        self._on_executions.pop(order.permId, None)

    def times_s(self, order: Order) -> Iterator[float]:
        """The moments at which its time conditions change."""
        for condition in order.form.conditions:
            if isinstance(condition, TimeCondition):
                yield read_time(condition.time)

    def looked_at(self, order: Order) -> bool:
        """Look again at one order, as when a moment has come; True when its conditions are met."""
        held = self._held.get(order.permId)
        if held is None:
            return False
        self._look(held)
        return held.met()

    def ticked(self, conId: int, ticks: Sequence[Tick]) -> list[Order]:
        """Orders whose conditions are met by what one instrument did at one instant."""
        watching = self._by_instrument.get(conId)
        if not watching:
            return []
        quote = self._market.quote(conId)
        met = []
        for held in watching.values():
            for watch in held.watches:
                if isinstance(watch.condition, PRICED) and watch.condition.conId == conId:
                    self._see(held.order, watch, watch.condition, ticks, quote)
            if held.met():
                met.append(held.order)
        return met

    def margins_moved(self) -> list[Order]:
        """Orders that wait for a margin cushion which is there now."""
        return self._met_after_a_look(self._on_margin.values())

    def traded(self, execution: Execution) -> list[Order]:
        """Orders that waited for a trade like this one."""
        for held in self._on_executions.values():
            for watch in held.watches:
                if isinstance(watch.condition, ExecutionCondition) and _names(watch.condition, execution):
                    watch.holds = True
        return self._met_after_a_look(self._on_executions.values())

    def _met_after_a_look(self, candidates: Iterable[_Held]) -> list[Order]:
        met = []
        for held in candidates:
            self._look(held)
            if held.met():
                met.append(held.order)
        return met

    def _watch(self, condition: Condition) -> _Watch:
        if not isinstance(condition, PriceCondition):
            return _Watch(condition)
        listing = self._market.catalogue.listing(condition.conId)
        assert listing is not None, "an order with an unknown trigger contract was accepted"
        method = method_of(condition.triggerMethod, listing.contract.secType)
        watch = _Watch(condition, method=method, streak=Streak(method))
        for price in prices_now(method, condition.isMore, self._market.quote(condition.conId)):
            watch.streak.see(_beyond(price, condition.price, condition.isMore))
        return watch

    def _index(self, condition: Condition, held: _Held) -> None:
        match condition:
            case PriceCondition() | VolumeCondition() | PercentChangeCondition():
                self._by_instrument[condition.conId][held.order.permId] = held
            case MarginCondition():
                self._on_margin[held.order.permId] = held
            case ExecutionCondition():
                self._on_executions[held.order.permId] = held
            case TimeCondition():
                pass

    def _look(self, held: _Held) -> None:
        """Bring every condition up to date without a new price."""
        for watch in held.watches:
            match watch.condition:
                case TimeCondition(isMore=more, time=text):
                    watch.holds = _beyond(self._now_s(), read_time(text), more)
                case MarginCondition(isMore=more, percent=percent):
                    watch.holds = _beyond(self._cushion(held.order.form.account) * 100.0, percent, more)
                case PriceCondition() | VolumeCondition() | PercentChangeCondition() as priced:
                    self._see(held.order, watch, priced, (), self._market.quote(priced.conId))
                case ExecutionCondition():
                    pass

    def _see(self, order: Order, watch: _Watch, condition: Priced, ticks: Sequence[Tick], quote: Quote) -> None:
        if not self._market.is_open(condition.conId, self._now_s(), order.form.conditionsIgnoreRth):
            watch.holds = False
            return
        match condition:
            case PriceCondition(isMore=more, price=level):
                for price in prices_seen(watch.method, more, ticks, quote):
                    watch.touched |= watch.streak.see(_beyond(price, level, more))
                watch.holds = watch.streak.holds
            case VolumeCondition(isMore=more, volume=volume):
                watch.holds = _beyond(quote.volume, volume, more)
            case PercentChangeCondition(isMore=more, changePercent=percent):
                change = _change_percent(quote)
                watch.holds = change is not None and _beyond(change, percent, more)


def _beyond(value: float, level: float, more: bool) -> bool:
    return value >= level if more else value <= level


def _change_percent(quote: Quote) -> float | None:
    price = quote.last if quote.last is not None else quote.mid
    if price is None or not quote.close:
        return None
    return (price - quote.close) / quote.close * 100.0


def _names(condition: ExecutionCondition, execution: Execution) -> bool:
    contract = execution.contract
    return (
        condition.symbol == contract.symbol
        and condition.secType == contract.secType
        and condition.exchange in ("", "SMART", execution.exchange, contract.exchange)
    )
