"""`rules test`: the tests beside the rules, on the real evaluator."""

from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.rule_files import (
    LONG_AGO_S,
    config_option,
    echo_json,
    exit_on_errors,
    json_option,
    load_rules,
    paths_argument,
    settings_from,
)
from rules_engine.replay import run_test


@click.command("test")
@paths_argument
@config_option
@json_option
def command(paths: tuple[Path, ...], config: Path | None, as_json_: bool) -> None:
    """Run the `tests:` of rule files. Exit code 1 and the first difference on a timeline when one fails."""
    loaded, plans, problems = load_rules(paths, settings_from(config), now_s=LONG_AGO_S)
    exit_on_errors(problems)
    results = [(test, run_test(test, plans)) for test in loaded.tests]
    failed = [test.name for test, result in results if not result.passed]
    if as_json_:
        echo_json([{"test": test.name, "passed": result.passed, "report": result.report} for test, result in results])
    else:
        for test, result in results:
            click.echo(f"{'ok  ' if result.passed else 'FAIL'} {test.name}")
            if not result.passed:
                click.echo(result.report)
        click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed" if results else "no tests are written")
    if failed:
        raise SystemExit(EXIT_PROBLEMS)
