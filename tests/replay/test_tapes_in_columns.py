"""Tapes in files: the engine on columns finds what the streaming one does on each that files of prints can hold."""

from pathlib import Path

import pytest

from rules_engine.model.instrument import Field
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.request import Request
from tests.evaluation.tape import Tape, tapes
from tests.replay.playing import FREE, Played, recordings


def prints_of(tape: Tape) -> dict[str, str] | None:
    """Files of the tape's prints; None when it tells of lost feeds, quotes or late prints."""
    found = {}
    for (name, field), cells in tape.rows.items():
        if field is not Field.LAST or any(cell is not None and cell.kind != "print" for cell in cells):
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
    request = Request([tape.plan], instruments, recordings(tmp_path, known), assumptions=FREE)
    expected = Played(Backtest(request, "streaming"))
    found = Played(Backtest(request, "columns", slice_rows=slice_rows))
    assert found.outcomes == expected.outcomes


def test_there_are_many_such_tapes() -> None:
    assert len(TAPES) > 60
