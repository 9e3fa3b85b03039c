"""What a rule does when it fires."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rules_engine.model.direction import Amount
from rules_engine.model.expression import Expression
from rules_engine.model.instrument import Instrument


class Side(StrEnum):
    """Whether an order buys or sells."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Duration(StrEnum):
    """Time in force: how long an order may work."""

    DAY = "day"
    GOOD_TILL_CANCELLED = "good till cancelled"
    GOOD_TILL_DATE = "good till"
    IMMEDIATE_OR_CANCEL = "immediate or cancel"
    FILL_OR_KILL = "fill or kill"


@dataclass(frozen=True, slots=True)
class TimeInForce:
    """``until_s`` (POSIX seconds) and its spelling ``until`` come with GOOD_TILL_DATE only."""

    duration: Duration
    until_s: float | None = None
    until: str = ""

    def __str__(self) -> str:
        return f"good till {self.until}" if self.duration is Duration.GOOD_TILL_DATE else str(self.duration)


@dataclass(frozen=True, slots=True)
class AtMarket:
    """At any price that the market has."""

    def __str__(self) -> str:
        return "at market"


@dataclass(frozen=True, slots=True)
class AtMidpoint:
    """In the middle between bid and ask."""

    def __str__(self) -> str:
        return "at midpoint"


@dataclass(frozen=True, slots=True)
class AtLimit:
    """At ``limit`` or better."""

    limit: Expression

    def __str__(self) -> str:
        return f"at limit {self.limit}"


@dataclass(frozen=True, slots=True)
class AtStop:
    """A stop order, or a stop-limit order when ``limit`` is given."""

    stop: Expression
    limit: Expression | None = None

    def __str__(self) -> str:
        return f"at stop {self.stop}" + (f" limit {self.limit}" if self.limit is not None else "")


@dataclass(frozen=True, slots=True)
class Trailing:
    """A stop that follows the market, ``by`` away from its best price."""

    by: Amount

    def __str__(self) -> str:
        return f"trailing {self.by}"


Pricing = AtMarket | AtMidpoint | AtLimit | AtStop | Trailing


@dataclass(frozen=True, slots=True)
class Quantity:
    """Shares or contracts; with ``of_equity`` the expression is that share of the account's equity to spend."""

    amount: Expression
    of_equity: bool = False

    def __str__(self) -> str:
        return f"{self.amount} of equity in" if self.of_equity else str(self.amount)


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """`buy 100 MA at limit 400 good till cancelled outside hours`. ``time_in_force`` None: the user left it to us."""

    side: Side
    quantity: Quantity
    instrument: Instrument
    pricing: Pricing = AtMarket()
    time_in_force: TimeInForce | None = None
    outside_hours: bool = False

    def __str__(self) -> str:
        words = [self.side, str(self.quantity), self.instrument.name, str(self.pricing)]
        if self.time_in_force:
            words.append(str(self.time_in_force))
        if self.outside_hours:
            words.append("outside hours")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Bracket:
    """An entry with a profit taker, a stop, or both. An Amount is relative to the entry: + is profit, - is loss."""

    entry: PlaceOrder
    take_profit: Amount | Expression | None
    stop: Amount | Expression | None

    def __str__(self) -> str:
        legs = [str(self.entry)]
        if self.take_profit is not None:
            legs.append(f"take profit {signed(self.take_profit)}")
        if self.stop is not None:
            legs.append(f"stop {signed(self.stop)}")
        return ", ".join(legs)


class Remaining(StrEnum):
    """What one fill of a group does to the others."""

    CANCEL = "cancel"
    REDUCE = "reduce"


@dataclass(frozen=True, slots=True)
class OneCancelsAll:
    """Orders of which one's fill cancels the others, or makes them smaller."""

    orders: tuple[PlaceOrder, ...]
    remaining: Remaining = Remaining.CANCEL

    def __str__(self) -> str:
        return f"one cancels all ({self.remaining}): " + "; ".join(map(str, self.orders))


@dataclass(frozen=True, slots=True)
class ClosePosition:
    """Flattens what the account holds in the instrument, less our working closing orders; never crosses zero."""

    instrument: Instrument

    def __str__(self) -> str:
        return f"close {self.instrument.name}"


@dataclass(frozen=True, slots=True)
class CancelOrders:
    """Cancels our working orders of one rule or in one instrument."""

    rule: str = ""
    instrument: Instrument | None = None

    def __str__(self) -> str:
        return f"cancel orders in {self.instrument.name}" if self.instrument else f"cancel orders of {self.rule}"

    def means(self, rule: str, instrument: str) -> bool:
        """Whether it cancels the orders of that rule in the instrument of that name."""
        return rule == self.rule if self.instrument is None else instrument == self.instrument.name


@dataclass(frozen=True, slots=True)
class Notify:
    """`notify desk`: the firing is told to this channel too."""

    channel: str

    def __str__(self) -> str:
        return f"notify {self.channel}"


OrderAction = PlaceOrder | Bracket | OneCancelsAll
Action = OrderAction | ClosePosition | CancelOrders | Notify


def signed(level: Amount | Expression) -> str:
    """As the user writes it: the sign of an amount says whether it is a profit or a loss."""
    return f"+{level}" if isinstance(level, Amount) and level.value > 0 else str(level)


def ordered_instruments(action: Action) -> frozenset[Instrument]:
    """The instruments in which this action may send an order."""
    match action:
        case PlaceOrder(instrument=instrument) | ClosePosition(instrument):
            return frozenset({instrument})
        case Bracket(entry=entry):
            return frozenset({entry.instrument})
        case OneCancelsAll(orders):
            return frozenset(order.instrument for order in orders)
        case _:
            return frozenset()


def expressions_of(action: Action) -> Iterator[Expression]:
    """The values that an action computes when it fires."""
    match action:
        case PlaceOrder(quantity=quantity, pricing=pricing):
            yield quantity.amount
            if isinstance(pricing, AtLimit):
                yield pricing.limit
            elif isinstance(pricing, AtStop):
                yield from _written((pricing.stop, pricing.limit))
        case Bracket(entry, take_profit, stop):
            yield from expressions_of(entry)
            yield from _written((take_profit, stop))
        case OneCancelsAll(orders):
            for order in orders:
                yield from expressions_of(order)


def _written(levels: Iterable[Amount | Expression | None]) -> Iterator[Expression]:
    return (level for level in levels if level is not None and not isinstance(level, Amount))
