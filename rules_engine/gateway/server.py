"""The gateway: a simulated TWS on a socket."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from rules_engine.gateway.accounts.account_answers import AccountAnswers
from rules_engine.gateway.accounts.ledger import Execution, Ledger
from rules_engine.gateway.contracts.contract_answers import ContractAnswers
from rules_engine.gateway.faults.control import Control
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.faults.mishaps import Mishaps
from rules_engine.gateway.faults.plan import FaultPlan, Step
from rules_engine.gateway.faults.seed import Misfortune
from rules_engine.gateway.faults.staging import Staging
from rules_engine.gateway.faults.uplink import Uplink
from rules_engine.gateway.feeds.depth_answers import DepthAnswers
from rules_engine.gateway.feeds.history_answers import HistoryAnswers
from rules_engine.gateway.feeds.limits import USUAL, Limits
from rules_engine.gateway.feeds.live_bars import LiveBars
from rules_engine.gateway.feeds.price_answers import PriceAnswers
from rules_engine.gateway.feeds.stream_answers import StreamAnswers
from rules_engine.gateway.market.liquidity import Liquidity
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.orders.allowance import ACTIVE_ORDERS_MAX
from rules_engine.gateway.orders.audience import Audience
from rules_engine.gateway.orders.corrections import Corrections
from rules_engine.gateway.orders.desk import Desk
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.orders.order_answers import OrderAnswers
from rules_engine.gateway.orders.window import Window
from rules_engine.gateway.passage import Passage
from rules_engine.gateway.reference_answers import ReferenceAnswers
from rules_engine.gateway.state import State, StateError
from rules_engine.gateway.times import Timers
from rules_engine.gateway.wire.frames import VERSION_MAX
from rules_engine.gateway.wire.reception import Reception
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session
from rules_engine.gateway.wire.switchboard import Switchboard
from rules_engine.model.clock import Clock, SystemClock


class Gateway(Staging):
    """Listens for IB clients, plays a market to them and keeps their orders whether they are connected or not.

    It agrees on no server version above `version_max`, as an older TWS would.
    """

    def __init__(
        self,
        market: Market,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        accounts: Sequence[str] = ("DU1234567",),
        state: Path | None = None,
        clock: Clock | None = None,
        version_max: int = VERSION_MAX,
        seed: int = 0,
        faults: Sequence[Step] = (),
        fault_seed: int | None = None,
        control_port: int | None = None,
        say: Callable[[str], None] = lambda text: None,
        latency_s: float = 0.0,
        master_client: int | None = None,
        active_orders_max: int = ACTIVE_ORDERS_MAX,
        limits: Limits = USUAL,
    ) -> None:
        self.market = market
        self.host = host
        self.port = port
        self._state_path = state
        self._state: State | None = None
        self._clock: Clock = clock or SystemClock()
        self._switchboard = Switchboard()
        self._timers = Timers()
        self._stage = Timers()
        self._passage = Passage(self._clock, market, self._timers, self._stage)
        self._now_s = self._passage.now_s
        self._faults = Faults(self._timers, self._now_s, Random(f"{seed}:faults"))
        self._ledger = Ledger(accounts, market)
        self._liquidity = Liquidity(market, seed)
        self._floor = Floor(market, self._liquidity, self._ledger, self._timers, self._now_s, self, latency_s)
        self._desk = Desk(self._floor, market, self._ledger, self._timers, self._now_s, self, active_orders_max)
        self._window = Window(self._desk, self._floor, self)
        self._corrections = Corrections(market, self._ledger, self._floor.book, self)
        self._mishaps = Mishaps(market, self._ledger, self._floor, self._now_s, self)
        self._audience = Audience(self._switchboard, self._floor.book, master_client)
        self._router = Router()
        self._uplink = Uplink(
            market.catalogue, self._timers, self._now_s, self._switchboard.send_all, self._router.answer
        )
        self._accounts = AccountAnswers(self._ledger, self._timers, self._now_s, self._router)
        self._prices = PriceAnswers(market, self._now_s, self._faults, limits, self._router)
        self._history = HistoryAnswers(market, self._now_s, self._router)
        self._streams = StreamAnswers(market, self._now_s, self._faults, limits, self._router)
        live_bars = LiveBars(market, self._timers, self._now_s, self._faults, self._router)
        self._depth = DepthAnswers(market, self._liquidity, self._faults, limits, self._router)
        self._feeds = (self._prices, self._history, self._streams, live_bars, self._depth)
        market.on_halt(self._prices.halted)
        ContractAnswers(market, self._router)
        ReferenceAnswers(accounts, self._router)
        OrderAnswers(self._desk, self._floor, self._window, self._faults, self._router)
        self._reception = Reception(
            self._switchboard, self._router, self._floor.book, self._faults, self._uplink, self._passage, version_max
        )
        self._reception.on_left(self._accounts.left)
        self._reception.on_left(self._window.left)
        for feed in self._feeds:
            self._reception.on_left(feed.left)
        self._reception.on_settled(self._settle)
        self._server: asyncio.Server | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._plan = FaultPlan(faults, self, self._stage, self._now_s, say)
        self._misfortune = None if fault_seed is None else Misfortune(fault_seed, self._plan, self._stage, self._now_s)
        self._control = Control(self, self._plan)
        self.control_port = control_port
        self._passage.on_ticks(self._apply)
        self._passage.on_settled(self._settle)

    # What the desk reports.

    def tell(self, clientId: int, message: object) -> None:
        """A report about an order of this client, for those who may hear it."""
        if not self._uplink.cut:
            self._audience.tell(clientId, message)

    def executed(self, execution: Execution) -> None:
        """A fill moved an account, and took something out of the book."""
        self._depth.traded(execution.contract.conId)
        if not self._uplink.cut:
            self._accounts.changed(execution.account, execution.contract.conId)
        if self._state is not None:
            self._state.executed(execution)

    def changed(self, order: Order) -> None:
        """An order must be remembered as it is now."""
        if self._state is not None:
            self._state.order_changed(order)

    def forgot_before(self, time_s: float) -> None:
        """A day has begun."""
        self._ledger.start_day(time_s)
        if self._state is not None:
            self._state.forget_before(time_s, self._ledger)

    # For those who run it.

    async def start(self) -> None:
        """Begin to play the market and to listen; `port` is the real one from here on. If it fails: `stop`."""
        if not self.market.started:
            self.market.start(self._now_s())
        if self._state_path is not None:
            self._state = State(self._state_path)
            try:
                self._floor.restore(self._state.load(self._floor.book, self._ledger, self.market.catalogue))
            except StateError:
                self._state.close()
                self._state = None
                raise
        self._desk.start_day()
        self._floor.resume()
        self._settle()
        loop = asyncio.get_running_loop()
        # Whoever is cancelled as it begins to listen must know of its server by then, to close it.
        self._server = await loop.create_server(self._reception.session, self.host, self.port, start_serving=False)
        await self._server.start_serving()
        self.port = self._server.sockets[0].getsockname()[1]
        if self.control_port is not None:
            self.control_port = await self._control.start(self.control_port)
        self._plan.start()
        if self._misfortune is not None:
            self._misfortune.start()
        self._loop_task = asyncio.create_task(self._passage.play(), name="gateway market")

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
        await self._control.stop()
        if self._server is not None:
            self._server.close()
            for session in self._switchboard.sockets():
                session.reset()
            await self._server.wait_closed()
        if self._state is not None:
            self._state.commit(self._floor.book, self._ledger)
            self._state.close()
            self._state = None

    async def run(self) -> None:
        """Play until cancelled."""
        assert self._loop_task is not None, "start it first"
        await self._loop_task

    @property
    def now_s(self) -> float:
        """The gateway's present, in POSIX seconds."""
        return self._now_s()

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts by name, the first one being that of orders that name none."""
        return tuple(self._ledger.accounts)

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order that the gateway knows, oldest first."""
        return self._floor.book.all()

    @property
    def open_lines(self) -> Sequence[tuple[Session, int, str]]:
        """Every market data line: who opened it, by which request, and the symbol that it follows."""
        return self._prices.open_lines()

    @property
    def connected_clients(self) -> tuple[int, ...]:
        """The numbers of the clients that are connected now."""
        return tuple(session.clientId for session in self._switchboard.started() if session.clientId is not None)

    @property
    def executions(self) -> tuple[Execution, ...]:
        """Every fill of today, oldest first."""
        return tuple(self._floor.book.executions)

    # What happens by itself, or on command.

    def _remember_account(self, account: str) -> None:
        if self._state is not None:
            self._state.account_changed(account)

    def _apply(self, ticks: Sequence[Tick]) -> None:
        """Prices go out to clients before orders match against them."""
        shown = self._uplink.shown(ticks)
        for feed in self._feeds:
            feed.ticked(shown)
        self._floor.ticked(ticks)
        self._depth.settle()

    def _settle(self) -> None:
        """Remember what happened, then tell it; new timers may be due sooner than what the loop waits for."""
        if self._state is not None:
            self._state.commit(self._floor.book, self._ledger)
        self._depth.settle()
        self._switchboard.flush()
        self._passage.wake()
