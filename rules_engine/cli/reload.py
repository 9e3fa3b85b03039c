"""`rules reload`: the rule files read again, all or nothing."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option, json_option


@click.command("reload")
@click.option("--dry", is_flag=True, help="Only show what would change.")
@config_option
@json_option
def command(dry: bool, config: Path | None, as_json_: bool) -> None:
    """Read the rule files again and take them over, if every one of them is valid."""
    tell_engine(config, as_json_, "reload", dry=dry)
