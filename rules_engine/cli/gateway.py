"""`rules gateway`: the simulated IB gateway, served alone."""

import asyncio
import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import click

from rules_engine.cli import EXIT_CONFIGURATION
from rules_engine.gateway import Gateway, MarketError, parse_market, serve
from rules_engine.gateway.clocks import ClockError, read_clock, read_time_of_day
from rules_engine.gateway.faults.plan import Step, nightly_reset, nightly_restart
from rules_engine.gateway.faults.script import read_faults
from rules_engine.gateway.feeds.limits import USUAL, Limits
from rules_engine.gateway.files import Node
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.state import StateError

_PORT = click.IntRange(0, 65535)
_COUNT = click.IntRange(min=0)
_ACCOUNT = re.compile(r"[A-Z]{1,3}[0-9]{1,12}")
_FILE = click.Path(path_type=Path)


@click.command("gateway")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_PORT, default=4002, show_default=True, help="Port to listen on; 0 finds a free one.")
@click.option(
    "--account", "accounts", multiple=True, default=("DU1234567",), show_default=True, help="Account; repeatable."
)
@click.option("--master-client", type=int, metavar="ID", help="Client that hears of the orders of all others.")
@click.option(
    "--market",
    "markets",
    multiple=True,
    default=("walk",),
    show_default=True,
    metavar="walk|SCRIPT.yaml|SYMBOL=FILE.csv",
    help="What is played; repeatable.",
)
@click.option("--catalogue", type=_FILE, metavar="FILE.yaml", help="More instruments, beside the built-in ones.")
@click.option("--sessions", is_flag=True, help="Keep the trading hours and holidays of the exchanges.")
@click.option("--latency", default="0s", metavar="DURATION", help="How long orders travel to the exchange: 50ms.")
@click.option("--lines", type=_COUNT, default=USUAL.lines, show_default=True, help="Market data lines at a time.")
@click.option(
    "--depth-lines", type=_COUNT, default=USUAL.depth_lines, show_default=True, help="Market depth at a time."
)
@click.option(
    "--tick-streams", type=_COUNT, default=USUAL.tick_streams, show_default=True, help="Tick-by-tick, for each client."
)
@click.option("--seed", default=1, show_default=True, help="Seed of everything that is left to chance.")
@click.option("--state", type=_FILE, metavar="FILE", help="Keeps orders and positions over restarts.")
@click.option(
    "--clock",
    default="real",
    show_default=True,
    metavar="real|60x|stepped",
    help="How time passes: as in life, so many times faster, or only as the control port says.",
)
@click.option(
    "--start", default="", metavar="'2026-11-27 09:25 US/Eastern'", help="When the clock begins; now, if not said."
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    help="How many times faster than the clock prices are played; days and orders keep the clock's time.",
)
@click.option(
    "--nightly-restart", "restart_at", metavar="HH:MM", help="Drop everybody for a minute each night, as TWS does."
)
@click.option(
    "--nightly-reset", "reset_at", metavar="HH:MM", help="Lose IB's servers for a moment each night: 1100, then 1102."
)
@click.option("--faults", type=_FILE, metavar="FILE.yaml", help="Faults at set times: docs/gateway.md.")
@click.option("--fault-seed", type=int, metavar="N", help="Faults of all kinds at random moments, the same for one N.")
@click.option("--control", type=_PORT, metavar="PORT", help="Take commands on this port of loopback; 0 finds one.")
def command(
    host: str,
    port: int,
    accounts: tuple[str, ...],
    master_client: int | None,
    markets: tuple[str, ...],
    catalogue: Path | None,
    sessions: bool,
    latency: str,
    lines: int,
    depth_lines: int,
    tick_streams: int,
    seed: int,
    state: Path | None,
    clock: str,
    start: str,
    speed: float,
    restart_at: str | None,
    reset_at: str | None,
    faults: Path | None,
    fault_seed: int | None,
    control: int | None,
) -> None:
    """Serve a SIMULATED Interactive Brokers gateway until Ctrl-C. No order reaches any market."""
    try:
        if clock == "stepped" and control is None:
            raise ClockError("a stepped clock moves on command only: give it a --control port")
        time = read_clock(clock, start)
        market = parse_market(markets, speed=speed, seed=seed, sessions=sessions, catalogue=catalogue, clock=time)
        gateway = Gateway(
            market,
            host=host,
            port=port,
            accounts=[_account(name) for name in accounts],
            state=state,
            clock=time,
            seed=seed,
            latency_s=Node("--latency", latency).duration_s(),
            master_client=master_client,
            limits=Limits(lines, depth_lines, tick_streams),
            faults=tuple(_steps(market, faults, restart_at, reset_at)),
            fault_seed=fault_seed,
            control_port=control,
            say=_warn,
        )
        asyncio.run(_serve_until_told(gateway))
    except (MarketError, StateError, ClockError) as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error
    except OSError as error:
        click.echo(f"cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error


def _account(name: str) -> str:
    if not _ACCOUNT.fullmatch(name):
        raise MarketError(f"account '{name}': write letters and digits as IB does, such as DU1234567")
    return name


def _steps(market: Market, faults: Path | None, restart_at: str | None, reset_at: str | None) -> Iterator[Step]:
    if restart_at is not None:
        yield nightly_restart(read_time_of_day(restart_at))
    if reset_at is not None:
        yield nightly_reset(read_time_of_day(reset_at))
    if faults is not None:
        yield from read_faults(faults, market)


def _warn(text: str) -> None:
    click.echo(text, err=True)


async def _serve_until_told(gateway: Gateway) -> None:
    """SIGTERM and Ctrl-C end it like any other end: connections closed, the state file let go of. Who says it once more
    changes nothing about that."""
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    assert serving is not None
    ends = (signal.SIGTERM, signal.SIGINT)

    def end() -> None:
        for number in ends:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
        serving.cancel()

    for number in ends:
        loop.add_signal_handler(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        await serve(gateway, click.echo, _warn)
