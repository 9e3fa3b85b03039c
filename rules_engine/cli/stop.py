"""`rules stop`: the kill switch, with an engine or without one."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS, EXIT_UNREACHABLE
from rules_engine.cli.engine_link import settings_of_engine, state_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option, settings_from
from rules_engine.daemon.control import NotRunning, ask
from rules_engine.daemon.last_words import tell_directly
from rules_engine.daemon.state_folder import StateFolder, StateFolderRefused
from rules_engine.daemon.stop_outside import Cancelled, cancel_outside, tell_outside
from rules_engine.execution.database import JournalFailed, JournalLocked
from rules_engine.execution.journal import Journal
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.execution.words import order_words
from rules_engine.model.clock import SystemClock
from rules_engine.model.errors import LinkDown
from rules_engine.model.json_value import Json
from rules_engine.model.settings import Settings
from rules_engine.notifying.channels import check_channels

_NO_ENGINE = "Nothing more is sent. No engine runs."
_KEPT = f"{_NO_ENGINE} What is at the broker stays there."
_NOTHING_CANCELLED = "Nothing more is sent, but nothing was cancelled"


@click.command("stop")
@click.option("--keep-orders", is_flag=True, help="Send nothing more, but leave what is at the broker.")
@click.option("--lift", is_flag=True, help="Let orders leave again.")
@config_option
@json_option
def command(keep_orders: bool, lift: bool, config: Path | None, as_json_: bool) -> None:
    """Send nothing more, and cancel our orders at the broker, protecting stops too. Holds until --lift."""
    settings = settings_of_engine(config)
    folder = state_of(settings)
    answer = _lift(folder) if lift else _pull(settings, folder, config, keep_orders=keep_orders)
    if as_json_:
        echo_json({"command": "stop", "answer": answer})
    else:
        click.echo(answer)


def _lift(folder: StateFolder) -> Json:
    was_on = KillSwitch(folder.stop_flag).release()
    with contextlib.suppress(NotRunning):  # It reads the switch when it starts, and a hanging one when it goes on.
        ask(folder.socket, "stop", lift=True)
    return "orders may leave again" if was_on else "the kill switch was off"


def _pull(settings: Settings, folder: StateFolder, config: Path | None, *, keep_orders: bool) -> Json:
    try:
        folder.prepare()
        # Before anything that could hang: from here on nothing leaves, whoever runs.
        KillSwitch(folder.stop_flag).pull(keep_orders=keep_orders)
    except (StateFolderRefused, OSError) as error:
        click.echo(f"the kill switch could not be set: {error}", err=True)
        raise SystemExit(EXIT_PROBLEMS) from error
    try:
        return ask(folder.socket, "stop", keep_orders=keep_orders)
    except NotRunning as error:
        if not folder.journal.exists():
            return _NO_ENGINE
        return _without_engine(settings, folder, config, str(error), keep_orders=keep_orders)


def _without_engine(
    settings: Settings, folder: StateFolder, config: Path | None, why: str, *, keep_orders: bool
) -> Json:
    clock = SystemClock()
    try:
        journal = Journal(folder.journal, clock, mode=settings.mode, account=settings.account)
    except JournalLocked as error:
        words = f"{_NOTHING_CANCELLED}: {why}, and it holds the journal. End it, then again: rules stop"
        asyncio.run(tell_directly(_channels(config), "Kill switch is on", words))
        click.echo(words, err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
    except JournalFailed as error:
        words = f"{_NOTHING_CANCELLED}: {error}"
        asyncio.run(tell_directly(_channels(config), "Kill switch is on", words))
        click.echo(words, err=True)
        raise SystemExit(EXIT_PROBLEMS) from error
    try:
        words, code = (_KEPT, 0) if keep_orders else _cancel(settings, journal, clock)
        if code:
            click.echo(words, err=True)
        asyncio.run(tell_outside(settings.channels, _channels(config), journal, words, clock))
    finally:
        journal.close()
    if code:
        raise SystemExit(code)
    return words


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
    lines = [_NO_ENGINE]
    lines += [
        f"cancelled: {intent.rule}: {order_words(intent.draft)}" for intent in found.asked if intent.key not in left
    ]
    lines += [
        f"not confirmed, look in TWS: {intent.rule}: {order_words(intent.draft)} ({intent.key})"
        for intent in found.left
    ]
    return "\n".join(lines if found.asked else [*lines, "No order of ours is at the broker."])
