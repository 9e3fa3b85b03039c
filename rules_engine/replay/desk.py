"""Firings into orders, and prices into their fills: a broker that knows recorded prices only."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from rules_engine.evaluation.bars import bar_bounds
from rules_engine.execution.book import Book as SentBook
from rules_engine.execution.book import Refusal
from rules_engine.execution.resolve import Ending, resolve
from rules_engine.execution.risk import DUPLICATE_WINDOW_S, RiskGate
from rules_engine.execution.rule_profit import RuleProfit
from rules_engine.model.action import CancelOrders, Duration, Remaining
from rules_engine.model.clock import SteppedClock
from rules_engine.model.expression import spell_number
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft
from rules_engine.model.plan import Plan
from rules_engine.recordings.slices import Row
from rules_engine.replay.book import Book
from rules_engine.replay.held import as_sent
from rules_engine.replay.known import Known
from rules_engine.replay.orders import End, Order
from rules_engine.replay.voices import DAY_S

ORDERS_KEPT_MAX = 1000
"""Orders that a report can show one by one; the others are counted."""


@dataclass(slots=True)
class Tally:
    """What became of one rule's edges: held back by a guard of the rule, or fired; and then sent, or not."""

    firings: int = 0
    held_back: Counter[str] = field(default_factory=Counter)
    not_sent: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    filled: int = 0


