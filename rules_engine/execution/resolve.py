"""What a rule does, in expressions, into order legs with exact quantities and prices."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from math import isfinite

from rules_engine.execution.book import Refusal
from rules_engine.execution.closing import keepers_words, left_to_close
from rules_engine.execution.exposure import contract_in, is_one_contract
from rules_engine.execution.ports import Market
from rules_engine.execution.sizes import orderable, sizes_words
from rules_engine.model.action import (
    Action,
    AtLimit,
    AtMarket,
    AtMidpoint,
    AtStop,
    Bracket,
    CancelOrders,
    ClosePosition,
    Duration,
    Notify,
    OneCancelsAll,
    PlaceOrder,
    Side,
    TimeInForce,
    Trailing,
)
from rules_engine.model.direction import Amount
from rules_engine.model.expression import AccountField, AccountReading, Expression, spell_number
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Instrument
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft, OrderKind, Unit
from rules_engine.model.order_words import plain
from rules_engine.model.price_step import round_limit, round_stop, round_up
from rules_engine.model.reports import Traded

DAY = TimeInForce(Duration.DAY)
GOOD_TILL_CANCELLED = TimeInForce(Duration.GOOD_TILL_CANCELLED)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everything that one firing does: its orders as one unit, and the cancellations before them.

    ``cancels`` name a contract by each of its names. ``rest`` are our open orders that it does not cancel: what the
    unit is checked against. ``remarks`` say in what the orders fall short of the actions.
    """

    unit: Unit
    cancels: tuple[CancelOrders, ...] = ()
    rest: Sequence[Intent] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """The rule's `expires`, which wins over `good till cancelled`; ``text`` is its spelling."""

    at_s: float
    text: str


def resolve(
    actions: Sequence[Action], market: Market, open_intents: Sequence[Intent], ending: Ending | None = None
) -> Resolved | Refusal:
    """All of the actions with today's numbers, or why none of them is done. ``open_intents`` are our own."""
    legs: list[OrderDraft] = []
    asked = (action for action in actions if isinstance(action, CancelOrders))
    cancels = tuple(one for cancel in asked for one in _by_every_name(cancel, market, open_intents))
    rest = tuple(intent for intent in open_intents if not any(_is_cancelled(intent, cancel) for cancel in cancels))
    numbers = _Numbers(market, rest, ending)
    try:
        for action in actions:
            legs += _legs(action, numbers, len(legs))
        remarks = tuple(remark for leg in legs if leg.closes for remark in _stays(leg, numbers))
    except _Refused as refused:
        return refused.refusal
    return Resolved(tuple(legs), cancels, rest, remarks)


class _Refused(Exception):
    """Leaves the resolution of the whole firing: half of its orders is not what the rule says."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, detail)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Reads the market; whatever is unknown holds the firing back."""

    market: Market
    working: Sequence[Intent]
    ending: Ending | None

    def value(self, expression: Expression) -> Decimal:
        value = self.market.read(expression)
        if value is None or not isfinite(value):
            raise _Refused(Reason.UNKNOWN_DATA, str(expression))
        return Decimal(spell_number(value))

    def traded(self, instrument: Instrument) -> Traded:
        traded = self.market.traded(instrument.name)
        if traded is None:
            raise _Refused(Reason.NO_PRICE, f"IB has not confirmed the contract {instrument.name}")
        return traded

    def touch(self, instrument: Instrument, side: Side) -> Decimal:
        """What the market asks from who buys, or bids to who sells."""
        quote = self.market.quote(instrument.name)
        price = None if quote is None else quote.ask if side is Side.BUY else quote.bid
        if price is None:
            raise _Refused(Reason.NO_PRICE, f"no {'ask' if side is Side.BUY else 'bid'} of {instrument.name}")
        return price

    def limit(self, instrument: Instrument, side: Side, price: Decimal) -> Decimal:
        """A limit price on the contract's price step."""
        return self._stepped(instrument, price, partial(round_limit, side))

    def stop(self, instrument: Instrument, side: Side, price: Decimal) -> Decimal:
        """A stop price on the contract's price step."""
        return self._stepped(instrument, price, partial(round_stop, side))

    def distance(self, instrument: Instrument, amount: Decimal) -> Decimal:
        """A trailing amount on the contract's price step."""
        return self._stepped(instrument, amount, round_up)

    def _stepped(
        self, instrument: Instrument, price: Decimal, rounded: Callable[[Decimal, Decimal], Decimal]
    ) -> Decimal:
        step = self.traded(instrument).min_tick
        if step > 0:
            price = rounded(price, step)
        if price <= 0:
            raise _Refused(Reason.BAD_PRICE, f"{plain(price)} for {instrument.name}")
        return price


