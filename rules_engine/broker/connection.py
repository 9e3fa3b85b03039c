"""One connection to IB: orders out, questions asked and answered, market data and history."""

import asyncio
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from rules_engine.broker.contracts import Qualified, Unqualified
from rules_engine.broker.feeds import Feeds
from rules_engine.broker.gateway_process import Witness, serving_process
from rules_engine.broker.hearing import Hearing
from rules_engine.broker.history import Historian, Past
from rules_engine.broker.inbox import Inbox
from rules_engine.broker.inquiry import EVIDENCE_MAX_S
from rules_engine.broker.opening import shake_hands
from rules_engine.broker.orders import Ticket, ib_order
from rules_engine.broker.subscriptions import FieldsOf, every_field
from rules_engine.broker.ticks import Stream
from rules_engine.model.clock import Clock
from rules_engine.model.errors import EvidenceIncomplete, LinkDown
from rules_engine.model.instrument import Instrument
from rules_engine.model.order import OrderDraft
from rules_engine.model.plan import History
from rules_engine.model.reports import Evidence, OrderReport, PositionReport, Traded
from rules_engine.model.settings import GatewaySettings

CONNECT_DEADLINE_S = 10.0
HISTORIES_AT_ONCE_MAX = 5
_LIVE, _DELAYED = 1, 3