class Desk:
    """Holds every working order. ``hears`` are the numbers of the recordings whose rows it must be told, and
    ``wakes_s`` the instant from which on it must be told any row: at the end of a day. ``working`` counts the orders
    that can still fill, by instrument; a new mapping whenever that changes, which ``changes`` counts."""

    def __init__(self, plans: Sequence[Plan], known: Known, book: Book) -> None:
        self.hears: set[int] = set()
        self.wakes_s = float("-inf")
        self.tallies = {plan.rule.name: Tally() for plan in plans}
        self.orders: list[Order] = []
        self.working: Mapping[str, int] = {}
        self.changes = 0
        self._plans = {plan.rule.name: plan for plan in plans}
        self._known = known
        self._book = book
        self._clock = SteppedClock()
        self._gate = RiskGate(known.assumptions.limits, known, self._clock)
        self._working: list[Order] = []
        self._recent: deque[Intent] = deque()
        self._sent: defaultdict[float, list[Intent]] = defaultdict(list)
        self._profits: defaultdict[str, RuleProfit] = defaultdict(RuleProfit)
        self._seq = 0
        self._is_changed = False

    @property
    def resting(self) -> Sequence[Order]:
        """The orders that can still fill, in the order in which they were sent."""
        return self._working

    # What rules want.

    def fire(self, firing: Firing) -> bool:
        """Sends the orders of a firing, which work from the next instant on; False when they may not be sent."""
        rule, tally = self._plans[firing.rule].rule, self.tallies[firing.rule]
        tally.firings += 1
        self._clock.time_s = self._known.now_s = firing.at_s
        ending = None if rule.expires_s is None else Ending(rule.expires_s, rule.expires)
        sent = self._sent_book()
        resolved = resolve(as_sent(self._plans[rule.name], firing.case), self._known, sent.open, ending)
        if isinstance(resolved, Refusal):
            tally.not_sent[str(resolved.reason)] += 1
            return False
        if refused := self._gate.check(resolved.unit, replace(sent, open=resolved.rest), rule.name):
            tally.not_sent[str(refused.reason)] += 1
            return False
        for cancel in resolved.cancels:
            self._cancel(partial(_is_named, cancel))
        if resolved.unit:
            self._send(rule.name, resolved.unit, firing.at_s)
        return True

    def tell(self, outcomes: Sequence[Firing | HeldBack]) -> None:
        """Counts what comes to nothing but notices, if that."""
        for outcome in outcomes:
            if isinstance(outcome, HeldBack):
                self.hold_back(outcome)
        firings = Counter(outcome.rule for outcome in outcomes if isinstance(outcome, Firing))
        for rule, count in firings.items():
            self.tallies[rule].firings += count

    def hold_back(self, held: HeldBack) -> None:
        """Counts an edge that a guard stopped."""
        self.tallies[held.firing.rule].held_back[str(held.reason)] += 1

    def cancel_rule(self, rule: str) -> None:
        """The rule's `cancel_when` has come true."""
        self._cancel(lambda order: order.intent.rule == rule)

    # What prices do.

    def hear(self, row: Row) -> Sequence[Order]:
        """The orders that fill, or are refused, by this row, in the order in which they were sent."""
        if row[0] >= self.wakes_s:
            self._begin_day(row[0])
        if row[1] not in self.hears:
            return ()
        touch, name = self._known.touch(*row[1:]), self._known.name(row[1])
        self._book.mark(name, touch.middle, row[0])
        answered = []
        for order in [order for order in self._working if order.name == name]:
            if order.end is not End.WORKING or order.works_from_s is None or order.works_from_s >= row[0]:
                continue
            if order.is_over(row[0]):
                self._end(order, End.EXPIRED)
                continue
            price = order.meet(touch)
            if price is not None:
                self._fill(order, price, row[0])
                answered.append(order)
            elif order.unfilled is not None:
                self._end(order, order.unfilled)
                answered.append(order)
            elif order.is_over(row[0]):
                self._end(order, End.EXPIRED)
        self._listen()
        return answered

    def finish(self, now_s: float) -> None:
        """The clock ends here, maybe long after the last price that was heard: what is over by then has ended, what
        works goes on working, and holdings keep their last value."""
        self._expire(now_s)
        if self.wakes_s > float("-inf"):
            self._book.end_day(self.wakes_s)

    # How it is done.

    def _begin_day(self, now_s: float) -> None:
        if self.wakes_s > float("-inf"):
            self._book.end_day(self.wakes_s)
        self.wakes_s = bar_bounds(now_s, DAY_S)[1]
        self._expire(now_s)
        self._sent.clear()
        self._listen()

    def _expire(self, now_s: float) -> None:
        for order in self._working[:]:
            if order.end is End.WORKING and order.is_over(now_s):
                self._end(order, End.EXPIRED)

    def _sent_book(self) -> SentBook:
        now_s = self._clock.time_s
        while self._recent and now_s - (self._recent[0].sent_s or 0.0) >= DUPLICATE_WINDOW_S:
            self._recent.popleft()
        return SentBook(
            [order.intent for order in self._working],
            list(self._recent),
            self._sent[self._gate.day_start_s()],
            self._profits.__getitem__,
        )

    def _send(self, rule: str, unit: Sequence[OrderDraft], at_s: float) -> None:
        self._seq += 1
        for leg, draft in enumerate(unit):
            intent = Intent(
                f"{rule}.{self._seq}.{leg}", rule, self._seq, leg, draft, at_s, IntentState.WORKING, sent_s=at_s
            )
            works_from_s = None if draft.parent is not None else at_s
            order = Order(intent, works_from_s, _ends_s(draft, at_s), best=self._known.best(draft))
            self._working.append(order)
            self._recent.append(intent)
            self._sent[self._gate.day_start_s()].append(intent)
            if len(self.orders) < ORDERS_KEPT_MAX:
                self.orders.append(order)
        self.tallies[rule].orders += len(unit)
        self._is_changed = True
        self._listen()

    def _fill(self, order: Order, price: float, at_s: float) -> None:
        draft = order.draft
        quantity = float(draft.quantity)
        kind, multiplier = draft.instrument.kind, float(self._known.multiplier(draft.instrument))
        order.commission = self._known.assumptions.commission_of(kind, quantity, price * multiplier)
        order.price, order.filled_s = price, at_s
        order.intent = replace(order.intent, filled=draft.quantity, average_price=Decimal(spell_number(price)))
        self._end(order, End.FILLED)
        rule = order.intent.rule
        self._book.fill(rule, order.name, draft.side, quantity, price, order.commission, at_s)
        if self._known.assumptions.limits.max_daily_loss_per_rule is not None:
            paid = order.intent.average_price
            self._profits[rule].fill(at_s, order.name, draft.side, draft.quantity, paid)
        self.tallies[rule].filled += 1
        for other in self._working[:]:
            if other.intent.seq == order.intent.seq and other.draft.parent == order.intent.leg:
                other.works_from_s = at_s
        self._end_family(order)

    def _end_family(self, filled: Order) -> None:
        """One fill ends the others of its group, or leaves so much less of them."""
        if not filled.family[2]:
            return
        for other in [order for order in self._working if order.family == filled.family]:
            left = other.draft.quantity - filled.draft.quantity
            if filled.draft.remaining is Remaining.REDUCE and left > 0:
                other.intent = replace(other.intent, draft=replace(other.draft, quantity=left))
            else:
                self._end(other, End.CANCELLED)

    def _end(self, order: Order, end: End) -> None:
        order.stop(end)
        self._is_changed = True
        self._working.remove(order)
        if end is not End.FILLED:
            for child in self._children(order):
                self._end(child, End.CANCELLED)

    def _children(self, order: Order) -> list[Order]:
        seq, leg = order.intent.seq, order.intent.leg
        return [other for other in self._working if other.intent.seq == seq and other.draft.parent == leg]

    def _cancel(self, is_meant: Callable[[Order], bool]) -> None:
        for order in [order for order in self._working if is_meant(order)]:
            if order.end is End.WORKING:
                self._end(order, End.CANCELLED)
        self._listen()

    def _listen(self) -> None:
        """Orders came or went: what counts now."""
        if self._is_changed:
            self._is_changed = False
            self.changes += 1
            self.working = Counter(order.name for order in self._working)
            numbers = (self._known.numbers.get(name) for name in {*self.working, *self._book.whole.held})
            self.hears = {number for number in numbers if number is not None}


def _ends_s(draft: OrderDraft, at_s: float) -> float:
    match draft.time_in_force.duration:
        case Duration.DAY:
            return bar_bounds(at_s, DAY_S)[1]
        case Duration.GOOD_TILL_DATE:
            assert draft.time_in_force.until_s is not None
            return draft.time_in_force.until_s
        case _:
            return float("inf")


def _is_named(cancel: CancelOrders, order: Order) -> bool:
    if cancel.instrument is not None:
        return order.draft.instrument == cancel.instrument
    return order.intent.rule == cancel.rule