def _legs(action: Action, numbers: _Numbers, first: int) -> Unit:
    """The legs of one action; ``first`` is the number of the first of them within the unit."""
    match action:
        case PlaceOrder():
            return (_order(action, numbers),)
        case Bracket():
            return _bracket(action, numbers, first)
        case OneCancelsAll(orders, remaining):
            return tuple(replace(_order(order, numbers), group=f"g{first}", remaining=remaining) for order in orders)
        case ClosePosition(instrument):
            return (_close(instrument, numbers),)
        case CancelOrders() | Notify():
            return ()


def _order(order: PlaceOrder, numbers: _Numbers) -> OrderDraft:
    draft = OrderDraft(
        order.instrument,
        order.side,
        Decimal(0),
        OrderKind.MARKET,
        _time_in_force(order.time_in_force, numbers.ending),
        outside_hours=order.outside_hours,
    )
    draft = _priced(draft, order, numbers)
    return replace(draft, quantity=_quantity(order, draft, numbers))


def _priced(draft: OrderDraft, order: PlaceOrder, numbers: _Numbers) -> OrderDraft:
    instrument, side = order.instrument, order.side
    match order.pricing:
        case AtMarket():
            return draft
        case AtMidpoint():
            return replace(draft, kind=OrderKind.MIDPRICE)
        case AtLimit(limit):
            return replace(draft, kind=OrderKind.LIMIT, limit=numbers.limit(instrument, side, numbers.value(limit)))
        case AtStop(stop, None):
            return replace(draft, kind=OrderKind.STOP, stop=numbers.stop(instrument, side, numbers.value(stop)))
        case AtStop(stop, limit):
            assert limit is not None
            return replace(
                draft,
                kind=OrderKind.STOP_LIMIT,
                stop=numbers.stop(instrument, side, numbers.value(stop)),
                limit=numbers.limit(instrument, side, numbers.value(limit)),
            )
        case Trailing(by) if by.relative:
            percent = Decimal(spell_number(by.value * 100))
            if percent <= 0:
                raise _Refused(Reason.BAD_PRICE, f"trailing {by}")
            return replace(draft, kind=OrderKind.TRAILING, trail_percent=percent)
        case Trailing(by):
            amount = numbers.distance(instrument, Decimal(spell_number(by.value)))
            return replace(draft, kind=OrderKind.TRAILING, trail_amount=amount)


def _quantity(order: PlaceOrder, draft: OrderDraft, numbers: _Numbers) -> Decimal:
    amount = numbers.value(order.quantity.amount)
    quantity = _of_equity(amount, draft, numbers) if order.quantity.of_equity else amount
    if quantity <= 0:
        raise _Refused(Reason.BAD_QUANTITY, f"{order.quantity} {order.instrument.name} is {plain(quantity)}")
    return quantity


def _of_equity(share: Decimal, draft: OrderDraft, numbers: _Numbers) -> Decimal:
    """Whole shares or contracts for that share of the account's equity, at the order's own price or the market's."""
    equity = numbers.value(AccountReading(AccountField.EQUITY))
    traded = numbers.traded(draft.instrument)
    rate = numbers.market.exchange_rate(traded.currency)
    if rate is None or rate <= 0:
        raise _Refused(Reason.NO_PRICE, f"no exchange rate for {traded.currency}")
    written = draft.limit if draft.limit is not None else draft.stop
    price = written if written is not None else numbers.touch(draft.instrument, draft.side)
    one = price * traded.multiplier * rate
    if one <= 0:
        raise _Refused(Reason.NO_PRICE, f"{draft.instrument.name} at {plain(price)}")
    return orderable((equity * share / one).to_integral_value(ROUND_FLOOR), traded)