class Connection:
    """Execution's link to IB, and the source of everything in the inbox. A lost one is replaced, never reopened."""

    def __init__(
        self,
        settings: GatewaySettings,
        inbox: Inbox,
        clock: Clock,
        feeds: Feeds,
        fields: FieldsOf,
        *,
        delayed: bool = False,
        keeps_proven: bool = False,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._delayed = delayed
        self._hearing = Hearing(inbox, feeds, clock, fields, delayed=delayed, keeps_proven=keeps_proven)
        self._session = self._hearing.session
        self._watching = asyncio.Lock()
        self._histories = asyncio.Semaphore(HISTORIES_AT_ONCE_MAX)
        self._opened_s = clock.now_s()
        self._process = ""

    @classmethod
    async def open(
        cls,
        settings: GatewaySettings,
        instruments: Iterable[Instrument],
        inbox: Inbox,
        clock: Clock,
        *,
        account: str = "",
        order_id_floor: int = 0,
        feeds: Feeds | None = None,
        fields: FieldsOf = every_field,
        delayed: bool = False,
        keeps_proven: bool = False,
        deadline_s: float = CONNECT_DEADLINE_S,
        witness: Witness = serving_process,
    ) -> "Connection":
        """Connects, learns the account, looks up the instruments and streams them. Raises LinkDown, ClientIdInUse.

        ``order_id_floor`` is the highest order id ever used: requests are numbered above it, so that an error about
        an old order cannot be taken for one about a request. ``keeps_proven``: while prices come, IB is asked for the
        time so often that orders need not wait for that. ``fields`` of an instrument are those that reach the inbox:
        looked up at every `watch`. ``witness`` tells which process is at the other end.
        """
        feeds = feeds or Feeds(inbox, clock)
        connection = cls(settings, inbox, clock, feeds, fields, delayed=delayed, keeps_proven=keeps_proven)
        opened = False
        try:
            await shake_hands(connection._hearing, settings, deadline_s)
            connection._process = connection._session.serving_process(witness)
            await connection._begin(account, order_id_floor, deadline_s)
            await connection.watch(instruments)
            opened = True
        finally:
            if not opened:
                connection.close("not opened")
        return connection

    # Execution's part: rules_engine.execution.ports.OrderLink.

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that this login may trade."""
        return tuple(self._session.wrapper.accounts)

    @property
    def port(self) -> int:
        """Where IB listens: the usual numbers tell paper from live."""
        return self._settings.port

    @property
    def mark(self) -> str:
        """The gateway process behind this connection. Where it cannot be known no two marks are equal."""
        where = f"{self._settings.host}:{self._settings.port}"
        return f"{where} {self._process or f'since {self._opened_s:.6f}'}"

    async def probe(self, deadline_s: float = 1.0) -> None:
        """A round trip to IB; raises LinkDown when it is not answered in time."""
        await self._hearing.inquiry.time(deadline_s)

    def ask(self) -> None:
        """The same, but nobody waits for the answer: while there is none `is_owed` holds. Raises LinkDown."""
        self._hearing.inquiry.ask_time()

    @property
    def is_owed(self) -> bool:
        """Whether IB was asked for the time and has not answered yet."""
        return self._hearing.inquiry.times.outstanding > 0

    @property
    def packets(self) -> int:
        """How often anything was heard."""
        return self._hearing.packets

    @property
    def has_unread(self) -> bool:
        """Whether more has arrived than was read."""
        return self._session.has_unread

    def is_proven(self, within_s: float = 1.0) -> bool:
        """Whether IB answered a round trip that began within the last so many seconds, and none takes long."""
        return self._hearing.inquiry.is_proven(within_s)

    def is_clear(self) -> bool:
        """True when connected, IB's own link is up, and no message waits in the client's queue."""
        return self.is_open and not self._hearing.degraded and self._session.queued == 0

    def next_order_id(self, floor: int) -> int:
        """A fresh order id greater than ``floor``."""
        with self._connected():
            self._session.client.updateReqId(floor + 1)
            return self._session.client.getReqId()

    def place(
        self, order_id: int, draft: OrderDraft, *, key: str, account: str, group: str, parent_id: int, transmit: bool
    ) -> None:
        """Writes the order to the socket. Returning proves nothing: only a report does."""
        ticket = Ticket(order_id, key, account, group, parent_id, transmit)
        subscriptions = self._hearing.subscriptions
        contract, order = subscriptions.contract(draft.instrument), ib_order(draft, ticket, subscriptions.contract)
        self._hearing.concerns_order(order_id)
        self._hearing.orders.placed(order_id, self._settings.client_id, key, draft.quantity, contract.conId)
        with self._connected():
            self._session.client.placeOrder(order_id, contract, order)

    def cancel(self, order_id: int) -> None:
        """Asks IB to cancel; whether it did, a report says."""
        self._hearing.concerns_order(order_id)
        with self._connected():
            self._session.client.cancelOrder(order_id)

    async def evidence(self, quiet_s: float = 10.0) -> Evidence:
        """The four explicit requests and the positions; raises EvidenceIncomplete unless every one is answered.

        Very long lists may take their time: only when nothing of an answer has come for ``quiet_s``, or after
        EVIDENCE_MAX_S, it is missing.
        When answers of an earlier round are still to come the connection is given up: they could pass for new ones.
        """
        hearing = self._hearing
        if hearing.inquiry.spoilt:
            self.close("questions about our orders stayed unanswered")
        if not self.is_open or hearing.degraded:
            raise EvidenceIncomplete("not connected" if hearing.ended.is_set() else "IB's own link is lost")
        outages = hearing.outages
        until_s = asyncio.get_running_loop().time() + EVIDENCE_MAX_S
        answers = await hearing.inquiry.orders(quiet_s, until_s)
        positions = await self._positions(quiet_s, until_s)
        if hearing.outages != outages:
            raise EvidenceIncomplete("IB's own link was lost while it answered")
        open_orders = hearing.orders.each_latest((*answers.ours, *answers.everybody))
        return Evidence(open_orders, answers.completed, answers.executions, positions, answers.next_order_id)

    def latest(self, report: OrderReport) -> OrderReport:
        """What IB said last of the open order that this report is about, which may be newer."""
        return self._hearing.orders.latest(report)

    def traded(self, instrument: str) -> Traded | None:
        """What IB says of an instrument that rules name; None when it was not qualified."""
        return self._hearing.subscriptions.traded(instrument)

    def exchange_rate(self, currency: str) -> Decimal | None:
        """Units of the account's base currency for one of ``currency``; None when unknown."""
        return self._hearing.account.exchange_rate(currency)

    def prices(self, instrument: str) -> Stream | None:
        """The newest that IB said of its prices; None when it is not streamed."""
        return self._hearing.subscriptions.stream(instrument)

    # The daemon's part.

    @property
    def is_open(self) -> bool:
        """False once the connection is lost or closed."""
        return not self._hearing.ended.is_set() and self._session.isConnected()

    @property
    def degraded(self) -> bool:
        """TWS is there but has lost IB's servers (1100)."""
        return self._hearing.degraded

    @property
    def why_ended(self) -> str:
        """What ended the connection; empty while it lasts."""
        return self._hearing.why_ended

    @property
    def qualified(self) -> Mapping[str, Qualified]:
        """Instruments with their contracts, by name; ``note`` tells of choices that were not plain."""
        return self._hearing.subscriptions.qualified

    @property
    def unqualified(self) -> Mapping[str, Unqualified]:
        """Instruments that IB does not know or that mean several contracts, by name, with the candidates."""
        return self._hearing.subscriptions.unqualified

    async def ended(self) -> None:
        """Returns when the connection is lost or closed."""
        await self._hearing.ended.wait()

    async def watch(self, instruments: Iterable[Instrument]) -> None:
        """Streams exactly these instruments: those that rules read and those that they order in."""
        async with self._watching:
            with self._connected():
                await self._hearing.subscriptions.watch(instruments)
            self._hearing.tell_positions()

    def renew(self, names: Collection[str]) -> None:
        """Asks anew for the market data of these instruments."""
        with self._connected():
            self._hearing.subscriptions.renew(names)

    async def history(self, wanted: History, as_of_s: float = math.inf) -> Past:
        """The past of an instrument that is watched, as far as IB has it: the whole window of a moment, now at the
        latest. Raises LinkDown where IB does not answer."""
        qualified = self.qualified.get(wanted.instrument.name)
        traded = self.traded(wanted.instrument.name)
        if qualified is None or traded is None:
            return Past(self._clock.now_s(), is_told=False)
        async with self._histories:
            with self._connected():
                return await Historian(self._session, qualified, traded, self._clock.now_s()).past(wanted, as_of_s)

    def close(self, why: str = "closed by us") -> None:
        """Ends the connection now. Orders at IB stay as they are."""
        self._hearing.closed(why)
        self._session.hang_up()

    async def _begin(self, account: str, order_id_floor: int, deadline_s: float) -> None:
        client = self._session.client
        with self._connected():
            client.updateReqId(order_id_floor + 1)
            self._hearing.begin(account or self.accounts[0], client.getReqId())
            client.reqMarketDataType(_DELAYED if self._delayed else _LIVE)
            client.reqAccountUpdates(True, self._hearing.account.name)
            client.reqPnL(client.getReqId(), self._hearing.account.name, "")
            await self._all_positions(deadline_s, asyncio.get_running_loop().time() + EVIDENCE_MAX_S)

    async def _positions(self, quiet_s: float, until_s: float) -> tuple[PositionReport, ...]:
        try:
            await self._all_positions(quiet_s, until_s)
        except LinkDown as error:
            raise EvidenceIncomplete(str(error)) from error
        hearing = self._hearing
        return tuple(
            hearing.account.position(contract_id, name)
            for contract_id, contract in hearing.account.held.items()
            for name in hearing.subscriptions.called(contract)
        )

    async def _all_positions(self, quiet_s: float, until_s: float) -> None:
        await self._hearing.inquiry.told(self._hearing.ask_positions(), "the positions", quiet_s, until_s)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError as error:
            raise LinkDown(self.why_ended or str(error)) from error
