"""`rules adopt`: the user looked into why IB knows more than the journal."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import tell_engine
from rules_engine.cli.rule_files import config_option, json_option


@click.command("adopt")
@config_option
@json_option
def command(config: Path | None, as_json_: bool) -> None:
    """Take what IB has for right and trade again: where the journal is an older copy, or a new one.

    Orders in our name that the journal does not know stay as they are in TWS and are no longer followed.
    """
    tell_engine(config, as_json_, "adopt")
