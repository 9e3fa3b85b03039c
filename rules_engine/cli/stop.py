"""`rules stop`: the kill switch, with an engine or without one."""

import contextlib
from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.engine_link import settings_of_engine, state_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option
from rules_engine.daemon.control import NotRunning, ask
from rules_engine.daemon.state_folder import StateFolder, StateFolderRefused
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.model.json_value import Json
from rules_engine.model.settings import Settings
from rules_engine.notifying.messages import TO_LIFT


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
        if not lift:
            click.echo(TO_LIFT)


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
    except StateFolderRefused as error:
        click.echo(f"the kill switch could not be set: {error}", err=True)
        raise SystemExit(EXIT_PROBLEMS) from error
    except OSError as error:
        # A disk that takes nothing: what is at the broker is cancelled all the same.
        click.echo(f"the kill switch could not be set: {error}", err=True)
        answer = _stop(settings, folder, config, keep_orders=keep_orders)
        click.echo(answer)
        raise SystemExit(EXIT_PROBLEMS) from error
    return _stop(settings, folder, config, keep_orders=keep_orders)


def _stop(settings: Settings, folder: StateFolder, config: Path | None, *, keep_orders: bool) -> Json:
    try:
        return ask(folder.socket, "stop", keep_orders=keep_orders)
    except NotRunning as error:
        # Imported only now: whoever pulls the switch beside an engine does not wait for what talks to IB.
        from rules_engine.cli.stop_alone import NO_ENGINE, stop_alone

        if not folder.journal.exists():
            return NO_ENGINE
        return stop_alone(settings, folder, config, str(error), keep_orders=keep_orders)
