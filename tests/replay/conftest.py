"""How much the engine on columns hears, and what it counts with."""

from typing import Any

import pytest

from rules_engine.evaluation.columnar.leaping import LeapingEvaluator

_KERNELS = "rules_engine.evaluation.columnar.kernels"
_NEVER = 10**9


@pytest.fixture(autouse=True)
def spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """The few prices of a test are enough to be looked at in spans."""
    for name in ("SPANS_MIN", "COMPILED_SPANS_MIN"):
        monkeypatch.setattr(f"{_KERNELS}.{name}", 0)


@pytest.fixture(
    params=[(0, 0), (0, _NEVER), (_NEVER, 0), (_NEVER, _NEVER)],
    ids=["numba, spans", "numba", "numpy, spans", "numpy"],
)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, spans: None) -> None:
    """Every number of prices is enough for numba, or none; and every slice for spans, or none."""
    looks, prints = request.param
    for name, least in (("COMPILED_LOOKS_MIN", looks), ("SPANS_MIN", prints), ("COMPILED_SPANS_MIN", prints)):
        monkeypatch.setattr(f"{_KERNELS}.{name}", least)


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
