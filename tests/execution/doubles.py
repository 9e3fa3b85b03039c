"""Hand-written stand-ins for IB and the market, with the ways in which they fail."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from rules_engine.execution.changes import Change, UnitEnd
from rules_engine.execution.database import Database
from rules_engine.execution.decision import Decision
from rules_engine.execution.ports import Quote
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.errors import EvidenceIncomplete, LinkDown
from rules_engine.model.expression import Expression, Number, Reading
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import us_stock
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus, Evidence, ExecutionReport, OrderReport, PositionReport, Traded

NOW_S = 1_900_000_000.0
MA, V = us_stock("MA"), us_stock("V")
DAY = TimeInForce(Duration.DAY)
GTC = TimeInForce(Duration.GOOD_TILL_CANCELLED)


class Killed(BaseException):
    """The process died here."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, commits: int) -> Iterator[None]:
    """The process ends instead of its commit of this number, from 0."""
    execute, left = Database.execute, [commits]

    def strike(database: Database, statement: str, *values: object) -> object:
        if statement == "COMMIT":
            left[0] -= 1
            if left[0] < 0:
                raise Killed
        return execute(database, statement, *values)  # type: ignore[arg-type]  # Whatever it was called with.

    with monkeypatch.context() as patch:
        patch.setattr(Database, "execute", strike)
        yield


def draft(**changes: object) -> OrderDraft:
    """`buy 100 MA at market day`, with changes."""
    plain = OrderDraft(MA, Side.BUY, Decimal(100), OrderKind.MARKET, DAY)
    return replace(plain, **changes)  # type: ignore[arg-type]  # Tests name fields freely; the dataclass checks them.


def firing(rule: str = "r", at_s: float = NOW_S) -> Firing:
    return Firing(rule, 0, at_s, {"V": 201.0}, ("buy 100 MA at market",))


def decision(*legs: OrderDraft, rule: str = "r", held: bool = False, expires_s: float | None = None) -> Decision:
    return Decision(firing(rule), legs or (draft(),), channels=("phone",), held=held, expires_s=expires_s)


def stock(name: str, **changes: object) -> Traded:
    known = Traded({"MA": 7}.get(name, 8), Decimal("0.01"), Decimal(1), "USD", "stock", name, "SMART")
    return replace(known, **changes)  # type: ignore[arg-type]  # As in draft.


@dataclass
class FakeMarket:
    """MA at 400, V at 200; nothing held, everything known."""

    now_s: Callable[[], float] = lambda: NOW_S
    quotes: dict[str, Quote | None] = field(default_factory=dict)
    positions: dict[str, Decimal | None] = field(default_factory=dict)
    contracts: dict[str, Traded | None] = field(default_factory=dict)
    rates: dict[str, Decimal | None] = field(default_factory=lambda: {"USD": Decimal(1)})
    values: dict[str, float | None] = field(default_factory=dict)

    def read(self, expression: Expression) -> float | None:
        if isinstance(expression, Number):
            return expression.value
        if str(expression) in self.values or not isinstance(expression, Reading):
            return self.values.get(str(expression))
        quote = self.quote(expression.instrument.name)
        price = getattr(quote, str(expression.field)) if quote else None
        return None if price is None else float(price)

    def quote(self, instrument: str) -> Quote | None:
        if instrument in self.quotes:
            return self.quotes[instrument]
        middle = {"MA": Decimal(400), "V": Decimal(200)}[instrument]
        return Quote(self.now_s(), middle - Decimal("0.05"), middle + Decimal("0.05"), middle)

    def position(self, instrument: str) -> Decimal | None:
        return self.positions.get(instrument, Decimal(0))

    def traded(self, instrument: str) -> Traded | None:
        return self.contracts.get(instrument, stock(instrument))

    def exchange_rate(self, currency: str) -> Decimal | None:
        return self.rates.get(currency)


@dataclass(frozen=True)
class Placed:
    """What arrived on the wire."""

    order_id: int
    draft: OrderDraft
    key: str
    account: str
    group: str
    parent_id: int
    transmit: bool


