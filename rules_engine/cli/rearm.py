"""`rules rearm`: ask the running engine to rearm a rule."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option, json_option


@click.command("rearm")
@click.argument("name")
@config_option
@json_option
def command(name: str, config: Path | None, as_json_: bool) -> None:
    """Arm the rule NAME, which is done or broken."""
    tell_engine(config, as_json_, "rearm", rule=name)
