"""The six conditions of held orders: levels, inclusive, watched whether or not a client is connected.

Conditions are joined from left to right, each by its own conjunction to the next; IB states no precedence for
mixed lists, so `a or b and c` means `(a or b) and c` here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules_engine.gateway.accounts.ledger import Execution
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Quote, Tick, TickKind
from rules_engine.gateway.messages.order_form import (
    Condition,
    ExecutionCondition,
    MarginCondition,
    OrderForm,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from rules_engine.gateway.orders.gauges import Aspect, Gauge, Measure
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.orders.triggers import DOUBLE, Method, method_of, prices_now, prices_seen
from rules_engine.gateway.times import read_time

PRICED = (PriceCondition, VolumeCondition, PercentChangeCondition)
Measured = PriceCondition | VolumeCondition | PercentChangeCondition | MarginCondition
_MEASURED = (*PRICED, MarginCondition)


@dataclass(slots=True)
class _Held:
    """An order, and its form when it began to wait."""

    order: Order
    form: OrderForm

    def measured(self) -> Iterator[Measured]:
        for condition in self.form.conditions:
            if isinstance(condition, _MEASURED):
                yield condition

    def executions(self) -> Iterator[ExecutionCondition]:
        for condition in self.form.conditions:
            if isinstance(condition, ExecutionCondition):
                yield condition


class Conditions:
    """Everything that is held. A tick looks only at orders whose level it reaches."""

    def __init__(
        self,
        market: Market,
        now_s: Callable[[], float],
        cushion: Callable[[str], float],
        changed: Callable[[Order], None],
    ) -> None:
        self._market = market
        self._now_s = now_s
        self._cushion = cushion
        self._changed = changed
        """Called with an order of which something must be remembered."""
        self._held: dict[int, _Held] = {}
        self._gauges: dict[Aspect, Gauge] = {}
        self._by_instrument: dict[int, dict[Aspect, Gauge]] = defaultdict(dict)
        self._cushions: dict[Aspect, Gauge] = {}
        self._shut_out: dict[Aspect, dict[int, None]] = defaultdict(dict)
        """Orders to look at again with the first price of a session: they were reached while it was closed."""
        self._on_executions: dict[tuple[str, str], dict[int, _Held]] = defaultdict(dict)

    @property
    def idle(self) -> bool:
        """Nothing is held, and no value is looked at for it."""
        return not (self._held or self._gauges or any(self._on_executions.values()))

    def hold(self, order: Order) -> bool:
        """Watch an order's conditions from now on; True when they are met already."""
        held = self._held[order.permId] = _Held(order, order.form)
        for condition in held.measured():
            self._gauge(self._aspect(held.form, condition)).add(_level(condition), order.permId)
        for trade in held.executions():
            self._on_executions[trade.symbol, trade.secType][order.permId] = held
        return self._met(held)

    def release(self, order: Order) -> None:
        """Its conditions matter no longer."""
        held = self._held.pop(order.permId, None)
        if held is None:
            return
        for condition in held.measured():
            aspect = self._aspect(held.form, condition)
            gauge = self._gauges.get(aspect)
            if gauge is not None:
                gauge.remove(_level(condition), order.permId)
                self._shut_out[aspect].pop(order.permId, None)
                if not gauge.waited_for:
                    del self._gauges[aspect], self._place_of(aspect)[aspect], self._shut_out[aspect]
        for trade in held.executions():
            self._on_executions[trade.symbol, trade.secType].pop(order.permId, None)

    def times_s(self, order: Order) -> Iterator[float]:
        """The moments at which its time conditions change."""
        for condition in order.form.conditions:
            if isinstance(condition, TimeCondition):
                yield read_time(condition.time)

    def looked_at(self, order: Order) -> bool:
        """Look again at one order, as when a moment has come; True when its conditions are met."""
        held = self._held.get(order.permId)
        return held is not None and self._met(held)

    def ticked(self, moved: Mapping[int, Sequence[Tick]], *, margins: bool) -> list[Order]:
        """Orders whose conditions are met by what instruments did at one instant, whichever of them is told first.

        With ``margins`` the prices moved what accounts are worth.
        """
        gauges = [item for conId in moved for item in self._by_instrument.get(conId, {}).items()]
        if margins:
            gauges += self._cushions.items()
        reached: dict[int, None] = {}
        for aspect, gauge in gauges:
            touched = dict.fromkeys(gauge.move(self._values(aspect, moved)))
            if self._is_closed(aspect):
                self._shut_out[aspect].update(touched)
            else:
                reached.update(touched)
                reached.update(self._shut_out.pop(aspect, {}))
        met = self._those_met(reached)
        for _, gauge in gauges:
            gauge.settle()
        return met

    def margins_moved(self) -> list[Order]:
        """Orders that wait for a margin cushion which is there now."""
        return self.ticked({}, margins=True)

    def traded(self, execution: Execution) -> list[Order]:
        """Orders that waited for a trade like this one."""
        contract = execution.contract
        waiting = self._on_executions.get((contract.symbol, contract.secType), {})
        for held in waiting.values():
            if held.form.account != execution.account:
                continue
            for place, condition in enumerate(held.form.conditions):
                if place not in held.order.traded and _names(condition, execution):
                    held.order.traded += (place,)
                    self._changed(held.order)
        return self._those_met(waiting)

    def _those_met(self, permIds: Iterable[int]) -> list[Order]:
        candidates = [self._held[permId] for permId in permIds]
        return [held.order for held in candidates if self._met(held)]

    def _met(self, held: _Held) -> bool:
        conditions = held.form.conditions
        result = self._holds(held, 0)
        for place in range(1, len(conditions)):
            if conditions[place - 1].conjunction == "a":
                result = result and self._holds(held, place)
            else:
                result = result or self._holds(held, place)
        return result

    def _holds(self, held: _Held, place: int) -> bool:
        match held.form.conditions[place]:
            case TimeCondition(isMore=later, time=text):
                moment_s = read_time(text)
                return self._now_s() >= moment_s if later else self._now_s() <= moment_s
            case ExecutionCondition():
                return place in held.order.traded
            case measured:
                aspect = self._aspect(held.form, measured)
                if self._is_closed(aspect):
                    self._shut_out[aspect][held.order.permId] = None
                    return False
                return self._gauges[aspect].reaches(_level(measured), held.order.permId)

    def _gauge(self, aspect: Aspect) -> Gauge:
        gauge = self._gauges.get(aspect)
        if gauge is None:
            gauge = self._gauges[aspect] = Gauge(up=aspect.up, double=aspect.measure in DOUBLE)
            self._place_of(aspect)[aspect] = gauge
            gauge.move(self._values(aspect, {}))
            gauge.settle()
        return gauge

    def _place_of(self, aspect: Aspect) -> dict[Aspect, Gauge]:
        return self._by_instrument[aspect.subject] if isinstance(aspect.subject, int) else self._cushions

    def _values(self, aspect: Aspect, moved: Mapping[int, Sequence[Tick]]) -> Iterable[float]:
        """What the instruments that moved say of one thing, in order; what stands now where nothing moved."""
        if isinstance(aspect.subject, int):
            return _values(aspect, moved.get(aspect.subject, ()), self._market.quote(aspect.subject))
        return [self._cushion(aspect.subject) * 100.0]

    def _is_closed(self, aspect: Aspect) -> bool:
        """An account is never closed."""
        return isinstance(aspect.subject, int) and not self._market.is_open(
            aspect.subject, self._now_s(), aspect.outside_hours
        )

    def _aspect(self, form: OrderForm, condition: Measured) -> Aspect:
        outside = form.conditionsIgnoreRth
        match condition:
            case PriceCondition(conId=conId, triggerMethod=number, isMore=up):
                listing = self._market.catalogue.listing(conId)
                assert listing is not None, "an order with an unknown trigger contract was accepted"
                return Aspect(conId, method_of(number, listing.contract.secType), up, outside)
            case VolumeCondition(conId=conId, isMore=up):
                return Aspect(conId, Measure.VOLUME, up, outside)
            case PercentChangeCondition(conId=conId, isMore=up):
                return Aspect(conId, Measure.CHANGE, up, outside)
            case MarginCondition(isMore=up):
                return Aspect(form.account, Measure.CUSHION, up, True)


