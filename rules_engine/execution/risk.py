"""The gate before every send: each limit fails closed and names itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from rules_engine.execution import totals
from rules_engine.execution.active_orders import active_orders
from rules_engine.execution.allowed import allowed
from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.closing import keepers_words, left_to_close
from rules_engine.execution.exposure import Exposed, awake, contract_in, of_intents, of_unit, pending, pending_of_others
from rules_engine.execution.finite_market import FiniteMarket
from rules_engine.execution.ports import Market, Quote
from rules_engine.execution.rule_profit import RuleProfit
from rules_engine.execution.sizes import odd_size, orderable
from rules_engine.execution.worst_price import worst_price, written_price
from rules_engine.model.action import Side
from rules_engine.model.clock import Clock
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Kind
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind, Unit
from rules_engine.model.order_words import plain
from rules_engine.model.reports import Traded
from rules_engine.model.settings import Limits

QUOTE_AGE_MAX_S = 60.0
QUOTE_AHEAD_MAX_S = 5.0
DUPLICATE_WINDOW_S = 60.0
OTHERS_AGE_MAX_S = 5.0
"""An order that is not ours may be gone since: nothing is refused for it on older word of IB."""
_HOURS_OVER = "may be closed: all hours that IB told of are over, a new connection reads its hours anew"


class RiskGate:
    """Checks a unit against the limits.

    `max_orders_per_day` counts legs, since each is an order at IB; its day begins at midnight in ``timezone``.
    """

    def __init__(self, limits: Limits, market: Market, clock: Clock, timezone: str = "America/New_York") -> None:
        self._limits = limits
        self._market = FiniteMarket(market)
        self._contract_of = partial(contract_in, self._market)
        self._clock = clock
        self._zone = ZoneInfo(timezone)
        self._day = (math.inf, math.inf)
        """When the day that was asked about last began, and when it ends."""

    def check(self, unit: Unit, book: Book, rule: str = "") -> Refusal | None:
        """The first limit that the unit would break, or None. Nothing may be awaited between this and the commit."""
        return (
            totals.orders_today(unit, book, self._limits, rule)
            or _first(lambda leg: self._leg(leg, unit, book), unit)
            or active_orders(unit, book, self._limits, self._market)
            or totals.loss_today(unit, self._limits, self._market)
            or totals.loss_of_rule_today(unit, rule, book, self._limits, self._market, self.day_start_s)
            or totals.values(unit, rule, book, self._limits, self._market)
        )

    def fitted(self, unit: Unit, book: Book) -> Unit:
        """The unit with each closing order for what is left to close now, which may be another amount than when it was
        decided. One for which nothing is left, or that nothing is known of, stays as it is: `check` says why."""
        return tuple(self._fitted(leg, unit, book) for leg in unit)

    def is_flat(self, leg: OrderDraft) -> bool:
        """Whether nothing is held that a closing order could close, whatever else may close it too."""
        position = self._market.position(leg.instrument.name)
        return position is not None and (position if leg.side is Side.SELL else -position) <= 0

    def unpriced(self, profit: RuleProfit) -> Sequence[str]:
        """Instruments for want of whose prices a rule's daily loss cannot be checked."""
        if self._limits.max_daily_loss_per_rule is None:
            return []
        return profit.unknown(self._market, self.day_start_s())

    def day_start_s(self) -> float:
        """When the present day began."""
        now_s = self._clock.now_s()
        if not self._day[0] <= now_s < self._day[1]:
            today = datetime.fromtimestamp(now_s, self._zone).date()
            self._day = self._midnight_s(today), self._midnight_s(today + timedelta(days=1))
        return self._day[0]

    def _midnight_s(self, day: date) -> float:
        return datetime.combine(day, time(), self._zone).timestamp()

    def _leg(self, leg: OrderDraft, unit: Unit, book: Book) -> Refusal | None:
        traded = self._market.traded(leg.instrument.name)
        if traded is None:
            return Refusal(Reason.NO_PRICE, f"IB has not confirmed the contract {leg.instrument.name}")
        quote = self._market.quote(leg.instrument.name)
        return (
            allowed(leg, traded, self._limits)
            or self._over(leg)
            or self._quantity(leg, traded)
            or self._hours(leg, traded)
            or self._halted(leg, quote)
            or self._closing(leg, unit, book)
            or self._short(leg, traded, unit, book)
            or self._duplicate(leg, book)
            or self._priced(leg, traded, self._fresh(leg, quote), unit, book)
        )

    def _over(self, leg: OrderDraft) -> Refusal | None:
        """What IB makes of an order whose end has passed is not known: it may reject it, or say nothing at all."""
        until_s = leg.time_in_force.until_s
        if until_s is None or self._clock.now_s() <= until_s:
            return None
        return Refusal(Reason.TOO_LATE, f"{leg.instrument.name} {leg.time_in_force}")

    def _quantity(self, leg: OrderDraft, traded: Traded) -> Refusal | None:
        most = self._limits.max_order_quantity
        if not leg.quantity.is_finite() or leg.quantity <= 0:
            return Refusal(Reason.BAD_QUANTITY, f"{leg.quantity} {leg.instrument.name}")
        if found := odd_size(leg, traded):
            return found
        if most is None or leg.closes or leg.quantity <= most:
            return None  # Whatever is held may be closed at once: that it is no more, `_closing` sees to.
        return Refusal(Reason.OVER_LIMIT, f"max_order_quantity is {plain(most)}, this is for {plain(leg.quantity)}")

    def _hours(self, leg: OrderDraft, traded: Traded) -> Refusal | None:
        if leg.conditions or leg.outside_hours or leg.parent is not None or not traded.sessions:
            return None
        now_s = self._clock.now_s()
        if any(start_s <= now_s < end_s for start_s, end_s in traded.sessions):
            return None
        is_told = now_s < max(end_s for _, end_s in traded.sessions)
        why = f"{leg.instrument.name} {'is closed now' if is_told else _HOURS_OVER}"
        return Refusal(Reason.MARKET_CLOSED, f"{why}; 'outside hours' would send anyway")

    def _halted(self, leg: OrderDraft, quote: Quote | None) -> Refusal | None:
        if quote is None or not quote.halted or leg.conditions or leg.parent is not None:
            return None
        return Refusal(Reason.TRADING_HALTED, leg.instrument.name)

    def _closing(self, leg: OrderDraft, unit: Unit, book: Book) -> Refusal | None:
        """A closing order may never be larger than what is left to close when everything else on that side fills."""
        if not leg.closes:
            return None
        left = self._left_to_close(leg, unit, book)
        if left is None:
            return Refusal(Reason.POSITION_UNKNOWN, leg.instrument.name)
        if leg.quantity <= left:
            return None
        why = f"{plain(max(left, Decimal(0)))} {leg.instrument.name} left to close"
        keepers = keepers_words(leg.instrument, leg.side, book.open, self._contract_of)
        return Refusal(Reason.NOTHING_TO_CLOSE, f"{why}; {keepers}" if keepers else why)

    def _left_to_close(self, leg: OrderDraft, unit: Unit, book: Book) -> Decimal | None:
        """What the rest of the unit and all that is open leave to a closing order of it."""
        position = self._market.position(leg.instrument.name)
        if position is None:
            return None
        beside = of_unit(tuple(one for one in unit if one is not leg and one.parent is None), self._contract_of)
        left = left_to_close(position, leg.instrument, leg.side, book.open, self._contract_of)
        return left - pending(beside, self._contract_of(leg.instrument), leg.side)

    def _fitted(self, leg: OrderDraft, unit: Unit, book: Book) -> OrderDraft:
        traded = self._market.traded(leg.instrument.name)
        left = self._left_to_close(leg, unit, book) if leg.closes else None
        if left is None or traded is None or (quantity := orderable(left, traded)) <= 0:
            return leg
        return replace(leg, quantity=quantity)

    def _short(self, leg: OrderDraft, traded: Traded, unit: Unit, book: Book) -> Refusal | None:
        stock = traded.kind == Kind.STOCK and leg.side is Side.SELL and leg.parent is None
        if self._limits.allow_short or not stock:
            return None
        position = self._market.position(leg.instrument.name)
        if position is None:
            return Refusal(Reason.POSITION_UNKNOWN, f"a sale of {leg.instrument.name} might be short")
        # What protects a position may sell it too. That of this very unit follows entries that have not filled.
        entries = of_unit(tuple(one for one in unit if one.parent is None), self._contract_of)
        legs = [*entries, *of_intents(awake(book.open), self._contract_of)]
        name, way = leg.instrument.name, (self._contract_of(leg.instrument), Side.SELL)
        selling, elsewhere = pending(legs, *way, children=True), pending_of_others(book.others, *way)
        if selling + elsewhere <= position:
            return None
        if selling <= position:
            return self._short_by_others(position, selling, elsewhere, name, book)
        why = f"limits.allow_short is false: {plain(position)} {name} held, {plain(selling)} to sell"
        if protecting := selling - pending(legs, *way):
            why += f", of which {plain(protecting)} by brackets that protect it ('cancel orders in {name}' ends those)"
        return Refusal(Reason.SHORT_SALE, why)

    def _short_by_others(
        self, position: Decimal, selling: Decimal, elsewhere: Decimal, name: str, book: Book
    ) -> Refusal:
        """IB tells of orders that are not ours only when it is asked."""
        if abs(self._clock.now_s() - book.others_s) > OTHERS_AGE_MAX_S:
            return Refusal(Reason.UNKNOWN_DATA, f"whether {plain(elsewhere)} {name} are still to be sold elsewhere")
        return Refusal(
            Reason.SHORT_SALE,
            f"limits.allow_short is false: {plain(position)} {name} held, {plain(selling)} to sell beside"
            f" {plain(elsewhere)} by orders that were placed elsewhere, such as in TWS; cancel those there first",
        )

    def _duplicate(self, leg: OrderDraft, book: Book) -> Refusal | None:
        if leg.conditions or leg.parent is not None or leg.closes:
            return None  # What closes is never for more than is left: a position that came back may go at once.
        terms = _terms(leg)
        for other in book.recent:
            draft = other.draft
            if _terms(draft) != terms or draft.conditions or draft.parent is not None or other.sent_s is None:
                continue
            came_to_nothing = other.state.is_over and other.filled == 0
            # A clock that was set back makes what was sent long ago come of a time to come.
            is_recent = abs(self._clock.now_s() - other.sent_s) < DUPLICATE_WINDOW_S
            is_same = self._contract_of(draft.instrument) == self._contract_of(leg.instrument)
            if is_recent and is_same and not came_to_nothing:
                return Refusal(Reason.DUPLICATE, f"rule {other.rule} sent it ({other.key})")
        return None

    def _priced(self, leg: OrderDraft, traded: Traded, quote: Quote | None, unit: Unit, book: Book) -> Refusal | None:
        if leg.parent is not None:
            return None  # It undoes an entry that was checked, at a price measured from that entry.
        return self._at_market(leg, quote) or self._limited(leg, traded, quote, unit, book)

    def _at_market(self, leg: OrderDraft, quote: Quote | None) -> Refusal | None:
        """An order that takes whatever price there is needs a market that can be seen, now, from both sides."""
        limits, name = self._limits, leg.instrument.name
        if limits.max_spread is None or leg.kind is not OrderKind.MARKET or leg.conditions:
            return None
        if quote is None or quote.bid is None or quote.ask is None:
            return Refusal(Reason.NO_PRICE, f"max_spread cannot be checked: {name} has no bid and ask")
        age_s = self._clock.now_s() - quote.time_s
        if age_s > limits.max_price_age_s:
            old = f"max_price_age is {limits.max_price_age_s:g}s, the newest price of {name} came {age_s:.0f}s ago"
            return Refusal(Reason.NO_PRICE, old)
        spread, middle = abs(quote.ask - quote.bid), (quote.ask + quote.bid) / 2
        if middle > 0 and spread <= limits.max_spread * middle:
            return None
        share = f"{spread / middle * 100:.1f}%" if middle > 0 else "not to be measured"
        # An exit waits a while for a better market; an entry that has to wait is no more the one that was meant.
        reason = Reason.TOO_WIDE if leg.closes else Reason.OVER_LIMIT
        return Refusal(reason, f"max_spread is {plain(limits.max_spread * 100)}%, that of {name} is {share}")

    def _limited(self, leg: OrderDraft, traded: Traded, quote: Quote | None, unit: Unit, book: Book) -> Refusal | None:
        limits = self._limits
        # What closes makes no position larger, and may be worth whatever it has come to.
        has_value = not leg.closes and (limits.max_order_value is not None or limits.max_position_value is not None)
        if limits.price_collar is None and not has_value:
            return None
        reference = _reference(leg, quote)
        market = _market_price(leg, quote, reference)
        written, worst = written_price(leg), worst_price(leg, market)
        price = market if written is None else written
        if reference is None or price is None or worst is None:
            return Refusal(Reason.NO_PRICE, f"{leg.instrument.name} has no price of the last {QUOTE_AGE_MAX_S:.0f}s")
        if (collared := self._collar(leg, price, reference)) or not has_value:
            return collared
        return self._values(leg, traded, worst, unit, book)

    def _fresh(self, leg: OrderDraft, quote: Quote | None) -> Quote | None:
        """The quote, where it is new enough to check the leg against."""
        if quote is None or leg.conditions:
            return quote  # What waits at IB for its trigger is checked against the newest price there is.
        # A price from the future is one from before the clock was set back: nobody knows how old it is.
        return quote if -QUOTE_AHEAD_MAX_S <= self._clock.now_s() - quote.time_s <= QUOTE_AGE_MAX_S else None

    def _collar(self, leg: OrderDraft, price: Decimal, reference: Decimal) -> Refusal | None:
        collar = self._limits.price_collar
        if collar is None or abs(price - reference) <= collar * abs(reference):
            return None
        away = abs(price - reference) / abs(reference) * 100 if reference else Decimal("Infinity")
        return Refusal(
            Reason.OVER_LIMIT,
            f"price_collar is {plain(collar * 100)}%, {plain(price)} is {away:.1f}% away from the market's"
            f" {plain(reference)} in {leg.instrument.name}",
        )

    def _values(self, leg: OrderDraft, traded: Traded, price: Decimal, unit: Unit, book: Book) -> Refusal | None:
        limits = self._limits
        rate = self._market.exchange_rate(traded.currency)
        if rate is None or rate <= 0:
            return Refusal(Reason.NO_PRICE, f"no exchange rate for {traded.currency}")
        one = abs(price) * traded.multiplier * rate
        value = leg.quantity * one
        if limits.max_order_value is not None and value > limits.max_order_value:
            most = plain(limits.max_order_value)
            return Refusal(Reason.OVER_LIMIT, f"max_order_value is {most}, the order's value is {value:.2f}")
        return self._position_value(leg, one, unit, book)

    def _position_value(self, leg: OrderDraft, one: Decimal, unit: Unit, book: Book) -> Refusal | None:
        most = self._limits.max_position_value
        if most is None:
            return None
        name = leg.instrument.name
        position = self._market.position(name)
        if position is None:
            return Refusal(Reason.POSITION_UNKNOWN, f"max_position_value cannot be checked for {name}")
        sign = 1 if leg.side is Side.BUY else -1
        after = sign * position + pending(self._exposed(unit, book), self._contract_of(leg.instrument), leg.side)
        if after * one <= most:
            return None
        return Refusal(
            Reason.OVER_LIMIT,
            f"max_position_value is {plain(most)}, {name} would come to {after * one:.2f}",
        )

    def _exposed(self, unit: Unit, book: Book) -> Sequence[Exposed]:
        return [*of_unit(unit, self._contract_of), *of_intents(book.open, self._contract_of)]


def _terms(draft: OrderDraft) -> tuple[object, ...]:
    """What makes two orders in one contract the same to whoever looks at them."""
    prices = (draft.limit, draft.stop, draft.trail_amount, draft.trail_percent)
    return (draft.side, draft.quantity, draft.kind, *prices)


def _reference(leg: OrderDraft, quote: Quote | None) -> Decimal | None:
    """What the order's price is compared with: the level of its own trigger, else the middle of the market."""
    for condition in leg.conditions:
        if isinstance(condition, HeldPrice) and condition.instrument == leg.instrument:
            return condition.price
    if quote is None:
        return None
    if quote.bid is not None and quote.ask is not None:
        return (quote.bid + quote.ask) / 2
    return quote.last


def _market_price(leg: OrderDraft, quote: Quote | None, reference: Decimal | None) -> Decimal | None:
    """What the market asks from who buys, or bids to who sells."""
    if quote is None or leg.conditions:
        return reference
    side = quote.ask if leg.side is Side.BUY else quote.bid
    return side if side is not None else quote.last


def _first(check: Callable[[OrderDraft], Refusal | None], unit: Unit) -> Refusal | None:
    return next((found for leg in unit if (found := check(leg)) is not None), None)
