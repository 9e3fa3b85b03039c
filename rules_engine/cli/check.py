"""`rules check`: every problem of every file, located."""

from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.rule_files import (
    coloured,
    config_option,
    echo_json,
    has_errors,
    json_option,
    load_rules,
    paths_argument,
    problems_json,
    settings_from,
)
from rules_engine.language import render
from rules_engine.model.rule import Rule, Run


@click.command("check")
@paths_argument
@config_option
@json_option
def command(paths: tuple[Path, ...], config: Path | None, as_json_: bool) -> None:
    """Check rule files or folders (default: the rules folder). Exit code 1 when there are errors."""
    loaded, _, problems = load_rules(paths, settings_from(config), is_planned=_insists)
    if as_json_:
        echo_json(problems_json(problems))
    elif problems:
        click.echo(render(problems, colour=coloured()))
    if has_errors(problems):
        raise SystemExit(EXIT_PROBLEMS)
    if not as_json_:
        count = len(loaded.rules)
        click.echo(f"{count} rule{'' if count == 1 else 's'}, no errors")


def _insists(rule: Rule) -> bool:
    """Whether where it runs is the user's word: only then can planning find a problem."""
    return rule.run is Run.AT_BROKER
