"""Folders of files: which instrument each is of, and files that follow each other as if they were one."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rules_engine.recordings import Recording, RecordingError
from rules_engine.recordings.location import Location, of_instruments
from tests.recordings.written import UTC, rows

DAYS = ("2030-01-02", "2030-01-03", "2030-01-04")


def written(path: Path, times: list[int], prices: list[float], **more: list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"timestamp": times, "price": prices, **more}), path)


@pytest.mark.parametrize(
    "layout",
    [
        "{name}/{day}.parquet",
        "{day}/{name}.parquet",
        "symbol={name}/date={day}/part-0.parquet",
        "date={day}/symbol={name}/part-0.pq",
        "year/{day}/{name}.parquet",
    ],
)
def test_a_file_is_of_the_instrument_that_its_path_names(layout: str, tmp_path: Path) -> None:
    for name in ("V", "MA", "AXP"):
        for number, day in enumerate(DAYS):
            written(tmp_path / layout.format(name=name, day=day), [100 * number + 10**9], [len(name)])
    found = of_instruments(Location(str(tmp_path)), ["V", "MA", "SPY"])
    assert list(found) == ["MA", "V"]
    for name, files in found.items():
        assert [file.text for file in files] == [str(tmp_path / layout.format(name=name, day=day)) for day in DAYS]
        assert [row[0] - 10**9 for row in rows(Recording(name, files, UTC))] == [0, 100, 200]


def test_one_file_an_instrument_is_a_layout_too_and_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("V.parquet", "MA.csv", "V.txt", "daily_V.csv"):
        (tmp_path / name).write_text("")
    found = of_instruments(Location(f"{tmp_path}/"), ["V", "MA"])
    assert found == {"MA": [Location(str(tmp_path / "MA.csv"))], "V": [Location(str(tmp_path / "V.parquet"))]}


def test_numbers_in_names_count(tmp_path: Path) -> None:
    for number in (1, 10, 2):
        (tmp_path / f"V-{number}.csv").write_text("")
    assert [Path(file.text).stem for file in Location(str(tmp_path)).below()] == ["V-1", "V-2", "V-10"]


def test_a_path_that_names_two_instruments_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "V" / "MA.parquet", [1], [1.0])
    with pytest.raises(ValueError, match=r"MA\.parquet is of MA and V; a path names one instrument"):
        of_instruments(Location(str(tmp_path)), ["V", "MA"])


def test_files_that_follow_each_other_are_as_one(tmp_path: Path) -> None:
    """Bars too, whose last one of a file ends where the next file begins."""
    lines = [f"{60 * minute + 10**9},{5 + minute % 3},9,1,{5 + minute % 2}" for minute in range(20)]
    lines[7] = lines[7].replace(str(60 * 7 + 10**9), str(60 * 7 + 10**9 - 30))
    head = "time,open,high,low,close"
    for name, part in (("whole", lines), ("a", lines[:7]), ("b", lines[7:8]), ("c", []), ("d", lines[8:])):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *part]))
    whole = Recording("V", tmp_path / "whole.csv", UTC)
    pieces = Recording("V", [Location(str(tmp_path / f"{name}.csv")) for name in "abcd"], UTC)
    assert rows(pieces) == rows(whole)
    assert pieces.survey() == whole.survey()


@pytest.mark.parametrize(
    ("second", "place", "message"),
    [
        ("time,price\n99,5\n", (2, 1), "time: earlier than the last row of FOLDER/1.csv"),
        ("time,price\n200,5\n199,5\n", (3, 1), "time: earlier than the row above"),
        ("time,bid,ask\n200,5,6\n", (1, 1), "its rows are quotes, those of the files before are prints"),
        ("time,price\n200,nan\n", (2, 5), "price: nan is not a price"),
        ("time,cost\n200,5\n", (1, 1), "the columns are time, cost"),
    ],
)
def test_what_is_wrong_is_told_of_the_file_that_has_it(
    second: str, place: tuple[int, int], message: str, tmp_path: Path
) -> None:
    for name, text in (("1.csv", "time,price\n100,5\n"), ("2.csv", second), ("3.csv", "time,price\n300,5\n")):
        (tmp_path / name).write_text(text)
    with pytest.raises(RecordingError) as raised:
        Recording("V", Location(str(tmp_path)).below(), UTC).survey()
    [problem] = raised.value.problems
    assert (Path(problem.place.file).name, problem.place.line, problem.place.column) == ("2.csv", *place)
    assert problem.message.startswith(message.replace("FOLDER", str(tmp_path)))


def test_a_file_that_begins_too_early_is_told_how_files_are_put_in_order(tmp_path: Path) -> None:
    written(tmp_path / "1.parquet", [100, 200], [5.0, 5.0])
    (tmp_path / "2.csv").write_text("time,price\n150,5\n160,5\n300,5\n170,5\n")
    written(tmp_path / "3.parquet", [299, 300, 301, 301], [5.0, 5.0, 5.0, 5.0])
    with pytest.raises(RecordingError) as raised:
        Recording("V", Location(str(tmp_path)).below(), UTC).survey()
    names = "files are read in the order of their paths: name them so that it is that of time"
    assert [(each.code, each.place.line, each.message, each.hint) for each in raised.value.problems] == [
        ("D205", 2, f"time: earlier than the last row of {tmp_path}/1.parquet", names),
        ("D205", 3, f"time: earlier than the last row of {tmp_path}/1.parquet", names),
        ("D201", 5, "time: earlier than the row above", "sort the file by time"),
        ("D205", 1, f"row 1: timestamp: earlier than the last row of {tmp_path}/2.csv", ""),
    ]


def test_a_bar_that_two_files_have_is_told(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("time,open,high,low,close\n100,5,5,5,5\n")
    with pytest.raises(RecordingError, match=r"a second bar of the same time, as the last row of .*1\.csv"):
        Recording("V", Location(str(tmp_path)).below(), UTC).survey()


def test_folders_that_are_links_are_looked_into_but_no_circle_is_followed(tmp_path: Path) -> None:
    written(tmp_path / "store" / "1.parquet", [100], [5.0])
    (tmp_path / "data" / "deep").mkdir(parents=True)
    for name in ("V", "MA"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "store", target_is_directory=True)
    (tmp_path / "data" / "deep" / "again").symlink_to(tmp_path / "data", target_is_directory=True)
    found = of_instruments(Location(str(tmp_path / "data")), ["V", "MA"])
    assert {name: [file.text for file in files] for name, files in found.items()} == {
        name: [str(tmp_path / "data" / name / "1.parquet")] for name in ("MA", "V")
    }


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_looking_through_files_tells_how_many_of_their_bytes_are_done(kind: str, tmp_path: Path) -> None:
    for name in range(2):
        times = [name * 10**6 + step for step in range(1, 40_000)]
        if kind == "parquet":
            written(tmp_path / f"{name}.parquet", times, [5.0] * len(times))
        else:
            (tmp_path / f"{name}.csv").write_text("time,price\r\n" + "".join(f"{at},5.000\r\n" for at in times))
    found = Recording("V", Location(str(tmp_path)).below(), UTC)
    told: list[int] = []
    found.survey(told.append)
    assert sum(told) == found.size() == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert len(told) > 1 and min(told) >= 0


def test_a_file_that_is_not_there_has_no_bytes(tmp_path: Path) -> None:
    assert Recording("V", tmp_path / "none.csv", UTC).size() == 0


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("time,price\n100,5\n")
    files = [Location(str(tmp_path / name)) for name in ("1.csv", "2.parquet", "3.csv")]
    with pytest.raises(RecordingError) as raised:
        Recording("V", files, UTC).survey()
    assert [(Path(problem.place.file).name, problem.code) for problem in raised.value.problems] == [
        ("2.parquet", "D001"),
        ("3.csv", "D001"),
    ]
