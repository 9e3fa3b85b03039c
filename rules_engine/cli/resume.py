"""`rules resume`: ask the running engine to resume a rule."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option, json_option


@click.command("resume")
@click.argument("name", required=False)
@config_option
@json_option
def command(name: str | None, config: Path | None, as_json_: bool) -> None:
    """Make the paused rule NAME listen again, armed anew. Without NAME: all, and orders leave again after all positions
    were gone.

    With NAME, a rule goes on that was halted over two orders for one intent, and fills of it that have no price any
    more count no longer against max_daily_loss_per_rule.
    """
    tell_engine(config, as_json_, "resume", rule=name)
