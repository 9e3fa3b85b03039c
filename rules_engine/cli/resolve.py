"""`rules resolve`: the user looked in TWS for an order whose fate was unknown."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option, json_option


@click.command("resolve")
@click.argument("key")
@click.argument("found", type=click.Choice(["placed", "not-placed"]))
@config_option
@json_option
def command(key: str, found: str, config: Path | None, as_json_: bool) -> None:
    """Settle the order KEY, whose fate is unknown: you FOUND it placed, or not placed, in TWS.

    Placed, it stays open and counts against the limits until IB reports its end. Not placed, it is over.
    """
    tell_engine(config, as_json_, "resolve", key=key, found=found)
