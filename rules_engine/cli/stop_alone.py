"""`rules stop` when no engine answers: our orders are cancelled over a connection of its own."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS, EXIT_UNREACHABLE
from rules_engine.cli.rule_files import settings_from
from rules_engine.daemon.last_words import tell_directly
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.stop_outside import Cancelled, cancel_outside, cancel_unrecorded, tell_outside
from rules_engine.execution.database import JournalFailed, JournalLocked
from rules_engine.execution.journal import Journal, engine_name
from rules_engine.execution.keys import Naming
from rules_engine.execution.words import order_words
from rules_engine.model.clock import SystemClock
from rules_engine.model.errors import EvidenceIncomplete, LinkDown
from rules_engine.model.settings import Settings
from rules_engine.notifying.channels import check_channels

NO_ENGINE = "Nothing more is sent. No engine runs."
_KEPT = f"{NO_ENGINE} What is at the broker stays there."
_NOTHING_CANCELLED = "Nothing more is sent, but nothing was cancelled"


def stop_alone(settings: Settings, folder: StateFolder, config: Path | None, why: str, *, keep_orders: bool) -> str:
    """What was done, in words. ``why`` the engine does not answer. Ends the program where something is left undone."""
    try:
        return _recorded(settings, folder, config, why, keep_orders=keep_orders)
    except JournalFailed as error:
        words = str(error) if keep_orders else _unrecorded(settings, folder, error)
        asyncio.run(tell_directly(_channels(config), "Kill switch is on", words))
        click.echo(words, err=True)
        raise SystemExit(EXIT_PROBLEMS) from error


def _recorded(settings: Settings, folder: StateFolder, config: Path | None, why: str, *, keep_orders: bool) -> str:
    clock = SystemClock()
    try:
        journal = Journal(folder.journal, clock, mode=settings.mode, account=settings.account)
    except JournalLocked as error:
        words = f"{_NOTHING_CANCELLED}: {why}, and it holds the journal. End it, then again: rules stop"
        asyncio.run(tell_directly(_channels(config), "Kill switch is on", words))
        click.echo(words, err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
    try:
        journal.want_unsent_cancelled()
        words, code = (_KEPT, 0) if keep_orders else _cancel(settings, journal, clock)
        if code:
            click.echo(words, err=True)
        asyncio.run(tell_outside(settings.channels, _channels(config), journal, words, clock))
    finally:
        journal.close()
    if code:
        raise SystemExit(code)
    return words


def _unrecorded(settings: Settings, folder: StateFolder, failed: JournalFailed) -> str:
    """What could be cancelled although the journal takes nothing more, by the name that our orders begin with."""
    try:
        found = asyncio.run(cancel_unrecorded(settings, Naming(engine_name(folder.journal), ""), SystemClock()))
    except (JournalFailed, LinkDown, EvidenceIncomplete) as error:
        return f"{_NOTHING_CANCELLED}: {failed}; {error}"
    lines = [f"Nothing more is sent: {failed}; what IB shows of ours is cancelled without it."]
    lines += [f"cancelled: {key}" for key in found.asked if key not in found.left]
    lines += [f"not confirmed, look in TWS: {key}" for key in found.left]
    return "\n".join(lines if found.asked else [*lines, "No order of ours is at the broker."])


def _cancel(settings: Settings, journal: Journal, clock: SystemClock) -> tuple[str, int]:
    """What became of our orders in words, and the exit code that goes with it."""
    try:
        found = asyncio.run(cancel_outside(settings, journal, clock))
    except LinkDown as error:
        return f"{_NOTHING_CANCELLED}: {error}", EXIT_UNREACHABLE
    return _words(found), EXIT_PROBLEMS if found.left else 0


def _channels(config: Path | None) -> Mapping[str, str]:
    """The channels with their addresses, as far as those can be read now: the switch works without."""
    with contextlib.suppress(SystemExit):
        settings = settings_from(config, with_secrets=True)
        if settings and not check_channels(settings.channels, local_webhooks=settings.local_webhooks):
            return settings.channels
    return {}


def _words(found: Cancelled) -> str:
    left = {intent.key for intent in found.left}
    lines = [NO_ENGINE]
    lines += [
        f"cancelled: {intent.rule}: {order_words(intent.draft)}" for intent in found.asked if intent.key not in left
    ]
    lines += [
        f"not confirmed, look in TWS: {intent.rule}: {order_words(intent.draft)} ({intent.key})"
        for intent in found.left
    ]
    return "\n".join(lines if found.asked else [*lines, "No order of ours is at the broker."])
