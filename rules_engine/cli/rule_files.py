"""Rule files named on the command line, loaded and planned, problems printed."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rules_engine.cli import EXIT_CONFIGURATION, EXIT_PROBLEMS
from rules_engine.language import Loaded, Source, as_json, load, merge, read_sources, render
from rules_engine.language.ordinary_file import read_ordinary
from rules_engine.language.text import SIZE_MAX
from rules_engine.model.clock import SystemClock
from rules_engine.model.place import Problem, Severity
from rules_engine.model.rule import Rule

if TYPE_CHECKING:
    from rules_engine.model.plan import Plan
    from rules_engine.model.settings import Settings

config_option = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The engine's settings (default: ./config.yaml)."
)
json_option = click.option("--json", "as_json_", is_flag=True, help="Machine-readable output.")
LONG_AGO_S = 0.0
"""For what runs on a clock of its own, in the past perhaps: no `expires` lies before this."""
paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))


def settings_from(config: Path | None, *, with_secrets: bool = False) -> "Settings | None":
    """The settings of ``config``, or of ./config.yaml when it exists; a broken file ends the program with 78.

    ``with_secrets``: the addresses of channels are read too, and a file that lets others read them is a broken one.
    """
    path = config or Path("config.yaml")
    if config is None and not path.exists():
        return None
    try:
        data = read_ordinary(path, SIZE_MAX + 1)
    except OSError as error:
        click.echo(f"{path}: {error.strerror}", err=True)
        raise SystemExit(EXIT_CONFIGURATION) from error
    # Imported only where there are settings, as planning is below: a check of a few rules is quicker for it.
    from rules_engine.language.settings_file import exposed_secrets, load_settings

    settings, problems = load_settings(data, str(path), os.environ if with_secrets else None, path.parent)
    if with_secrets:
        problems = (*problems, *exposed_secrets(path, data))
    if problems:
        click.echo(render(problems, colour=coloured(err=True)), err=True)
    if has_errors(problems):
        raise SystemExit(EXIT_CONFIGURATION)
    return settings


def load_rules(
    paths: Sequence[Path],
    settings: "Settings | None",
    *,
    is_planned: Callable[[Rule], bool] = lambda rule: True,
    now_s: float | None = None,
) -> tuple[Loaded, tuple["Plan", ...], tuple[Problem, ...]]:
    """What the files say, the plans of their rules, and every problem in file order; no paths: the folder in use.

    ``now_s`` is the machine's time if not given: an `expires` before it is a problem.
    """
    sources, unreadable = read_sources(rule_paths(paths, settings))
    loaded, plans, problems = load_sources(sources, settings, is_planned=is_planned, now_s=now_s)
    return loaded, plans, (*unreadable, *problems)


def rule_paths(paths: Sequence[Path], settings: "Settings | None") -> list[Path]:
    """What the command names, else the folder in use."""
    return list(paths) or [settings.rules if settings else Path("rules")]


def load_sources(
    sources: Sequence[Source],
    settings: "Settings | None",
    *,
    is_planned: Callable[[Rule], bool] = lambda rule: True,
    now_s: float | None = None,
) -> tuple[Loaded, tuple["Plan", ...], tuple[Problem, ...]]:
    """The same of files that have been read."""
    channels = frozenset(settings.channels) if settings else None
    loaded = load(sources, channels=channels, now_s=SystemClock().now_s() if now_s is None else now_s)
    plans, unplannable = _plans([rule for rule in loaded.sound if is_planned(rule)])
    return loaded, plans, merge(loaded.problems, unplannable, sources)


def _plans(rules: Sequence[Rule]) -> tuple[tuple["Plan", ...], tuple[Problem, ...]]:
    if not rules:
        return (), ()
    # Imported only where something is planned: a check of most files can do without, and is quicker for it.
    from rules_engine.planning import plan_all

    return plan_all(rules)


def has_errors(problems: Sequence[Problem]) -> bool:
    """Whether one of them keeps the rules from running."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def exit_on_errors(problems: Sequence[Problem]) -> None:
    """Prints problems to stderr; ends the program with 1 when one of them is an error."""
    if problems:
        click.echo(render(problems, colour=coloured(err=True)), err=True)
    if has_errors(problems):
        raise SystemExit(EXIT_PROBLEMS)


def echo_json(value: object) -> None:
    """Prints one value as JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def problems_json(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """Problems as `--json` shows them."""
    return [as_json(problem) for problem in problems]


def coloured(*, err: bool = False) -> bool:
    """Colour only on a terminal, and never against NO_COLOR."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR")
