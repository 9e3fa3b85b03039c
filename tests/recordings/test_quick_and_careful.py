"""Reading whole blocks at once and reading cell by cell are one reading: the same rows, the same problems."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.recordings import Recording, RecordingError, csv_file
from rules_engine.recordings.columns import Block
from rules_engine.recordings.slices import Row
from tests.recordings.written import NEW_YORK, rows

HEADERS = [
    "timestamp,price,size",
    "size,Price,time",
    "date,bid,ask",
    "time,open,high,low,close,volume",
    "timestamp,price",
]
TIMES = ["2030-01-03", "2030-01-03 15:00", "2030-01-03T15:00:00.25", "2030-01-03T15:00:00Z", "2030-01-03 15:00+00:00"]
ODD_TIMES = [
    *("2030-03-10 02:30", "2030-11-03 01:30", "20300103", "1893682800", "1893682800123", "1893682800.5", "2030-1-3"),
    *("2030-01-03T15:00:00.123456789", "2030-01-03T15:00-05:00", "NaT", "now", "", "2030", "1e9", " 2030-01-03", "-5"),
    *("2030-W01-4", "2030-01-03T24:30", "12030-01-03", "0001-01-01", "999999999999999999999", "9" * 400, "٣٠٣٠-01-03"),
    *("20300103150000", "203001031500", "203013031500", "20300103150000000", "9999-12-31T23:59:59", "2199-12-31T23:30"),
]
NUMBERS = ["5", "5.25", "0.1", "1e2", "+7", "100.10000000000001"]
ODD_NUMBERS = ["", "0", "-1", "nan", "inf", "1_0", "1,5", " 5 ", '"5"', "5 5", "0x10", "abc", "1e400", ".5", "5.", "٥"]


@st.composite
def files(draw: st.DrawFn) -> str:
    """Mostly plain lines, in one form of time, with an odd cell or an odd line here and there."""
    header = draw(st.sampled_from(HEADERS))
    is_odd = draw(st.booleans())
    time = st.sampled_from(
        ODD_TIMES if is_odd and draw(st.booleans()) else [draw(st.sampled_from(TIMES + ODD_TIMES[:6]))]
    )
    number = st.sampled_from(NUMBERS + (ODD_NUMBERS if is_odd else []))
    names = header.lower().split(",")
    times = {"timestamp", "time", "date"}
    lines = [
        ",".join(draw(time) if name in times else draw(number) for name in names)
        for _ in range(draw(st.integers(1, 8)))
    ]
    if draw(st.integers(0, 9)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(["", ",", "1,2,3,4,5,6,7", '"', " ", "5"])))
    return header + "\n" + "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def read(text: str) -> tuple[list[Row], list[tuple[str, int, int, str]]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "prices.csv"
        path.write_text(text)
        try:
            return rows(Recording("V", path, NEW_YORK)), []
        except RecordingError as error:
            found = error.problems
    return [], [(str(one.code), one.place.line, one.place.column, one.message) for one in found]


def nothing_quick(layout: object, text: str, zone: object) -> Block | None:
    return None


@given(text=files())
def test_both_ways_find_the_same(text: str) -> None:
    quick = read(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "quick_block", nothing_quick)
        assert quick == read(text)


@pytest.mark.parametrize("time", [*TIMES, "1893682800", "1893682800123"])
def test_plain_files_are_read_at_once(time: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def careful(*_: object) -> Block:
        raise AssertionError("nothing here needs care")

    monkeypatch.setattr(csv_file.CsvFile, "_careful_block", careful)
    played, problems = read("timestamp,price,size\n" + f"{time},5.25,10\n" * 3)
    assert problems == []
    assert [row[2:] for row in played] == [(5.25, 10.0)] * 3
    assert np.isfinite([row[0] for row in played]).all()
