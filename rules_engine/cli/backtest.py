"""`rules backtest`: what the rules would have done on recorded prices."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import click

from rules_engine.cli import EXIT_CONFIGURATION, EXIT_UNREACHABLE, EXIT_USAGE
from rules_engine.cli.backtest_data import recordings_of
from rules_engine.cli.backtest_sweep import SweepError, Variant, variants_of
from rules_engine.cli.backtest_view import show_summary, show_sweep, summary_json, variant_json
from rules_engine.cli.progress import Progress
from rules_engine.cli.rule_files import (
    coloured,
    config_option,
    exit_on_errors,
    has_errors,
    load_sources,
    rule_paths,
    settings_from,
)
from rules_engine.language import Source, read_sources, render
from rules_engine.language.moments import machine_timezone
from rules_engine.model.firing import Firing
from rules_engine.model.plan import Plan
from rules_engine.model.settings import Settings
from rules_engine.recordings import RecordingError
from rules_engine.replay.assumptions import Assumptions, Charge, read_charge
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.memory import collect_seldom, keep_freed_memory
from rules_engine.replay.playing import ENGINES
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span, read_end, read_start
from rules_engine.replay.summary import Summary
from rules_engine.replay.workers import Here, NoWorkers, Workers

_DASK = "dask://"
_WHERE = re.compile(rf"{_DASK}(?:local(?::[1-9][0-9]{{0,2}})?|(?!local:)[^/\s]+:[0-9]+)", re.ASCII)
_LONG_AGO_S = 0.0
"""Prices bring their own time: nothing that a rule names has passed when it is read."""


class _ChargeType(click.ParamType[Charge]):
    name = "charge"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Charge:
        charge = value if isinstance(value, Charge) else read_charge(str(value))
        if charge is None:
            self.fail(f"'{value}' is neither an amount (0.02) nor a share of the price (0.02%)", param, ctx)
        return charge


class _WhereType(click.ParamType[str]):
    name = "where"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if _WHERE.fullmatch(str(value)) is None:
            self.fail(f"'{value}' is not dask://HOST:PORT, dask://local or dask://local:2", param, ctx)
        return str(value)


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not isfinite(value):
        raise click.BadParameter(f"{value} is no amount", ctx, param)
    return value


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
@click.option(
    "--capital",
    type=click.FloatRange(1),
    callback=_finite,
    default=1_000_000.0,
    show_default=True,
    help="At the start.",
)
@click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    default="columns",
    show_default=True,
    help="Price by price, or on columns of them; both find the same.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="rules.NAME.NUMBER=1..10",
    help="A number of a rule, and what it should be instead; several give every combination. One line each.",
)
@click.option(
    "--on",
    type=_WhereType(),
    metavar="dask://HOST:PORT",
    help="Workers of dask.distributed; dask://local:2 starts two here.",
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
    sweeps: tuple[str, ...],
    on: str | None,
    config: Path | None,
    as_json: bool,
    summary: str | None,
) -> None:
    """What the rules of files or folders (default: the rules folder) would have done on recorded prices.

    Nothing is sent anywhere. Assumptions about fills are printed with the result; docs/backtest.md explains them.
    """
    settings = settings_from(config)
    sources, unreadable = read_sources(rule_paths(paths, settings))
    loaded, plans, problems = load_sources(sources, settings, now_s=_LONG_AGO_S)
    exit_on_errors((*unreadable, *problems))
    variants = _variants(sweeps, sources)
    assumptions = Assumptions(spread, commission, capital, settings.limits if settings else Assumptions().limits)
    request = Request(
        plans,
        loaded.instruments,
        recordings_of(data, loaded, timezone, absolute=on is not None),
        _span(start, end, plans),
        assumptions,
        [_plans(variant, settings) for variant in variants],
    )
    try:
        with _workers(on) as workers:
            backtest = Backtest(request, engine, workers=workers)
            _run(backtest, as_json=as_json and not variants)
    except RecordingError as error:
        click.echo(render(error.problems, colour=coloured(err=True)), err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error
    except NoWorkers as error:
        click.echo(str(error), err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
    if variants:
        _tell_sweep(backtest, variants, summary, as_json=as_json)
    else:
        _tell(backtest, summary, as_json=as_json)


def _tell(backtest: Backtest, form: str | None, *, as_json: bool) -> None:
    found = backtest.summary()
    if as_json and form is None:
        _warn(found)
    elif form == "json":
        click.echo(json.dumps(summary_json(found), ensure_ascii=False), err=as_json)
    else:
        show_summary(found, err=as_json)


def _tell_sweep(backtest: Backtest, variants: Sequence[Variant], form: str | None, *, as_json: bool) -> None:
    values, found = [variant.values for variant in variants], backtest.summaries()
    if as_json or form == "json":
        for one, summary in zip(values, found, strict=True):
            click.echo(json.dumps(variant_json(one, summary), ensure_ascii=False))
    if form == "text" or not (as_json or form):
        show_sweep(values, found, err=as_json)
    else:
        _warn(found[0])


def _warn(summary: Summary) -> None:
    for warning in summary.warnings:
        click.echo(f"warning: {warning}", err=True)


def _variants(sweeps: Sequence[str], sources: Sequence[Source]) -> Sequence[Variant]:
    try:
        return variants_of(sweeps, sources) if sweeps else ()
    except SweepError as error:
        click.echo(render([error.problem], colour=coloured(err=True)), err=True)
        raise SystemExit(EXIT_USAGE) from error


def _plans(variant: Variant, settings: Settings | None) -> Sequence[Plan]:
    _, plans, problems = load_sources(variant.sources, settings, now_s=_LONG_AGO_S)
    if has_errors(problems):
        click.echo(f"with {', '.join(f'{name}={value}' for name, value in variant.values.items())}:", err=True)
        exit_on_errors(problems)
    return plans


@contextmanager
def _workers(on: str | None) -> Iterator[Workers]:
    """This process, or who is at `dask://...`; what that needs is imported only then."""
    if on is None:
        yield Here()
        return
    from rules_engine.replay.on_dask import cluster

    with cluster(on.removeprefix(_DASK)) as workers:
        yield workers


def _run(backtest: Backtest, *, as_json: bool) -> None:
    with Progress() as progress:
        backtest.survey(progress.begin("reading", backtest.size(), as_bytes=True))
        wanted = (Firing,) if as_json else ()
        collect_seldom()
        keep_freed_memory()
        for outcome in backtest.outcomes(progress.begin("playing", backtest.rows()), wanted):
            assert isinstance(outcome, Firing)
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
