"""`rules pause`: ask the running engine to pause a rule."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option, json_option


@click.command("pause")
@click.argument("name", required=False)
@config_option
@json_option
def command(name: str | None, config: Path | None, as_json_: bool) -> None:
    """Make the rule NAME deaf, or all rules when no name is given."""
    tell_engine(config, as_json_, "pause", rule=name)
