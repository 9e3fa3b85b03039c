"""The recipes in `rules/` are valid together, and pass the tests beside them."""

from pathlib import Path

import pytest

from rules_engine.language import load, read_sources
from rules_engine.model.rule_test import RuleTest
from rules_engine.planning import plan_all
from rules_engine.replay import run_test

FOLDER = Path(__file__).parent.parent / "rules"
SOURCES, UNREADABLE = read_sources([FOLDER])
LOADED = load(SOURCES, now_s=0.0)
PLANS, UNPLANNABLE = plan_all(LOADED.rules)


def test_every_recipe_is_valid() -> None:
    assert not UNREADABLE and not LOADED.problems and not UNPLANNABLE
    assert len(SOURCES) >= 6


def test_every_rule_of_every_recipe_is_tested() -> None:
    tested = {name for test in LOADED.tests for name in test.rules}
    assert {rule.name for rule in LOADED.rules} <= tested


def test_every_recipe_says_what_it_is_for() -> None:
    for source in SOURCES:
        lines = source.data.decode().splitlines()
        assert lines[0].endswith("rules.schema.json") and lines[1].startswith("# "), source.name


@pytest.mark.parametrize("test", LOADED.tests, ids=lambda test: test.name)
def test_recipe(test: RuleTest) -> None:
    result = run_test(test, PLANS)
    assert result.passed, result.report
