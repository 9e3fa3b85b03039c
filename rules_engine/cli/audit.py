"""`rules audit`: does the journal balance, and is it whole?"""

from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.engine_link import settings_of_engine
from rules_engine.cli.journal_link import ledger_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option


@click.command("audit")
@config_option
@json_option
def command(config: Path | None, as_json_: bool) -> None:
    """Count what became of every firing, and check that no event of the journal was changed or removed."""
    with ledger_of(settings_of_engine(config)) as ledger:
        fates, broken, misfilled = ledger.fates(), ledger.first_broken_event(), ledger.misfilled()
    if as_json_:
        echo_json({"fired": sum(fates.values()), "fates": dict(fates), "broken_event": broken, "misfilled": misfilled})
    else:
        words = " + ".join(f"{count} {fate}" for fate, count in fates.items() if count)
        click.echo(f"{sum(fates.values())} fired = {words or 'nothing'}")
        click.echo("no event was changed or removed" if broken is None else f"event {broken} or one before was changed")
        for key in misfilled:
            click.echo(f"the fills of {key} do not add up to what it says is filled")
    if broken is not None or misfilled:
        raise SystemExit(EXIT_PROBLEMS)
