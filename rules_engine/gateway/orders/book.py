"""All orders of the gateway, found by whoever needs them: client, instrument, family, group."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from rules_engine.gateway.accounts.ledger import Execution
from rules_engine.gateway.orders.order import UNBOUND, Order

ORDER_ID_FIRST = 1
PERM_ID_FIRST = 1_100_000_001
BINDING_CLIENT = 0
"""Only this client can be given orders that somebody enters in TWS's own window."""


@dataclass(slots=True)
class OrderBook:
    """Orders and executions of today, with the numbers that come next."""

    next_perm_id: int = PERM_ID_FIRST
    next_execution: int = 1
    numbers_moved: bool = False
    """A number was given away that must be remembered."""
    executions: list[Execution] = field(default_factory=list)
    _orders: dict[int, Order] = field(default_factory=dict)
    _by_key: dict[tuple[int, int], Order] = field(default_factory=dict)
    _children: dict[tuple[int, int], list[Order]] = field(default_factory=lambda: defaultdict(list))
    _groups: dict[tuple[str, str], list[Order]] = field(default_factory=lambda: defaultdict(list))
    _stacks: dict[tuple[str, int, bool], list[Order]] = field(default_factory=lambda: defaultdict(list))
    _next_ids: dict[int, int] = field(default_factory=dict)
    _seen: dict[tuple[int, int], Order] = field(default_factory=dict)
    _bound: int = 0

    def add(self, order: Order) -> None:
        """A new order, or one that comes back from the state file."""
        self._orders[order.permId] = order
        self._key(order)
        self._stacks[_side(order)].append(order)
        self.index(order)

    def _key(self, order: Order) -> None:
        if order.orderId != UNBOUND:
            self._by_key[order.clientId, order.orderId] = order
            self.saw_id(order.clientId, order.orderId)
            self._bound = min(self._bound, order.orderId)

    def bind(self, order: Order) -> None:
        """Give an order of TWS's own window to client 0, under an id below zero, as TWS does unless told otherwise."""
        order.clientId = BINDING_CLIENT
        order.request = replace(order.request, orderId=self._bound - 1)
        self._key(order)

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
        self.numbers_moved = True
        return self.next_perm_id - 1

    def take_execution_number(self) -> int:
        """A number that no fill ever had."""
        self.next_execution += 1
        self.numbers_moved = True
        return self.next_execution - 1

    def saw_id(self, clientId: int, orderId: int) -> None:
        """Ids given to this client from now on are above this one."""
        self.numbers_moved = True
        self._next_ids[clientId] = max(self.next_id(clientId), orderId + 1)

    def saw(self, clientId: int, order: Order) -> None:
        """This client was told of somebody else's order: its own ids must be above that one's, and it may cancel it."""
        if order.orderId > 0:
            self._seen[clientId, order.orderId] = order
            self.saw_id(clientId, order.orderId)

    def seen(self, clientId: int, orderId: int) -> Order | None:
        """The order of another client that this one saw under this id; the last, if there were several."""
        return self._seen.get((clientId, orderId))

    def stacked(self, order: Order) -> list[Order]:
        """The live orders of its account in its contract on its side."""
        live = [one for one in self._stacks[_side(order)] if one.live]
        self._stacks[_side(order)] = live
        return live

    def next_id(self, clientId: int) -> int:
        """The next valid order id of a client."""
        return self._next_ids.get(clientId, ORDER_ID_FIRST)

    def roll_ids_back(self, by: int, clientId: int | None = None) -> None:
        """Give so many ids again, to a client or to all, as a restart of TWS can."""
        self.numbers_moved = True
        for known, next_id in self._next_ids.items():
            if clientId in (None, known):
                self._next_ids[known] = max(ORDER_ID_FIRST, next_id - by)

    def next_ids(self) -> dict[int, int]:
        """Next valid ids by client."""
        return dict(self._next_ids)

    def find(self, clientId: int, orderId: int) -> Order | None:
        """The latest order of this client with this id."""
        return self._by_key.get((clientId, orderId))

    def numbered(self, permId: int) -> Order | None:
        """The order with this permanent number."""
        return self._orders.get(permId)

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

    def group(self, order: Order) -> list[Order]:
        """The other orders of its one-cancels-all group."""
        name = order.form.ocaGroup
        members = self._groups.get((order.form.account, name), ()) if name else ()
        return [member for member in members if member is not order and member.form.ocaGroup == name]

    def forget_before(self, time_s: float) -> None:
        """Drop orders that ended, and fills, before this moment."""
        for order in self.all():
            if order.ended_s is not None and order.ended_s < time_s:
                self._forget(order)
        self._seen = {key: order for key, order in self._seen.items() if order.permId in self._orders}
        self.executions = [one for one in self.executions if one.time_s >= time_s]

    def _forget(self, order: Order) -> None:
        del self._orders[order.permId]
        stack = self.stacked(order)
        if not stack:
            del self._stacks[_side(order)]
        if self._by_key.get((order.clientId, order.orderId)) is order:
            del self._by_key[order.clientId, order.orderId]
        for members in (
            self._children.get((order.clientId, order.form.parentId)),
            self._groups.get((order.form.account, order.form.ocaGroup)),
        ):
            if members and order in members:
                members.remove(order)


def _side(order: Order) -> tuple[str, int, bool]:
    return order.form.account, order.conId, order.buys
