"""`rules status`: what the engine and each rule are doing; from the journal when nobody runs."""

from dataclasses import asdict
from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.audit import refusal_lines
from rules_engine.cli.engine_link import settings_of_engine, state_of
from rules_engine.cli.journal_link import ledger_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option
from rules_engine.cli.tables import clock, show
from rules_engine.daemon.control import CommandRefused, NotRunning, ask
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.execution.ledger import Ledger
from rules_engine.model.firing import Reason
from rules_engine.model.json_value import Json


@click.command("status")
@config_option
@json_option
def command(config: Path | None, as_json_: bool) -> None:
    """Show the engine, its connection and every rule."""
    settings = settings_of_engine(config)
    folder = state_of(settings)
    try:
        status = ask(folder.socket, "status")
    except CommandRefused as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_PROBLEMS) from error
    except NotRunning:
        status = None
    with ledger_of(settings) as ledger:
        status = _remembered(ledger, KillSwitch(folder.stop_flag)) if status is None else status
        assert isinstance(status, dict)
        refusals = tuple(ledger.refusals())
        status |= {
            "channels": [asdict(health) for health in ledger.channels()],
            "refusals": [asdict(one) for one in refusals],
        }
    if as_json_:
        echo_json(status)
    else:
        _show(status)
        for line in refusal_lines(refusals):
            click.echo(line)


def _remembered(ledger: Ledger, switch: KillSwitch) -> dict[str, Json]:
    """What the state folder alone can tell: orders that may still be alive at the broker, what firings came to, and
    why an engine that starts would send nothing."""
    return {
        "running": False,
        "sending": str(Reason.STOPPED) if switch.is_on else "",
        "orders": [
            {"key": row.intent.key, "rule": row.intent.rule, "state": row.intent.state.value}
            for row in ledger.orders(open_only=True)
        ],
        "fates": dict(ledger.fates()),
    }


def _show(status: dict[str, Json]) -> None:
    _show_engine(status)
    channels = status["channels"]
    assert isinstance(channels, list)
    for channel in channels:
        assert isinstance(channel, dict)
        _show_channel(channel)


def _show_channel(channel: dict[str, Json]) -> None:
    """A line for a channel that somebody should look at."""
    said = []
    if channel["error"] and channel["waiting"]:
        assert isinstance(channel["oldest_s"], int | float)
        said.append(f"{_messages(channel['waiting'])} waiting, the oldest since {clock(channel['oldest_s'])}")
    if channel["dead"]:
        said.append(f"{_messages(channel['dead'])} given up")
    if said:
        click.echo(f"channel {channel['channel']}: {'; '.join(said)}: {channel['error']}")


def _messages(count: Json) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _show_engine(status: dict[str, Json]) -> None:
    if not status["running"]:
        click.echo("the engine is not running; the journal remembers:")
        if status["sending"]:
            click.echo(status["sending"])
        fates = status["fates"]
        assert isinstance(fates, dict)
        counted = ", ".join(f"{count} {fate}" for fate, count in fates.items() if count)
        click.echo(f"firings: {counted or 'none'}")
        _show_rows(status["orders"], ("key", "rule", "state"), "no order of ours is open")
        return
    click.echo(f"mode {status['mode']}, account {status['account'] or 'not named'}")
    text = f": {status['link_text']}" if status["link_text"] else ""
    since_s = status["link_since_s"]
    assert isinstance(since_s, int | float)
    click.echo(f"IB {status['link']} since {clock(since_s)}{text}; {status['sending']}")
    _show_prices(status["prices"])
    reload = status["reload"]
    assert isinstance(reload, dict)
    problems = reload["problems"]
    assert isinstance(problems, list)
    for problem in problems:
        click.echo(f"not reloaded: {problem}")
    _show_rows(status["rules"], ("name", "where", "state", "why", "sentence"), "no rules")


def _show_prices(prices: Json) -> None:
    """A line when prices are, or were, folded."""
    assert isinstance(prices, dict)
    folded, since_s = prices["folded"], prices["overload_since_s"]
    assert isinstance(folded, int)
    if folded:
        now = f"too many prices since {clock(since_s)}: " if isinstance(since_s, int | float) else ""
        click.echo(
            f"{now}{folded:,} prices were passed over since the start, where more than {prices['bound']:,} waited"
        )


def _show_rows(rows: Json, columns: tuple[str, ...], nothing: str) -> None:
    assert isinstance(rows, list)
    entries = [row for row in rows if isinstance(row, dict)]
    show(columns, ([str(row[column]) for column in columns] for row in entries), nothing)
