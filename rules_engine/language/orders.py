"""The parts of an action's sentence into what a rule does."""

from datetime import datetime

from lark import Token

from rules_engine.conditions.phrase import Misspoken
from rules_engine.conditions.time_of_day import ClockTime
from rules_engine.language.arithmetic import constant_value, is_constant
from rules_engine.language.codes import Code
from rules_engine.language.moments import moment_s
from rules_engine.language.values import Values
from rules_engine.model.action import (
    AtLimit,
    AtMarket,
    AtMidpoint,
    AtStop,
    CancelOrders,
    ClosePosition,
    Duration,
    Notify,
    PlaceOrder,
    Pricing,
    Quantity,
    Side,
    TimeInForce,
    Trailing,
)
from rules_engine.model.direction import Amount
from rules_engine.model.expression import Expression, Number, walk
from rules_engine.model.instrument import Instrument

_OUTSIDE = "outside hours"
OrderWord = TimeInForce | str


class Orders(Values):
    """Adds the words of actions to those of values."""

    def order(
        self,
        side: Side,
        quantity: Quantity,
        instrument: Instrument,
        pricing: Pricing | None,
        *words: OrderWord,
    ) -> PlaceOrder:
        time_in_force, outside_hours = _settled(words)
        refuse_unorderable(instrument)
        return PlaceOrder(side, quantity, instrument, pricing or AtMarket(), time_in_force, outside_hours)

    def entry(self, quantity: Quantity, instrument: Instrument) -> tuple[Quantity, Instrument]:
        refuse_unorderable(instrument)
        return quantity, instrument

    def entry_price(self, pricing: Pricing, *words: OrderWord) -> tuple[Pricing, TimeInForce | None, bool]:
        return pricing, *_settled(words)

    def buy(self) -> Side:
        return Side.BUY

    def sell(self) -> Side:
        return Side.SELL

    def units(self, amount: Expression) -> Quantity:
        self._refuse_not_positive(amount)
        if any(isinstance(part, Number) and part.percent for part in walk(amount)):
            raise Misspoken("a percentage of what?", "write '5% of equity in MA', or a number of shares", 0)
        return Quantity(amount)

    def share_of_equity(self, amount: Expression) -> Quantity:
        self._refuse_not_positive(amount)
        if isinstance(amount, Number) and not amount.percent:
            raise Misspoken("a share of equity is a percentage", f"write '{amount}% of equity in'", 0)
        return Quantity(amount, of_equity=True)

    def _refuse_not_positive(self, amount: Expression) -> None:
        value = constant_value(amount) if is_constant(amount) else 1.0
        if value is None or value <= 0:
            raise Misspoken("a quantity must be more than zero", "write how many to buy or sell", 0)

    def at_market(self) -> Pricing:
        return AtMarket()

    def at_midpoint(self) -> Pricing:
        return AtMidpoint()

    def at_limit(self, limit: Expression) -> Pricing:
        _refuse_percentage(limit, 0)
        return AtLimit(limit)

    def at_stop(self, stop: Expression, limit: Expression | None) -> Pricing:
        _refuse_percentage(stop, 0)
        _refuse_percentage(limit, 1)
        return AtStop(stop, limit)

    def trailing(self, by: Amount) -> Pricing:
        return Trailing(by)

    def day(self) -> OrderWord:
        return TimeInForce(Duration.DAY)

    def good_till_cancelled(self) -> OrderWord:
        return TimeInForce(Duration.GOOD_TILL_CANCELLED)

    def good_till(self, clock: ClockTime) -> OrderWord:
        if clock.on is None:
            raise Misspoken("'good till' needs a date", f"write 'good till 2030-12-18 {clock}'", 0)
        until = datetime.combine(clock.on, clock.at)
        return TimeInForce(Duration.GOOD_TILL_DATE, moment_s(until, self.scope.timezone), str(clock))

    def immediate_or_cancel(self) -> OrderWord:
        return TimeInForce(Duration.IMMEDIATE_OR_CANCEL)

    def fill_or_kill(self) -> OrderWord:
        return TimeInForce(Duration.FILL_OR_KILL)

    def outside_hours(self) -> OrderWord:
        return _OUTSIDE

    def close(self, instrument: Instrument) -> ClosePosition:
        refuse_unorderable(instrument)
        return ClosePosition(instrument)

    def cancel_of(self, words: Token) -> CancelOrders:
        return CancelOrders(rule=words.split()[-1])

    def cancel_in(self, instrument: Instrument) -> CancelOrders:
        return CancelOrders(instrument=instrument)

    def notify(self, channel: Token) -> Notify:
        return Notify(str(channel))


class NotOrderable(Misspoken):
    """The instrument can be watched but not traded."""

    code = Code.NOT_ORDERABLE


def refuse_unorderable(instrument: Instrument) -> None:
    """An index has a value but nobody sells it."""
    if not instrument.orderable:
        hint = "order a future, a CFD or a fund on it"
        raise NotOrderable(f"'{instrument.name}' is an index and cannot be ordered", hint)


def _refuse_percentage(price: Expression | None, part: int) -> None:
    if isinstance(price, Number) and price.percent:
        raise Misspoken("an order's price is not a percentage", "write a price, as in 'at limit MA.ask * 1.01'", part)


def _settled(words: tuple[OrderWord, ...]) -> tuple[TimeInForce | None, bool]:
    times = [word for word in words if isinstance(word, TimeInForce)]
    if len(times) > 1 or len(words) - len(times) > 1:
        raise Misspoken("two words of one kind in one order", "keep one time in force, and 'outside hours' once")
    return (times[0] if times else None), _OUTSIDE in words
