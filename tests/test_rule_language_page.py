"""Every example of `docs/rule-language.md` is read as it stands there."""

import re
from pathlib import Path

import pytest

from rules_engine.language import Source, load, parse_action, parse_condition, parse_expression
from rules_engine.planning import plan_all
from rules_engine.replay import run_test

PAGE = (Path(__file__).parent.parent / "docs" / "rule-language.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    return re.split(r"^##+ ", PAGE.partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]


def quoted(text: str, column: int) -> list[str]:
    """The first quotation in that column of each row of the tables."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [found[1] for row in rows if (found := re.match(r"\|? ?`([^`]+)`", row[column]))]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_file(block: str) -> None:
    loaded = load([Source("page.yaml", block.encode())], now_s=0.0)
    plans, problems = plan_all(loaded.rules)
    assert not loaded.problems and not problems
    assert all(run_test(test, plans).passed for test in loaded.tests)


@pytest.mark.parametrize("sentence", quoted(section("Conditions"), 0))
def test_condition(sentence: str) -> None:
    kind = next(line for line in section("Conditions").splitlines() if f"| `{sentence}` |" in line).split(" | ")[1]
    assert parse_condition(sentence).is_event is (kind == "event")


@pytest.mark.parametrize("sentence", quoted(section("Values"), 0))
def test_value(sentence: str) -> None:
    parse_expression(sentence, bars_s=900.0)


@pytest.mark.parametrize("sentence", quoted(section("Actions"), 0))
def test_action(sentence: str) -> None:
    parse_action(sentence)


def test_the_tables_were_found() -> None:
    assert len(BLOCKS) >= 8
    assert len(quoted(section("Conditions"), 0)) >= 20
    assert len(quoted(section("Values"), 0)) >= 5 and len(quoted(section("Actions"), 0)) >= 9
