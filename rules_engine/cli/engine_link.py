"""Commands for a running engine: where it is, how to ask it, and what to say when it is not there."""

from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS, EXIT_UNREACHABLE
from rules_engine.cli.rule_files import echo_json, settings_from
from rules_engine.daemon.control import CommandRefused, NotRunning, ask
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.model.json_value import Json
from rules_engine.model.settings import Settings


def settings_of_engine(config: Path | None) -> Settings:
    """The settings that name the state folder; without a config file the defaults."""
    return settings_from(config) or Settings()


def state_of(settings: Settings) -> StateFolder:
    """Where journal, log and control socket lie."""
    return StateFolder(settings.state)


def tell_engine(config: Path | None, as_json: bool, command: str, **arguments: Json) -> None:
    """Sends a command to the running engine and prints its answer; ends the program in words when it is refused or
    nobody runs."""
    folder = state_of(settings_of_engine(config))
    try:
        answer = ask(folder.socket, command, **arguments)
    except NotRunning as error:
        click.echo(f"{error}; start it with `rules run`", err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
    except CommandRefused as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_PROBLEMS) from error
    if as_json:
        echo_json({"command": command, "answer": answer})
    else:
        click.echo(answer)
