"""Slices of columns hold the rows of all files in order."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine.recordings import Recording
from rules_engine.recordings.slices import Slices
from tests.recordings.written import merged

TIMES = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(TIMES, min_size=1, max_size=3), rows_max=st.sampled_from([1, 3, 10, 1_000]))
def test_slices_are_the_merged_rows(
    tmp_path: Path, files: list[list[int]], rows_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 64)
    recordings = []
    for number, gaps in enumerate(files):
        path, at_s, lines = tmp_path / f"{number}.csv", 1_900_000_000, ["time,price,size"]
        for row, gap in enumerate(gaps):
            at_s += gap
            lines.append(f"{at_s},{number + 1},{row}")
        path.write_text("\n".join(lines))
        recordings.append(Recording(str(number), path, ZoneInfo("UTC")))
    expected = list(merged(recordings))
    found = []
    for piece in Slices(recordings, lambda rows: None, rows_max):
        columns = (piece.times_s, piece.numbers, piece.first, piece.second)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        assert rows
        assert list(piece.rows()) == rows
        for number, own in enumerate(piece.of):
            assert [rows[at] for at in own] == [row for row in rows if row[1] == number]
        before, after = piece.cut(len(rows) // 2)
        assert [*before.rows(), *after.rows()] == rows
        found += rows
    assert found == expected
