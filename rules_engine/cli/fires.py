"""`rules fires`: what fired, was held back or missed, and what came of it."""

from dataclasses import asdict
from pathlib import Path

import click

from rules_engine.cli.engine_link import settings_of_engine
from rules_engine.cli.journal_link import ledger_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option
from rules_engine.cli.tables import clock, show

COUNT = 50


@click.command("fires")
@click.argument("rule", required=False, default="")
@click.option("--count", type=click.IntRange(1), default=COUNT, show_default=True, help="How many, newest first.")
@config_option
@json_option
def command(rule: str, count: int, config: Path | None, as_json_: bool) -> None:
    """Show the newest firings of RULE, or of all rules."""
    with ledger_of(settings_of_engine(config)) as ledger:
        fires = ledger.fires(rule=rule, count_max=count)
    if as_json_:
        echo_json([asdict(fire) for fire in fires])
        return
    rows = (
        (clock(fire.at_s), fire.rule, fire.fate, "; ".join(fire.actions), f"{fire.reason} {fire.detail}".strip())
        for fire in fires
    )
    show(("at", "rule", "fate", "actions", "reason"), rows, "nothing has fired")