def _level(condition: Measured) -> float:
    match condition:
        case PriceCondition(price=level) | VolumeCondition(volume=level):
            return level
        case PercentChangeCondition(changePercent=level) | MarginCondition(percent=level):
            return level


def _values(aspect: Aspect, ticks: Sequence[Tick], quote: Quote) -> Iterable[float]:
    """What one instant says about an instrument, in order; what stands now when nothing moves."""
    measure = aspect.measure
    if isinstance(measure, Method):
        return prices_seen(measure, aspect.up, ticks, quote) if ticks else prices_now(measure, aspect.up, quote)
    return [quote.volume] if measure is Measure.VOLUME else _changes_percent(ticks, quote)


def _changes_percent(ticks: Sequence[Tick], quote: Quote) -> Iterator[float]:
    if not quote.close:
        return
    prices = [tick.price for tick in ticks if tick.kind is TickKind.TRADE]
    standing = quote.last if quote.last is not None else quote.mid
    for price in prices or ([] if standing is None else [standing]):
        yield (price - quote.close) / quote.close * 100.0


def _names(condition: Condition, execution: Execution) -> bool:
    contract = execution.contract
    return (
        isinstance(condition, ExecutionCondition)
        and condition.symbol == contract.symbol
        and condition.secType == contract.secType
        and condition.exchange in ("", "SMART", execution.exchange, contract.exchange)
    )
