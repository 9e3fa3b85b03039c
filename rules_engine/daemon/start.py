"""From settings to a running engine and back to an exit code."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from rules_engine.daemon.collector import collector_waits
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.heartbeat import heartbeat_fault
from rules_engine.daemon.heartbeat_systemd import watched_by_systemd
from rules_engine.daemon.in_force import EDITION
from rules_engine.daemon.last_words import last_words
from rules_engine.daemon.logs import start_logging, thread_errors_logged
from rules_engine.daemon.rulebook import Refused, RuleBook
from rules_engine.daemon.state_folder import StateFolder, StateFolderRefused
from rules_engine.execution.database import JournalFailed, JournalLocked
from rules_engine.execution.ledger import open_ledger
from rules_engine.execution.slices import in_slices
from rules_engine.gateway import Gateway, parse_market
from rules_engine.language import prepare, render
from rules_engine.model.clock import SystemClock
from rules_engine.model.settings import Mode, Settings
from rules_engine.notifying.channels import check_channels

EXIT_FINE = 0
EXIT_PROBLEMS = EXIT_FAILED = 1
EXIT_CONFIGURATION = 78

_log = logging.getLogger(__name__)

_EMBEDDED_MARKET = ("walk",)


async def run_engine(settings: Settings, say: Callable[[str], None], *, live: bool) -> int:
    """Runs until SIGTERM or SIGINT and returns the exit code; SIGUSR1 pulls the kill switch.

    ``say`` takes what the user must read at once.
    """
    folder = StateFolder(settings.state)
    try:
        folder.prepare()
    except StateFolderRefused as error:
        say(str(error))
        return EXIT_CONFIGURATION
    heartbeat = settings.heartbeat
    start_logging(folder.log, [*settings.channels.values(), *([heartbeat.url] if heartbeat else [])])
    faults = [
        *check_channels(settings.channels, local_webhooks=settings.local_webhooks),
        *filter(None, [heartbeat_fault(heartbeat)]),
    ]
    if faults:
        say("\n".join(faults))
        return EXIT_CONFIGURATION
    if settings.mode is Mode.LIVE and not live:
        say("mode: live sends real orders; if that is what you want, write: rules run --live")
        return EXIT_CONFIGURATION
    try:
        with thread_errors_logged():
            async with _gateway_of(settings) as reachable:
                return await _run(reachable, folder, say, live=live)
    except Exception:
        # Python would print it as it is: only the log masks what must not be seen.
        _log.critical("the engine failed", exc_info=True)
        return EXIT_FAILED


async def _run(settings: Settings, folder: StateFolder, say: Callable[[str], None], *, live: bool) -> int:
    clock = SystemClock()
    prepare()
    book = RuleBook(settings.rules, frozenset(settings.channels))
    with collector_waits():
        edition = await in_slices(book.reading(clock.now_s(), _known_rules(folder), {}))
    if isinstance(edition, Refused):
        say(render(edition.problems))
        return EXIT_PROBLEMS
    if edition.warnings:
        say(render(edition.warnings))
    try:
        daemon = Daemon(settings, folder, book, edition, clock, live=live)
    except (JournalLocked, JournalFailed) as error:
        say(str(error))
        return EXIT_PROBLEMS
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        async with watched_by_systemd(os.environ):
            while await _live(daemon, stopping):
                daemon = Daemon(settings, folder, book, daemon.edition, clock, live=live)
    except ExceptionGroup as failed:
        # Whatever it was, nothing more is sent; orders at the broker stay, and the next start reads them back.
        _log.critical("the engine stops, because a part of it failed", exc_info=True)
        await last_words(settings.channels, failed)
        return EXIT_FAILED
    return EXIT_FINE


async def _live(daemon: Daemon, stopping: asyncio.Event) -> bool:
    """Whether another engine is to go on after this one."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, daemon.stop_trading)
    try:
        return await daemon.run(stopping)
    finally:
        daemon.close()


def _known_rules(folder: StateFolder) -> frozenset[str]:
    with contextlib.suppress(JournalFailed), open_ledger(folder.journal) as ledger:
        return frozenset(name for kept in ledger.remembered_of_all(EDITION) for name in json.loads(kept))
    return frozenset()


@contextlib.asynccontextmanager
async def _gateway_of(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with a gateway that can be reached: IB's, or an embedded one that lives as long as the engine."""
    if not settings.gateway.embedded:
        yield settings
        return
    gateway = Gateway(parse_market(_EMBEDDED_MARKET), accounts=(settings.account or "DU1234567",))
    await gateway.start()
    try:
        yield replace(settings, gateway=replace(settings.gateway, host=gateway.host, port=gateway.port))
    finally:
        await gateway.stop()
