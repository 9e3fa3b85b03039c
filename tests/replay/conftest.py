"""How much the engine on columns hears, and what it counts with."""

from typing import Any

import pytest

from rules_engine.evaluation.columnar.leaping import LeapingEvaluator


@pytest.fixture(params=[0, 10**9], ids=["numba", "numpy"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number of prices is enough for numba, or none."""
    monkeypatch.setattr("rules_engine.evaluation.columnar.kernels.COMPILED_LOOKS_MIN", request.param)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An entry for every row that the engine on columns hears price by price."""
    rows: list[str] = []
    begin_row = LeapingEvaluator.begin_row

    def counted(self: LeapingEvaluator, *row: Any) -> None:
        rows.append("row")
        begin_row(self, *row)

    monkeypatch.setattr(LeapingEvaluator, "begin_row", counted)
    return rows
