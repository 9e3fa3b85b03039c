"""Desk, floor and market without sockets: orders go in as forms, and every report is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rules_engine.gateway import Catalogue, Market
from rules_engine.gateway.accounts.ledger import CASH_START, Execution, Ledger
from rules_engine.gateway.market.liquidity import Liquidity
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.market.source import Source
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import (
    CommissionReport,
    ExecDetails,
    OpenOrder,
    OrderStatus,
    PlaceOrder,
)
from rules_engine.gateway.orders.desk import Desk
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.times import Timers
from rules_engine.model.clock import SteppedClock

NOON_S = 1_782_921_600.0
"""Wednesday 1 July 2026, noon in New York."""
ACCOUNT = "DU1"


@dataclass
class Reports:
    """Everything that would have been told."""

    told: list[object] = field(default_factory=list)

    def tell(self, clientId: int, message: object) -> None:
        self.told.append(message)

    def executed(self, execution: Execution) -> None:
        """Accounts are looked at by the tests themselves."""

    def changed(self, order: Order) -> None:
        """Nothing is remembered here."""

    def forgot_before(self, time_s: float) -> None:
        """Nothing is remembered here."""

    def lives(self, orderId: int) -> list[str]:
        """What was told about one order, each message in a few words, exact repeats left out."""
        words = [text for message in self.told if (text := _words(message, orderId))]
        return [text for place, text in enumerate(words) if place == 0 or words[place - 1] != text]


class Hall:
    """A market that tests push, with one client and one account."""

    def __init__(
        self, sources: Sequence[Source] = (), *, sessions: bool = False, latency_s: float = 0.0, at_s: float = NOON_S
    ) -> None:
        self.clock = SteppedClock(at_s)
        self.market = Market(Catalogue(clock=self.clock), sources, sessions=sessions)
        self.market.start(at_s)
        self.reports = Reports()
        self.timers = Timers()
        self.liquidity = Liquidity(self.market)
        self.ledger = Ledger([ACCOUNT], self.market)
        self.floor = Floor(
            self.market, self.liquidity, self.ledger, self.timers, self.clock.now_s, self.reports, latency_s
        )
        self.desk = Desk(self.floor, self.market, self.ledger, self.timers, self.clock.now_s, self.reports, 1_000_000)
        self._next_id = 1

    def place(self, action: str, size: float, orderType: str, symbol: str = "V", **fields: object) -> Order:
        """A new order; fields as in the order form."""
        orderId = self._next_id
        self._next_id += 1
        self.send(orderId, action, size, orderType, symbol, **fields)
        order = self.floor.book.find(1, orderId)
        assert order is not None, self.reports.told[-1]
        return order

    def send(self, orderId: int, action: str, size: float, orderType: str, symbol: str = "V", **fields: object) -> None:
        """An order or a change, which may be refused."""
        values = {"tif": "DAY", "account": ACCOUNT, **fields}
        form = OrderForm(action=action, totalQuantity=size, orderType=orderType, **values)  # type: ignore[arg-type]
        listing = self.market.catalogue.named(symbol)
        assert listing is not None, symbol
        self.desk.place(1, PlaceOrder(orderId, listing.contract, "", "", form))

    def quote(self, text: str, symbol: str = "V") -> None:
        """A quote such as `99x300/101x200` (sizes are 100 unless said), or a print such as `100` or `100x50`."""
        sides = [side.partition("x") for side in text.split("/")]
        prices = [float(price) for price, _, _ in sides]
        sizes = [float(size or 100) for _, _, size in sides]
        conId, now_s = self.number(symbol), self.clock.time_s
        if len(prices) == 1:
            self.show(self.market.push(conId, prices[0], sizes[0], at_s=now_s))
        else:
            self.show(self.market.push_quote(conId, *prices, *sizes, at_s=now_s))

    def show(self, ticks: Iterable[Tick]) -> None:
        """Orders look at these ticks."""
        self.floor.ticked(tuple(ticks))

    def step(self, seconds: float) -> None:
        """Time passes, and what is due is done."""
        self.clock.time_s += seconds
        self.timers.run(self.clock.time_s)

    def number(self, symbol: str) -> int:
        """The contract number of a symbol."""
        listing = self.market.catalogue.named(symbol)
        assert listing is not None, symbol
        return listing.conId

    def fills(self, order: Order | None = None) -> list[tuple[float, float]]:
        """Price and shares of every execution, or of one order's."""
        return [
            (one.price, one.shares) for one in self.floor.book.executions if order is None or one.permId == order.permId
        ]

    def codes(self) -> list[int]:
        """The codes of all errors and notices."""
        return [message.code for message in self.reports.told if isinstance(message, Error)]

    def cash(self) -> float:
        """Dollars, counted from the start."""
        return self.ledger.accounts[ACCOUNT].cash["USD"] - CASH_START


def _words(message: object, orderId: int) -> str:
    match message:
        case OpenOrder(status=status) if message.orderId == orderId:
            return f"open {status}"
        case OrderStatus(status=status, filled=filled, remaining=left) if message.orderId == orderId:
            return f"{status} {filled:g} of {filled + left:g}"
        case ExecDetails(shares=shares, price=price) if message.orderId == orderId:
            return f"{shares:g} at {price:g}"
        case CommissionReport():
            return "commission"
        case Error(code=code) if message.reqId == orderId:
            return f"error {code}"
        case _:
            return ""
