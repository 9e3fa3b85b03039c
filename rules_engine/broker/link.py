"""Keeps a connection to IB: opens it, watches over it, and replaces it when it is lost."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from rules_engine.broker.connection import Connection
from rules_engine.broker.contracts import Unqualified
from rules_engine.broker.feeds import Feeds
from rules_engine.broker.gateway_process import Witness, serving_process
from rules_engine.broker.inbox import Inbox
from rules_engine.broker.subscriptions import FieldsOf, every_field
from rules_engine.broker.vigil import Vigil
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.instrument import Instrument
from rules_engine.model.reports import LinkChange
from rules_engine.model.settings import GatewaySettings

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before each further attempt; the last one repeats."""
STEADY_S = 60.0
"""A connection that held this long was a good one: the pauses begin anew."""
LOOK_EVERY_S = 1.0


class Link:
    """The engine's way to IB for as long as it runs. ``connection`` is None while there is none.

    Every change is a LinkChange in the inbox; after `up` the order side must reconcile before it sends.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        inbox: Inbox,
        clock: Clock,
        *,
        account: str = "",
        order_id_floor: Callable[[], int] = lambda: 0,
        fields: FieldsOf = every_field,
        keeps_proven: bool = False,
        pauses_s: tuple[float, ...] = PAUSES_S,
        witness: Witness = serving_process,
    ) -> None:
        self.connection: Connection | None = None
        self._settings = settings
        self._inbox = inbox
        self._clock = clock
        self._account = account
        self._order_id_floor = order_id_floor
        self._fields = fields
        self._keeps_proven = keeps_proven
        self._pauses_s = pauses_s
        self._witness = witness
        self._feeds = Feeds(inbox, clock)
        self._wanted: dict[str, Instrument] = {}
        self._told = ""

    @property
    def silent(self) -> Mapping[str, int]:
        """Instruments whose prices cannot be trusted now, each with IB's code (0: no connection)."""
        return self._feeds.silent

    @property
    def has_unread(self) -> bool:
        """Whether IB has said more than was read: what it said of earlier moments is not known yet."""
        return self.connection is not None and self.connection.has_unread

    @property
    def unqualified(self) -> Mapping[str, Unqualified]:
        """Instruments that mean no contract, or several, as far as IB could be asked."""
        return self.connection.unqualified if self.connection else {}

    async def watch(self, instruments: Iterable[Instrument]) -> None:
        """What the rules read and order in from now on, in this connection and every later one.

        Without a connection nothing is asked yet; one that fails over it is replaced, and the next one asks.
        """
        self._wanted = {one.name: one for one in sorted(instruments, key=lambda one: one.name)}
        connection = self.connection
        if connection is None:
            self._feeds.down(self._wanted)
            return
        try:
            await connection.watch(self._wanted.values())
        except LinkDown as error:
            connection.close(str(error))

    async def run(self) -> None:
        """Connects and reconnects until it is cancelled."""
        failures = 0
        try:
            while True:
                opened_s = self._clock.now_s()
                try:
                    await self._connect()
                    await self._keep()
                except LinkDown as error:
                    self._lost(str(error))
                if self._clock.now_s() - opened_s > STEADY_S:
                    failures = 0
                await asyncio.sleep(self._pauses_s[min(failures, len(self._pauses_s) - 1)])
                failures += 1
        finally:
            if self.connection is not None:
                self.connection.close()
                self.connection = None

    async def _connect(self) -> None:
        wanted = dict(self._wanted)
        connection = await Connection.open(
            self._settings,
            wanted.values(),
            self._inbox,
            self._clock,
            account=self._account,
            order_id_floor=self._order_id_floor(),
            feeds=self._feeds,
            fields=self._fields,
            keeps_proven=self._keeps_proven,
            witness=self._witness,
        )
        self.connection = connection
        self._told = ""
        if not connection.degraded:
            self._inbox.report(LinkChange(self._clock.now_s(), "up"))
        if wanted != self._wanted:
            await connection.watch(self._wanted.values())

    async def _keep(self) -> None:
        """Returns never: raises LinkDown when the connection is lost or has gone deaf."""
        connection = self.connection
        assert connection is not None
        vigil = Vigil(connection)
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await connection.ended()
                raise LinkDown(connection.why_ended)
            except TimeoutError:
                # What came while this program was held up is read before anybody is called silent.
                await asyncio.sleep(0)
            self._renew(connection)
            vigil.look()

    def _renew(self, connection: Connection) -> None:
        """Feeds that stayed silent are asked for again, unless IB itself is cut off."""
        if not connection.degraded and (due := self._feeds.due()):
            connection.renew(due)

    def _lost(self, why: str) -> None:
        if self.connection is not None:
            self.connection.close(why)
            self.connection = None
        self._feeds.down(self._wanted)
        if why != self._told:
            self._told = why
            self._inbox.report(LinkChange(self._clock.now_s(), "down", text=why))
