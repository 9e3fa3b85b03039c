"""`rules stop`: the kill switch, with an engine or without one."""

import asyncio
import contextlib
from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS, EXIT_UNREACHABLE
from rules_engine.cli.engine_link import settings_of_engine, state_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option
from rules_engine.daemon.control import NotRunning, ask
from rules_engine.daemon.state_folder import StateFolder, StateFolderRefused
from rules_engine.daemon.stop_outside import Cancelled, cancel_outside
from rules_engine.execution.database import JournalFailed, JournalLocked
from rules_engine.execution.journal import Journal
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.execution.words import order_words
from rules_engine.model.clock import SystemClock
from rules_engine.model.errors import LinkDown
from rules_engine.model.json_value import Json
from rules_engine.model.settings import Settings


@click.command("stop")
@click.option("--keep-orders", is_flag=True, help="Send nothing more, but leave what is at the broker.")
@click.option("--lift", is_flag=True, help="Let orders leave again.")
@config_option
@json_option
def command(keep_orders: bool, lift: bool, config: Path | None, as_json_: bool) -> None:
    """Send nothing more, and cancel our orders at the broker, protecting stops too. Holds until --lift."""
    settings = settings_of_engine(config)
    folder = state_of(settings)
    answer = _lift(folder) if lift else _pull(settings, folder, keep_orders=keep_orders)
    if as_json_:
        echo_json({"command": "stop", "answer": answer})
    else:
        click.echo(answer)


def _lift(folder: StateFolder) -> Json:
    was_on = KillSwitch(folder.stop_flag).release()
    with contextlib.suppress(NotRunning):  # It reads the switch when it starts, and a hanging one when it goes on.
        ask(folder.socket, "stop", lift=True)
    return "orders may leave again" if was_on else "the kill switch was off"


def _pull(settings: Settings, folder: StateFolder, *, keep_orders: bool) -> Json:
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
        if keep_orders or not folder.journal.exists():
            return "Nothing more is sent. No engine runs."
        return _cancel(settings, folder, str(error))


def _cancel(settings: Settings, folder: StateFolder, why: str) -> Json:
    clock = SystemClock()
    try:
        journal = Journal(folder.journal, clock, mode=settings.mode, account=settings.account)
    except JournalLocked as error:
        words = f"Nothing more is sent, but nothing was cancelled: {why}, and it holds the journal. End it, then again"
        click.echo(f"{words}: rules stop", err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
    except JournalFailed as error:
        click.echo(f"Nothing more is sent, but nothing was cancelled: {error}", err=True)
        raise SystemExit(EXIT_PROBLEMS) from error
    try:
        found = asyncio.run(cancel_outside(settings, journal, clock))
    except LinkDown as error:
        click.echo(f"Nothing more is sent, but nothing was cancelled: {error}", err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
    finally:
        journal.close()
    if found.left:
        click.echo(_words(found), err=True)
        raise SystemExit(EXIT_PROBLEMS)
    return _words(found)


def _words(found: Cancelled) -> str:
    left = {intent.key for intent in found.left}
    lines = ["Nothing more is sent. No engine runs."]
    lines += [
        f"cancelled: {intent.rule}: {order_words(intent.draft)}" for intent in found.asked if intent.key not in left
    ]
    lines += [
        f"not confirmed, look in TWS: {intent.rule}: {order_words(intent.draft)} ({intent.key})"
        for intent in found.left
    ]
    return "\n".join(lines if found.asked else [*lines, "No order of ours is at the broker."])
