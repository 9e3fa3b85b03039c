"""All orders of the gateway, found by whoever needs them: client, instrument, family, group."""

from collections import defaultdict
from dataclasses import dataclass, field

from rules_engine.gateway.ledger import Execution
from rules_engine.gateway.orders import Order

ORDER_ID_FIRST = 1
PERM_ID_FIRST = 1_100_000_001


@dataclass(slots=True)
class OrderBook:
    """Orders and executions of today, with the numbers that come next."""

    next_perm_id: int = PERM_ID_FIRST
    next_execution: int = 1
    executions: list[Execution] = field(default_factory=list)
    _orders: dict[int, Order] = field(default_factory=dict)
    _by_key: dict[tuple[int, int], Order] = field(default_factory=dict)
    _working: dict[int, dict[int, Order]] = field(default_factory=lambda: defaultdict(dict))
    _children: dict[tuple[int, int], list[Order]] = field(default_factory=lambda: defaultdict(list))
    _groups: dict[tuple[str, str], list[Order]] = field(default_factory=lambda: defaultdict(list))
    _next_ids: dict[int, int] = field(default_factory=dict)

    def add(self, order: Order) -> None:
        """A new order, or one that comes back from the state file."""
        self._orders[order.permId] = order
        self._by_key[order.clientId, order.orderId] = order
        self.saw_id(order.clientId, order.orderId)
        self.index(order)

    def index(self, order: Order) -> None:
        """File an order under its parent and its group; again after a modification."""
        family = self._children[order.clientId, order.form.parentId]
        if order.form.parentId and order not in family:
            family.append(order)
        group = self._groups[order.form.account, order.form.ocaGroup]
        if order.form.ocaGroup and order not in group:
            group.append(order)

    def take_perm_id(self) -> int:
        """A number that no order of any client ever had."""
        self.next_perm_id += 1
        return self.next_perm_id - 1

    def take_execution_number(self) -> int:
        """A number that no fill ever had."""
        self.next_execution += 1
        return self.next_execution - 1

    def saw_id(self, clientId: int, orderId: int) -> None:
        """Ids given to this client from now on are above this one."""
        self._next_ids[clientId] = max(self.next_id(clientId), orderId + 1)

    def next_id(self, clientId: int) -> int:
        """The next valid order id of a client."""
        return self._next_ids.get(clientId, ORDER_ID_FIRST)

    def roll_ids_back(self, by: int, clientId: int | None = None) -> None:
        """Give so many ids again, to a client or to all, as a restart of TWS can."""
        for known, next_id in self._next_ids.items():
            if clientId in (None, known):
                self._next_ids[known] = max(ORDER_ID_FIRST, next_id - by)

    def next_ids(self) -> dict[int, int]:
        """Next valid ids by client."""
        return dict(self._next_ids)

    def find(self, clientId: int, orderId: int) -> Order | None:
        """The latest order of this client with this id."""
        return self._by_key.get((clientId, orderId))

    def all(self) -> tuple[Order, ...]:
        """Every order, oldest first."""
        return tuple(self._orders.values())

    def live(self) -> list[Order]:
        """Orders that are not done and that their client has transmitted."""
        return [order for order in self._orders.values() if order.live and not order.staged]

    def parent(self, order: Order) -> Order | None:
        """The order whose fill this one waits for."""
        return self.find(order.clientId, order.form.parentId) if order.form.parentId else None

    def children(self, order: Order) -> list[Order]:
        """Orders that wait for this one's fill."""
        return list(self._children.get((order.clientId, order.orderId), ()))

    def siblings(self, order: Order) -> list[Order]:
        """The other children of its parent."""
        parent = self.parent(order)
        return [] if parent is None else [child for child in self.children(parent) if child is not order]

    def group(self, order: Order) -> list[Order]:
        """The other orders of its one-cancels-all group."""
        name = order.form.ocaGroup
        members = self._groups.get((order.form.account, name), ()) if name else ()
        return [member for member in members if member is not order and member.form.ocaGroup == name]

    def work(self, order: Order) -> None:
        """It looks at every price of its instrument from now on."""
        self._working[order.conId][order.permId] = order

    def rest(self, order: Order) -> None:
        """Prices do not concern it any more."""
        self._working[order.conId].pop(order.permId, None)

    def working(self, conId: int) -> list[Order]:
        """Orders that look at the prices of this instrument, oldest first."""
        return list(self._working[conId].values()) if conId in self._working else []

    def forget_before(self, time_s: float) -> None:
        """Drop orders that ended, and fills, before this moment."""
        for order in self.all():
            if order.ended_s is not None and order.ended_s < time_s:
                self._forget(order)
        self.executions = [one for one in self.executions if one.time_s >= time_s]

    def _forget(self, order: Order) -> None:
        del self._orders[order.permId]
        if self._by_key.get((order.clientId, order.orderId)) is order:
            del self._by_key[order.clientId, order.orderId]
        for members in (
            self._children.get((order.clientId, order.form.parentId)),
            self._groups.get((order.form.account, order.form.ocaGroup)),
        ):
            if members and order in members:
                members.remove(order)
