"""CSV files of prices: what is read from good ones, and what is said of bad ones."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.language import render
from rules_engine.recordings import Recording, RecordingError
from rules_engine.recordings.problems import PROBLEMS_MAX
from tests.recordings.written import NEW_YORK, recording, rows

BAD = Path(__file__).parent / "bad"
BAD_FILES = sorted(BAD.glob("*.csv"))
AT_S = datetime(2030, 1, 3, 15, tzinfo=UTC).timestamp()


def told(path: Path) -> str:
    """What is said of a bad file."""
    with pytest.raises(RecordingError) as caught:
        Recording("V", path, NEW_YORK).survey()
    return render(caught.value.problems).replace(f"{path.parent}/", "") + "\n"


def rewrite() -> None:
    """Makes what is said now the expected texts."""
    for path in BAD_FILES:
        path.with_suffix(".txt").write_text(told(path))


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
def test_every_problem_is_located(path: Path) -> None:
    assert told(path) == path.with_suffix(".txt").read_text()


@pytest.mark.parametrize(
    "time",
    [
        "2030-01-03T15:00:00Z",
        "2030-01-03 15:00:00+00:00",
        "2030-01-03T10:00:00-05:00",
        "2030-01-03 15:00:00",
        "2030-01-03T15:00",
        "20300103T150000",
        "1893682800",
        "1893682800.0",
        "1893682800000",
        "1893682800000000",
        "1893682800000000000",
        " 1893682800 ",
        '"2030-01-03 15:00"',
    ],
)
def test_times_are_iso_8601_or_numbers_since_1970(tmp_path: Path, time: str) -> None:
    assert rows(recording(tmp_path, f"timestamp,price,size\n{time},5,10\n")) == [(AT_S, 0, 5.0, 10.0)]


@pytest.mark.parametrize(
    ("time", "hour"), [("2030-01-03 10:00", 15), ("2030-07-03 11:00", 15), ("2030-11-03 12:00", 17), ("2030-07-03", 4)]
)
def test_a_time_without_a_zone_is_of_the_given_zone(tmp_path: Path, time: str, hour: int) -> None:
    [(at_s, *_)] = rows(recording(tmp_path, f"time,price\n{time},5\n", zone=NEW_YORK))
    assert datetime.fromtimestamp(at_s, UTC).hour == hour


def test_columns_come_in_any_order_and_case_and_others_are_ignored(tmp_path: Path) -> None:
    text = "Note,ASK,Timestamp,Bid\r\nsome words,101,2030-01-03 15:00,99\r\n,102,2030-01-03 15:00,99.5\r\n"
    assert rows(recording(tmp_path, text)) == [(AT_S, 0, 99.0, 101.0), (AT_S, 0, 99.5, 102.0)]


def test_a_print_without_a_size_is_of_a_hundred(tmp_path: Path) -> None:
    assert rows(recording(tmp_path, "date,price\n2030-01-03 15:00,5\n")) == [(AT_S, 0, 5.0, 100.0)]


@pytest.mark.parametrize("ending", ["", "\n", "\n\n", "\r\n", "\n \n"])
def test_the_last_line_may_end_or_not_and_empty_lines_are_nothing(tmp_path: Path, ending: str) -> None:
    text = f"\ufefftimestamp,price,size\n\n2030-01-03 15:00,5,10{ending}"
    assert rows(recording(tmp_path, text)) == [(AT_S, 0, 5.0, 10.0)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 16, 1000])
def test_lines_end_as_on_any_machine_wherever_a_piece_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, piece_bytes: int
) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", piece_bytes)
    lines = ["timestamp,price,size", *(f"{second},{second + 0.5},7" for second in range(1, 30))]
    assert rows(recording(tmp_path, ending.join([*lines, ""]))) == [
        (float(at), 0, at + 0.5, 7.0) for at in range(1, 30)
    ]
    with pytest.raises(RecordingError) as caught:
        recording(tmp_path, ending.join([*lines, "30,x,7", "31,5,7"])).survey()
    assert [(one.place.line, one.place.column) for one in caught.value.problems] == [(31, 4)]


@given(st.lists(st.integers(1, 20), min_size=12, max_size=60))
def test_an_hour_that_comes_twice_begins_anew_where_its_times_step_back(minutes: list[int]) -> None:
    times = [datetime(2030, 11, 3, 4, 30, tzinfo=UTC) + timedelta(minutes=after) for after in accumulate(minutes)]
    lines = [f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M},5,10\n" for at in times]
    with TemporaryDirectory() as folder:
        found = rows(recording(Path(folder), "time,price,size\n" + "".join(lines), zone=NEW_YORK))
    assert [row[0] for row in found] == [at.timestamp() for at in times]


def test_the_second_bar_of_an_hour_that_comes_twice_is_an_hour_later(tmp_path: Path) -> None:
    lines = [f"2030-11-03 {hour}:00,10,12,9,11,400\n" for hour in ("00", "01", "01", "02")]
    bars = recording(tmp_path, "time,open,high,low,close,volume\n" + "".join(lines), zone=NEW_YORK)
    begun = [row[0] for row in rows(bars)][::4]
    assert [at_s - begun[0] for at_s in begun] == [0, 3600, 7200, 10800]


def test_a_bar_is_four_prints_in_the_order_of_its_colour(tmp_path: Path) -> None:
    text = (
        "Date,Open,High,Low,Close,Adj Close,Volume\n"
        "2030-01-03,10,12,9,11,5,400\n2030-01-04,11,12,8,9,5,800\n2030-01-07,9,9.5,8.5,9,5,400\n"
    )
    played = rows(recording(tmp_path, text))
    day_s = 86_400
    assert [((row[0] - played[0][0]) / day_s, *row[2:]) for row in played] == [
        *((0.0, 10, 100), (0.25, 9, 100), (0.5, 12, 100), (0.75, 11, 100)),
        *((1.0, 11, 200), (1.25, 12, 200), (1.5, 8, 200), (1.75, 9, 200)),
        *((4.0, 9, 100), (4.25, 8.5, 100), (4.5, 9.5, 100), (4.75, 9, 100)),
    ]


def test_the_largest_price_is_one(tmp_path: Path) -> None:
    largest = recording(tmp_path, "timestamp,price\n1,1e308\n2,1e-308\n")
    assert [row[2] for row in rows(largest)] == [1e308, 1e-308]
    assert not largest.is_countable


def test_files_are_merged_in_order_of_time_and_of_one_instant_in_their_own(tmp_path: Path) -> None:
    first = recording(tmp_path, "timestamp,price,size\n10,1,1\n20,2,1\n20,3,1\n40,4,1\n", "one.csv")
    second = recording(tmp_path, "timestamp,price,size\n5,9,1\n20,8,1\n30,7,1\n", "two.csv")
    assert [(row[0], row[1], row[2]) for row in rows(first, second)] == [
        *((5, 1, 9), (10, 0, 1), (20, 0, 2), (20, 0, 3), (20, 1, 8), (30, 1, 7), (40, 0, 4))
    ]


def test_problems_are_bounded(tmp_path: Path) -> None:
    text = "timestamp,price\n" + "".join(f"{second + 1},-1\n" for second in range(1000))
    with pytest.raises(RecordingError) as caught:
        recording(tmp_path, text).survey()
    assert len(caught.value.problems) == PROBLEMS_MAX + 1
    assert caught.value.problems[-1].code == "D099"


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="not read: No such file"):
        Recording("V", tmp_path / "missing.csv", NEW_YORK).survey()


def test_a_folder_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="not read: Is a directory"):
        Recording("V", tmp_path, NEW_YORK).survey()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("timestamp,price\n2030-01-03,5\n".encode("utf-16"), "not UTF-8 text"),
        (b"timestamp,price\n2030-01-03,5\n2030-01-04,\xff5\n", "not UTF-8 text"),
        (b"\x1f\x8b\x08\x00timestamp", "not UTF-8 text"),
        (b"\x00" * 100_000, "does not end"),
        (b"timestamp,price\n" + b"1" * 200_000 + b"\n", "too long for prices"),
        (b"timestamp,price\n1,5\n2," + b"1" * 70_000 + b"\n", "too long for prices"),
    ],
)
def test_what_is_no_text_is_a_problem(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        recording(tmp_path, data).survey()


def test_a_bad_byte_is_located(tmp_path: Path) -> None:
    with pytest.raises(RecordingError) as caught:
        recording(tmp_path, b"timestamp,price\n1,5\n2,\xff5\n").survey()
    [problem] = caught.value.problems
    assert (problem.place.line, problem.place.column) == (3, 3)


def test_a_file_that_changes_between_looking_and_playing_is_noticed(tmp_path: Path) -> None:
    changing = recording(tmp_path, "timestamp,price\n1,5\n2,5\n")
    changing.survey()
    (tmp_path / "prices.csv").write_text("timestamp,price\n1,5\n")
    with pytest.raises(RecordingError, match="changed while it was read: 2 rows, then 1"):
        rows(changing)


def test_rows_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 16)
    lines = [f"{second},{second + 0.5},7" for second in range(1, 100)]
    played = rows(recording(tmp_path, "timestamp,price,size\n" + "\n".join(lines)))
    assert played == [(float(second), 0, second + 0.5, 7.0) for second in range(1, 100)]


def test_lines_are_counted_over_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 16)
    lines = ["1,5"] * 40 + ["1,x"] + ["1,5"] * 10 + ["0.5,5"]
    with pytest.raises(RecordingError) as caught:
        recording(tmp_path, "timestamp,price\r\n" + "\r\n".join(lines)).survey()
    assert [problem.place.line for problem in caught.value.problems] == [42, 53]


def peak_of_reading(of: Recording) -> int:
    """The most memory that playing it took, in bytes."""
    tracemalloc.start()
    try:
        assert sum(map(len, of.blocks())) == of.survey().rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_longer_file_takes_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 1 << 14)
    short, long = (
        recording(tmp_path, "time,price\n" + "".join(f"{second},5\n" for second in range(1, rows)), f"{rows}.csv")
        for rows in (5_000, 50_000)
    )
    peak_of_reading(short)
    assert peak_of_reading(long) < 1.2 * peak_of_reading(short)


@pytest.mark.parametrize("time", ["2030-01-03 15:00:00z", "2030-01-03 15:00:00E"])
def test_a_letter_where_a_zone_may_stand_is_a_problem(tmp_path: Path, time: str) -> None:
    with pytest.raises(RecordingError):
        recording(tmp_path, f"timestamp,price\n2030-01-03 14:00:00,5\n{time},5\n").survey()
