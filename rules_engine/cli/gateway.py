"""`rules gateway`: the simulated IB gateway, served alone."""

import asyncio
import contextlib
import signal
from pathlib import Path

import click

from rules_engine.cli import EXIT_CONFIGURATION
from rules_engine.gateway import Market, MarketError, parse_market, serve
from rules_engine.gateway.state import StateError


@click.command("gateway")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4002,
    show_default=True,
    help="Port to listen on; 0 finds a free one.",
)
@click.option(
    "--market",
    "markets",
    multiple=True,
    default=("walk",),
    show_default=True,
    metavar="walk|SCRIPT.yaml|SYMBOL=FILE.csv",
    help="What is played; repeatable.",
)
@click.option("--speed", default=1.0, show_default=True, help="How many times faster than life the market plays.")
@click.option("--seed", default=1, show_default=True, help="Seed of the random walk.")
@click.option("--state", type=click.Path(path_type=Path), help="File that keeps orders and positions over restarts.")
def command(host: str, port: int, markets: tuple[str, ...], speed: float, seed: int, state: Path | None) -> None:
    """Serve a SIMULATED Interactive Brokers gateway until Ctrl-C. No order reaches any market."""
    try:
        market = parse_market(markets, speed=speed, seed=seed)
        asyncio.run(_serve_until_told(market, host, port, state))
    except (MarketError, StateError) as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error
    except OSError as error:
        click.echo(f"cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error


async def _serve_until_told(market: Market, host: str, port: int, state: Path | None) -> None:
    """SIGTERM and Ctrl-C end it like any other end: connections closed, the state file let go of."""
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serve(market, host=host, port=port, state=state, say=click.echo)
