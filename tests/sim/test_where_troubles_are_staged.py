"""The table of docs/simulation.md: every trouble is staged somewhere, and what it names exists."""

import re
from pathlib import Path

import pytest

from tests.sim.faults import FAULTS
from tests.sim.figures import TABLES

ROOT = Path(__file__).parent.parent.parent
ROWS = re.findall(r"^\| (F\d\d) \|[^|]*\|([^|]*)\|$", (ROOT / "docs" / "simulation.md").read_text(), re.MULTILINE)


def test_all_sixty_are_there() -> None:
    assert [number for number, _ in ROWS] == [f"F{number:02}" for number in range(1, 61)]


@pytest.mark.parametrize(("number", "staged"), ROWS)
def test_what_a_row_names_exists(number: str, staged: str) -> None:
    named = set(re.findall(r'"([^"]+)"', staged))
    assert named <= {fault.name for fault in FAULTS}
    for table in re.findall(r"figures `(\w+)`", staged):
        assert table in TABLES
    for file, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", staged):
        assert f"def {test}(" in (ROOT / file).read_text(), f"{file} has no {test}"
    for test in re.findall(r"scenarios `(\w+)`", staged):
        assert f"def {test}(" in (ROOT / "tests" / "sim" / "test_scenarios.py").read_text(), test
