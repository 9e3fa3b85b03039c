"""`rules run`: the engine itself."""

import asyncio
from pathlib import Path

import click

from rules_engine.cli import EXIT_CONFIGURATION
from rules_engine.cli.rule_files import config_option, settings_from
from rules_engine.daemon.start import run_engine


@click.command("run")
@config_option
@click.option("--live", is_flag=True, help="The third of three words that live trading needs.")
def command(config: Path | None, live: bool) -> None:
    """Run the engine until SIGTERM or Ctrl-C. Rule files may be edited meanwhile."""
    settings = settings_from(config, with_secrets=True)
    if settings is None:
        click.echo("there is no config.yaml here; write one (see README.md) or name it with --config", err=True)
        raise SystemExit(EXIT_CONFIGURATION)
    raise SystemExit(asyncio.run(run_engine(settings, lambda text: click.echo(text, err=True), live=live)))
