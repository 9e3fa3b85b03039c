"""`rules backtest`: what the rules would have done on recorded prices."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from rules_engine.cli import EXIT_CONFIGURATION
from rules_engine.cli.backtest_data import recordings_of
from rules_engine.cli.backtest_view import show_summary, summary_json
from rules_engine.cli.progress import Progress
from rules_engine.cli.rule_files import coloured, config_option, exit_on_errors, load_rules, settings_from
from rules_engine.language import render
from rules_engine.language.moments import machine_timezone
from rules_engine.model.firing import Firing
from rules_engine.model.plan import Plan
from rules_engine.recordings import RecordingError
from rules_engine.replay.assumptions import Assumptions, Charge, read_charge
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.playing import ENGINES
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span, read_end, read_start

_LONG_AGO_S = 0.0
"""Prices bring their own time: nothing that a rule names has passed when it is read."""


class _ChargeType(click.ParamType[Charge]):
    name = "charge"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Charge:
        charge = value if isinstance(value, Charge) else read_charge(str(value))
        if charge is None:
            self.fail(f"'{value}' is neither an amount (0.02) nor a share of the price (0.02%)", param, ctx)
        return charge


@click.command("backtest")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--data",
    multiple=True,
    required=True,
    metavar="NAME=FILE",
    help="Prices of an instrument, CSV or Parquet; NAME=FOLDER, or a FOLDER of all of them. Repeatable.",
)
@click.option("--from", "start", metavar="MOMENT", help="A date, or date and time; rules are armed then.")
@click.option("--to", "end", metavar="MOMENT", help="A date, the last one, or the date and time of the end.")
@click.option(
    "--timezone",
    default="America/New_York",
    show_default=True,
    metavar="ZONE",
    help="Of times in the data that name no zone.",
)
@click.option("--spread", type=_ChargeType(), default="0.02%", show_default=True, help="Bid to ask, beside prints.")
@click.option("--commission", type=_ChargeType(), help="A unit's: an amount, or a share of its price. [default: IB's]")
@click.option("--capital", type=click.FloatRange(1), default=1_000_000.0, show_default=True, help="At the start.")
@click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    default="auto",
    show_default=True,
    help="Price by price, or on columns of them; both find the same.",
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="One firing a line, and nothing else, on stdout.")
@click.option(
    "--summary", type=click.Choice(["text", "json"]), help="The summary's form; with --json it goes to stderr."
)
def command(
    paths: tuple[Path, ...],
    data: tuple[str, ...],
    start: str | None,
    end: str | None,
    timezone: str,
    spread: Charge,
    commission: Charge | None,
    capital: float,
    engine: str,
    config: Path | None,
    as_json: bool,
    summary: str | None,
) -> None:
    """What the rules of files or folders (default: the rules folder) would have done on recorded prices.

    Nothing is sent anywhere. Assumptions about fills are printed with the result; docs/backtest.md explains them.
    """
    settings = settings_from(config)
    loaded, plans, problems = load_rules(paths, settings, now_s=_LONG_AGO_S)
    exit_on_errors(problems)
    assumptions = Assumptions(spread, commission, capital, settings.limits if settings else Assumptions().limits)
    request = Request(
        plans, loaded.instruments, recordings_of(data, loaded, timezone), _span(start, end, plans), assumptions
    )
    backtest = Backtest(request, engine)
    try:
        _run(backtest, as_json=as_json)
    except RecordingError as error:
        click.echo(render(error.problems, colour=coloured(err=True)), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error
    if as_json and summary is None:
        for warning in backtest.summary().warnings:
            click.echo(f"warning: {warning}", err=True)
    elif summary == "json":
        click.echo(json.dumps(summary_json(backtest.summary()), ensure_ascii=False), err=as_json)
    else:
        show_summary(backtest.summary(), err=as_json)


def _run(backtest: Backtest, *, as_json: bool) -> None:
    with Progress() as progress:
        rows = backtest.survey(progress.begin("reading"))
        for outcome in backtest.outcomes(progress.begin("playing", rows)):
            if as_json and isinstance(outcome, Firing):
                click.echo(json.dumps(firing_json(outcome), ensure_ascii=False))


def firing_json(firing: Firing) -> dict[str, object]:
    """One firing as `--json` prints it; ``case`` counts from 0."""
    at = datetime.fromtimestamp(firing.at_s, UTC).isoformat().replace("+00:00", "Z")
    return {
        "rule": firing.rule,
        "case": firing.case,
        "at": at,
        "values": dict(firing.values),
        "actions": list(firing.actions),
    }


def _span(start: str | None, end: str | None, plans: Sequence[Plan]) -> Span:
    """Moments are in the time zone of the rules."""
    zones = {plan.rule.timezone for plan in plans} or {machine_timezone()}
    if len(zones) > 1 and (start or end):
        raise click.UsageError(f"--from and --to need rules of one timezone; these have {', '.join(sorted(zones))}")
    zone = next(iter(zones))
    whole = Span()
    start_s = read_start(start, zone) if start else whole.start_s
    end_s = read_end(end, zone) if end else whole.end_s
    for text, found, option in ((start, start_s, "--from"), (end, end_s, "--to")):
        if found is None:
            raise click.BadParameter(f"'{text}' is neither 2030-12-20 nor '2030-12-20 09:30'", param_hint=option)
    assert start_s is not None and end_s is not None
    if start_s >= end_s:
        raise click.UsageError("--from is not before --to")
    return Span(start_s, end_s)
