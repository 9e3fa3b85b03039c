"""`rules explain`: what a rule waits for, where it runs and why, and what survives."""

from difflib import get_close_matches
from pathlib import Path

import click

from rules_engine.cli.rule_files import (
    config_option,
    echo_json,
    exit_on_errors,
    json_option,
    load_rules,
    settings_from,
)
from rules_engine.planning import explain, explain_json


@click.command("explain")
@click.argument("name")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@config_option
@json_option
def command(name: str, paths: tuple[Path, ...], config: Path | None, as_json_: bool) -> None:
    """Explain the rule NAME, in plain words or field by field with --json."""
    _, plans, problems = load_rules(paths, settings_from(config))
    exit_on_errors(problems)
    by_name = {plan.rule.name: plan for plan in plans}
    if name not in by_name:
        near = get_close_matches(name, by_name, 3)
        known = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(by_name) or 'none'}"
        raise click.UsageError(f"there is no rule {name!r}; {known}")
    plan = by_name[name]
    if as_json_:
        echo_json(explain_json(plan))
    else:
        click.echo(explain(plan))
