"""Tapes in files: the engine on columns finds what the streaming one does on each that files of prints can hold."""

from math import inf
from pathlib import Path

import pytest

from rules_engine.model.instrument import Field
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.request import Request
from tests.evaluation.tape import Tape, tapes
from tests.replay.playing import FREE, Played, recordings


def prints_of(tape: Tape) -> dict[str, str] | None:
    """Files of the tape's prints; None when it tells of lost feeds, quotes, late prints or prices that are none."""
    found = {}
    for (name, field), cells in tape.rows.items():
        said = [cell for cell in cells if cell is not None]
        is_usable = all(cell.kind == "print" and 0 < (cell.value or 0) < inf for cell in said)
        if field is not Field.LAST or not said or not is_usable:
            return None
        lines = [
            f"{tape.start_s + step * tape.every_s!r},{cell.value!r}"
            for step, cell in enumerate(cells)
            if cell is not None
        ]
        found[name] = "\n".join(["time,price", *lines])
    return found


TAPES = [(tape, files) for tape in tapes() if (files := prints_of(tape)) is not None]


@pytest.mark.parametrize(("tape", "files"), TAPES, ids=lambda one: one.name if isinstance(one, Tape) else "")
@pytest.mark.parametrize("slice_rows", [2, 1 << 20])
def test_both_engines_find_the_same(tape: Tape, files: dict[str, str], slice_rows: int, tmp_path: Path) -> None:
    instruments = {one.name: one for one in tape.plan.reads}
    known = {name: text for name, text in files.items() if name in instruments}
    assert known, "a rule that hears nothing shows nothing"
    request = Request([tape.plan], instruments, recordings(tmp_path, known), assumptions=FREE)
    expected = Played(Backtest(request, "streaming"))
    found = Played(Backtest(request, "columns", slice_rows=slice_rows))
    assert found.outcomes == expected.outcomes


def test_there_are_many_such_tapes_and_most_of_them_fire() -> None:
    assert len(TAPES) > 60
    assert sum(bool(tape.fires) or "FT" in "".join(tape.verdicts) for tape, _ in TAPES) > 60
