"""`rules resume`: ask the running engine to resume a rule."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option


@click.command("resume")
@click.argument("name", required=False)
@config_option
def command(name: str | None, config: Path | None) -> None:
    """Make the paused rule NAME listen again, armed anew. Without NAME: all, and orders leave again after an alarm."""
    click.echo(tell_engine(config, "resume", rule=name))