def _bracket(bracket: Bracket, numbers: _Numbers, first: int) -> Unit:
    entry = _order(bracket.entry, numbers)
    written = entry.limit if entry.limit is not None else entry.stop
    base = written if written is not None else numbers.touch(entry.instrument, entry.side)
    child = replace(
        entry, side=entry.side.opposite, limit=None, stop=None, time_in_force=GOOD_TILL_CANCELLED, parent=first
    )
    child = replace(child, trail_amount=None, trail_percent=None)
    legs = [entry]
    if bracket.take_profit is not None:
        level = _level(bracket.take_profit, base, entry.side, numbers)
        price = numbers.limit(entry.instrument, child.side, level)
        _require_beyond(price, base, entry.side is Side.BUY, "take profit")
        legs.append(replace(child, kind=OrderKind.LIMIT, limit=price))
    if bracket.stop is not None:
        level = _level(bracket.stop, base, entry.side, numbers)
        price = numbers.stop(entry.instrument, child.side, level)
        _require_beyond(price, base, entry.side is Side.SELL, "stop")
        legs.append(replace(child, kind=OrderKind.STOP, stop=price))
    return tuple(legs)


def _level(level: Amount | Expression, base: Decimal, side: Side, numbers: _Numbers) -> Decimal:
    """A child's price. An amount is profit when positive and loss when negative, whichever way the entry goes."""
    if not isinstance(level, Amount):
        return numbers.value(level)
    amount = Decimal(spell_number(level.value)) * (base if level.relative else 1)
    return base + amount if side is Side.BUY else base - amount


def _require_beyond(price: Decimal, base: Decimal, above: bool, words: str) -> None:
    if price <= base if above else price >= base:
        where = "above" if above else "below"
        raise _Refused(Reason.WRONG_SIDE, f"the {words} {plain(price)} must be {where} the entry's {plain(base)}")


def _close(instrument: Instrument, numbers: _Numbers) -> OrderDraft:
    """The position less what already closes it, at market, as far as IB takes orders for it."""
    position = numbers.market.position(instrument.name)
    if position is None:
        raise _Refused(Reason.POSITION_UNKNOWN, instrument.name)
    if not position:
        raise _Refused(Reason.NOTHING_TO_CLOSE, f"{instrument.name}: nothing is held")
    side = Side.SELL if position > 0 else Side.BUY
    way = (instrument, side, numbers.working, partial(contract_in, numbers.market))
    left = left_to_close(position, *way)
    if left <= 0:
        why = f"nothing of {plain(abs(position))} {instrument.name} is left"
        raise _Refused(Reason.NOTHING_TO_CLOSE, f"{why}; {keepers_words(*way)}")
    traded = numbers.traded(instrument)
    if not (quantity := orderable(left, traded)):
        why = f"{plain(left)} {instrument.name} are left, {sizes_words(traded)}"
        raise _Refused(Reason.NOTHING_TO_CLOSE, why)
    return OrderDraft(instrument, side, quantity, OrderKind.MARKET, DAY, closes=True)


def _stays(leg: OrderDraft, numbers: _Numbers) -> Sequence[str]:
    """What of the position the closing order leaves, since IB takes no order for it."""
    name, traded = leg.instrument.name, numbers.traded(leg.instrument)
    position = abs(numbers.market.position(name) or Decimal(0))
    stays = position - orderable(position, traded)
    return [f"{plain(stays)} {name} cannot be closed and stay: {sizes_words(traded)}."] if stays else []


def _time_in_force(written: TimeInForce | None, ending: Ending | None) -> TimeInForce:
    if written is None:
        return DAY
    if written.duration is Duration.GOOD_TILL_CANCELLED and ending is not None:
        return TimeInForce(Duration.GOOD_TILL_DATE, ending.at_s, ending.text)
    return written


def _by_every_name(cancel: CancelOrders, market: Market, intents: Sequence[Intent]) -> Sequence[CancelOrders]:
    """In an instrument: in its contract, under each name that our orders in it bear."""
    if (of := cancel.instrument) is None:
        return (cancel,)
    named = {intent.draft.instrument.name: intent.draft.instrument for intent in intents} | {of.name: of}
    return [CancelOrders(instrument=one) for one in named.values() if is_one_contract(market, one, of)]


def _is_cancelled(intent: Intent, cancel: CancelOrders) -> bool:
    return cancel.means(intent.rule, intent.draft.instrument.name)