@dataclass
class FakeIB:
    """What IB remembers, whichever connection asks: it outlives links and engines."""

    orders: dict[str, OrderReport] = field(default_factory=dict)
    completed: dict[str, OrderReport] = field(default_factory=dict)
    executions: list[ExecutionReport] = field(default_factory=list)
    wire: list[Placed] = field(default_factory=list)
    cancels: list[int] = field(default_factory=list)
    positions: dict[str, Decimal] = field(default_factory=dict)
    next_id: int = 1
    next_perm_id: int = 9001

    def accept(self, placed: Placed, status: BrokerStatus = BrokerStatus.WORKING) -> OrderReport:
        """Takes the order in; IB knows it from now on."""
        left = placed.draft.quantity
        report = OrderReport(placed.key, self.next_perm_id, placed.order_id, 17, status, Decimal(0), left, None)
        self.next_perm_id += 1
        self.orders[placed.key] = report
        return report

    def fill(self, key: str, quantity: str, price: str, exec_id: str = "") -> ExecutionReport:
        """A fill; the order moves to the completed ones when nothing remains."""
        order = self.orders[key]
        amount = Decimal(quantity)
        report = ExecutionReport(
            exec_id or f"0000e.{len(self.executions):04d}.01",
            *(key, order.perm_id, order.order_id, 17, "MA", 7, "buy", amount, Decimal(price), NOW_S),
        )
        self.executions.append(report)
        grown = replace(order, filled=order.filled + amount, remaining=order.remaining - amount)
        self.orders[key] = replace(grown, average_price=Decimal(price))
        if not grown.remaining:
            self.orders.pop(key)
            ended = replace(grown, status=BrokerStatus.FILLED, average_price=None)
            self.completed[key] = replace(ended, order_id=0, completed=True)
        return report

    def end(self, key: str, status: BrokerStatus = BrokerStatus.CANCELLED) -> OrderReport:
        """The order is over without (further) fills."""
        order = self.orders.pop(key)
        self.completed[key] = replace(order, status=status, order_id=0, completed=True)
        return replace(order, status=status)


class FakeLink:
    """One connection to FakeIB. ``on_place`` decides what becomes of an order; by default IB takes it in silently."""

    def __init__(self, ib: FakeIB, *, accounts: tuple[str, ...] = ("DU1",), port: int = 7497) -> None:
        self.ib = ib
        self.accounts = accounts
        self.port = port
        self.mark = "127.0.0.1:7497 first"
        self.clear = True
        self.answers = True
        self.proven = False
        self.complete = True
        self.asked = 0
        self.before_place: Callable[[Placed], None] = lambda placed: None
        self.on_place: Callable[[Placed], object] = lambda placed: None
        self.on_cancel: Callable[[int], None] = lambda order_id: None
        self.on_evidence: Callable[[], None] = lambda: None

    async def probe(self, deadline_s: float = 1.0) -> None:
        if not self.answers:
            raise LinkDown("no answer within a second")

    def is_proven(self, within_s: float = 1.0) -> bool:
        return self.proven

    def is_clear(self) -> bool:
        return self.clear

    def next_order_id(self, floor: int) -> int:
        return max(self.ib.next_id, floor + 1)

    def place(
        self, order_id: int, draft: OrderDraft, *, key: str, account: str, group: str, parent_id: int, transmit: bool
    ) -> None:
        placed = Placed(order_id, draft, key, account, group, parent_id, transmit)
        self.before_place(placed)
        self.ib.wire.append(placed)
        self.ib.next_id = max(self.ib.next_id, order_id + 1)
        self.on_place(placed)

    def cancel(self, order_id: int) -> None:
        self.ib.cancels.append(order_id)
        self.on_cancel(order_id)

    async def evidence(self, quiet_s: float = 10.0) -> Evidence:
        self.asked += 1
        self.on_evidence()
        if not self.complete:
            raise EvidenceIncomplete("reqCompletedOrders was not answered")
        orders, completed = tuple(self.ib.orders.values()), tuple(self.ib.completed.values())
        held = tuple(PositionReport(name, 7, quantity, Decimal(0)) for name, quantity in self.ib.positions.items())
        return Evidence(orders, completed, tuple(self.ib.executions), held, self.ib.next_id)

    def latest(self, report: OrderReport) -> OrderReport:
        newest = self.ib.orders.get(report.order_ref) or self.ib.completed.get(report.order_ref, report)
        return newest if newest.perm_id == report.perm_id else report

    def traded(self, instrument: str) -> Traded | None:
        return stock(instrument)

    def exchange_rate(self, currency: str) -> Decimal | None:
        return Decimal(1)


@dataclass
class Ears:
    """A listener that remembers."""

    changes: list[Change] = field(default_factory=list)
    ends: list[UnitEnd] = field(default_factory=list)

    def changed(self, change: Change) -> None:
        self.changes.append(change)

    def ended(self, end: UnitEnd) -> None:
        self.ends.append(end)

    def kinds(self) -> Sequence[str]:
        return [str(change.kind) for change in self.changes]
