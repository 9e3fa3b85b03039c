"""The kill switch without an engine: a connection of its own, under the engine's client id and journal."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.broker.connection import Connection
from rules_engine.broker.inbox import Inbox
from rules_engine.execution.changes import Change, Silence
from rules_engine.execution.desk import Desk
from rules_engine.execution.journal import Journal
from rules_engine.execution.keys import Naming
from rules_engine.execution.ports import Quote
from rules_engine.execution.risk import RiskGate
from rules_engine.model.clock import Clock
from rules_engine.model.expression import Expression
from rules_engine.model.intent import Intent
from rules_engine.model.reports import BrokerStatus, ExecutionReport, LinkChange, OrderError, OrderReport, Traded
from rules_engine.model.settings import Settings
from rules_engine.notifying.messages import trading_stopped_notice
from rules_engine.notifying.sender import Sender

DEADLINE_S = 15.0
TELLING_S = 10.0
_ENDS = frozenset({BrokerStatus.CANCELLED, BrokerStatus.FILLED})


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was open when the switch was pulled, and what of it IB had not confirmed as ended by the deadline."""

    asked: Sequence[Intent]
    left: Sequence[Intent]


@dataclass(frozen=True, slots=True)
class CancelledUnrecorded:
    """The same as keys, of orders that IB showed."""

    asked: Sequence[str]
    left: Sequence[str]


async def cancel_outside(settings: Settings, journal: Journal, clock: Clock) -> Cancelled:
    """Compares with IB, cancels what is ours, and waits for IB's word. Sends no order. Raises LinkDown."""
    before = _at_broker(journal)
    if not before:
        return Cancelled((), ())
    inbox, news = Inbox(), _News()
    gate = RiskGate(settings.limits, _NoMarket(), clock)
    desk = Desk(journal, gate, clock, settings, listener=news, stopped=lambda: True)
    connection = await Connection.open(
        settings.gateway,
        (),
        inbox,
        clock,
        account=settings.account,
        order_id_floor=journal.order_id_high_water,
    )
    desk.attach(connection)
    desk.stop_trading()
    try:
        async with asyncio.TaskGroup() as tasks:
            serving = [tasks.create_task(desk.serve()), tasks.create_task(_hear(inbox, desk))]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DEADLINE_S):
                    while _at_broker(journal):
                        await news.next()
            for task in serving:
                task.cancel()
    finally:
        connection.close()
    return Cancelled(before, _at_broker(journal))


async def cancel_unrecorded(settings: Settings, naming: Naming, clock: Clock) -> CancelledUnrecorded:
    """Cancels what begins with the engine's name and waits for IB's word, without a journal that can be written. Raises
    LinkDown or EvidenceIncomplete."""
    inbox, client_id = Inbox(), settings.gateway.client_id
    connection = await Connection.open(settings.gateway, (), inbox, clock, account=settings.account)
    try:
        alive = [one for one in (await connection.evidence()).open_orders if one.status.is_alive]
        asked = [one for one in alive if naming.is_ours(one.order_ref) and one.client_id == client_id]
        for one in asked:
            connection.cancel(one.order_id)
        left = {one.perm_id: one.order_ref for one in asked}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                while left:
                    await inbox.wait()
                    for item in inbox.take():
                        if isinstance(item, OrderReport) and item.status in _ENDS:
                            left.pop(item.perm_id, None)
    finally:
        connection.close()
    return CancelledUnrecorded([one.order_ref for one in asked], list(left.values()))


async def tell_outside(
    channels: Iterable[str], reachable: Mapping[str, str], journal: Journal, words: str, clock: Clock
) -> None:
    """Tells the channels that the switch was pulled, as the engine would. What does not arrive in time stays in the
    journal for the next engine to tell; all of it does unless all of their addresses are known."""
    journal.tell(trading_stopped_notice(words, channels, clock.now_s()))
    if not reachable:
        return
    sender = Sender(journal.outbox, reachable, clock)
    sending = asyncio.create_task(sender.run())
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TELLING_S):
                await sender.drained()
    finally:
        sending.cancel()
        await asyncio.wait({sending})


async def _hear(inbox: Inbox, desk: Desk) -> None:
    while True:
        await inbox.wait()
        for item in inbox.take():
            if isinstance(item, OrderReport | ExecutionReport | OrderError | LinkChange):
                desk.on_report(item)


def _at_broker(journal: Journal) -> Sequence[Intent]:
    return [intent for intent in journal.intents.open() if intent.state.may_be_at_broker]


class _News(Silence):
    """Says that something became of an order."""

    def __init__(self) -> None:
        self._came = asyncio.Event()

    def changed(self, change: Change) -> None:
        self._came.set()

    async def next(self) -> None:
        await self._came.wait()
        self._came.clear()


class _NoMarket:
    """Nothing is known and nothing is sent: only cancellations leave."""

    def read(self, expression: Expression) -> float | None:
        return None

    def quote(self, instrument: str) -> Quote | None:
        return None

    def position(self, instrument: str) -> Decimal | None:
        return None

    def traded(self, instrument: str) -> Traded | None:
        return None

    def exchange_rate(self, currency: str) -> Decimal | None:
        return None
