"""What execution needs from the link to IB, and from the market."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from rules_engine.model.expression import Expression
from rules_engine.model.order import OrderDraft
from rules_engine.model.reports import Evidence, OrderReport, Traded


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest live prices of an instrument; ``time_s`` is when any of them last came.

    ``halted``: its exchange has stopped the trading in it, as far as IB tells.
    """

    time_s: float
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    halted: bool = False


class Market(Protocol):
    """What is known now of prices and holdings. None always means unknown, never zero."""

    def read(self, expression: Expression) -> float | None:
        """The value of an expression as rules see it."""
        ...

    def quote(self, instrument: str) -> Quote | None:
        """None while the instrument's feed is down, delayed, or has not delivered yet."""
        ...

    def position(self, instrument: str) -> Decimal | None:
        """Shares or contracts that the account holds; 0 once all positions are known and it is not among them."""
        ...

    def traded(self, instrument: str) -> Traded | None: ...

    def exchange_rate(self, currency: str) -> Decimal | None: ...


class OrderLink(Protocol):
    """One connection to IB. Raises LinkDown where IB does not answer."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that this login may trade."""
        ...

    @property
    def port(self) -> int: ...

    @property
    def mark(self) -> str:
        """Which gateway process and connection this is, as far as it can be known; equal marks, same session."""
        ...

    async def probe(self, deadline_s: float = 1.0) -> None:
        """A round trip to IB; raises LinkDown when it is not answered in time."""
        ...

    def is_proven(self, within_s: float = 1.0) -> bool:
        """Whether IB answered a round trip that began within the last so many seconds, and none takes long."""
        ...

    def is_clear(self) -> bool:
        """True when connected, IB's own link is up, and no message waits in the client's queue."""
        ...

    def next_order_id(self, floor: int) -> int:
        """A fresh order id greater than ``floor``."""
        ...

    def place(
        self, order_id: int, draft: OrderDraft, *, key: str, account: str, group: str, parent_id: int, transmit: bool
    ) -> None:
        """Writes the order to the socket. Returning proves nothing: only a report does."""
        ...

    def cancel(self, order_id: int) -> None: ...

    async def evidence(self, quiet_s: float = 10.0) -> Evidence:
        """The four explicit requests and the positions; raises EvidenceIncomplete unless every one is answered, with
        less than ``quiet_s`` between two parts of the answers."""
        ...

    def latest(self, report: OrderReport) -> OrderReport:
        """What IB said last of the open order that this report is about, which may be newer."""
        ...

    def traded(self, instrument: str) -> Traded | None:
        """What IB says of an instrument that rules name; None when it was not qualified."""
        ...

    def exchange_rate(self, currency: str) -> Decimal | None:
        """Units of the account's base currency for one of ``currency``; None when unknown."""
        ...
