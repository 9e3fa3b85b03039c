"""`rules gateway`: the simulated IB gateway, served alone."""

import asyncio
from pathlib import Path

import click

from rules_engine.cli import EXIT_CONFIGURATION
from rules_engine.gateway import MarketError, parse_market, serve


@click.command("gateway")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=4002, show_default=True, help="Port to listen on; 0 finds a free one.")
@click.option(
    "--market",
    "markets",
    multiple=True,
    default=("walk",),
    show_default=True,
    metavar="walk|SCRIPT.yaml|SYMBOL=FILE.csv",
    help="What is played; repeatable.",
)
@click.option("--speed", default=1.0, show_default=True, help="How many times faster recorded prices pass.")
@click.option("--seed", default=1, show_default=True, help="Seed of the random walk.")
@click.option("--state", type=click.Path(path_type=Path), help="File that keeps orders and positions over restarts.")
def command(host: str, port: int, markets: tuple[str, ...], speed: float, seed: int, state: Path | None) -> None:
    """Serve a SIMULATED Interactive Brokers gateway until Ctrl-C. No order reaches any market."""
    try:
        market = parse_market(markets, speed=speed, seed=seed)
    except MarketError as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error
    asyncio.run(serve(market, host=host, port=port, state=state, say=click.echo))
