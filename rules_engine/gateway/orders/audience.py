"""Who hears what happens to an order: the client that owns it, and the master client."""

from rules_engine.gateway.messages.order_messages import CommissionReport, ExecDetails, OpenOrder, OrderStatus
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.wire.switchboard import Switchboard


class Audience:
    """Sends reports to those who are connected. Errors and warnings go to the owner alone."""

    def __init__(self, switchboard: Switchboard, book: OrderBook, master_client: int | None) -> None:
        self._switchboard = switchboard
        self._book = book
        self._master = master_client

    def tell(self, clientId: int, message: object) -> None:
        """A report about an order of this client."""
        self._send(clientId, message)
        if self._master is not None and self._master != clientId and _is_report(message):
            self._send(self._master, message)
            self._note(self._master, message)

    def _send(self, clientId: int, message: object) -> None:
        session = self._switchboard.client(clientId)
        if session is not None:
            session.send(message)

    def _note(self, clientId: int, message: object) -> None:
        """Ids of others that a client was told count as used for its own next order."""
        if isinstance(message, OpenOrder | OrderStatus):
            order = self._book.numbered(message.permId)
            if order is not None:
                self._book.saw(clientId, order)


def _is_report(message: object) -> bool:
    """What-if answers are for the client that asked."""
    if isinstance(message, OpenOrder):
        return not message.order.whatIf
    return isinstance(message, OrderStatus | ExecDetails | CommissionReport)
