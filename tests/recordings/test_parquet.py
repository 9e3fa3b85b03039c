"""Parquet files of prices: the same as CSV, and a clear word where they cannot be read."""

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rules_engine.language import render
from rules_engine.recordings import Recording, RecordingError
from tests.recordings.written import NEW_YORK, recording, rows

AT = datetime(2030, 1, 3, 15, tzinfo=UTC)
LATER = datetime(2030, 1, 3, 15, 0, 1, 250_000, tzinfo=UTC)


@pytest.fixture
def pa() -> ModuleType:
    return pytest.importorskip("pyarrow", reason="pyarrow is of the extra 'backtest'")


def written(pa: Any, path: Path, columns: dict[str, Any]) -> Recording:
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path, row_group_size=2)
    return Recording("V", path, NEW_YORK)


def test_without_pyarrow_the_problem_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecordingError) as caught:
        recording(tmp_path, b"PAR1", "prices.parquet").survey()
    told = render(caught.value.problems)
    assert "reading Parquet needs pyarrow" in told
    assert "pip install pyarrow" in told


@pytest.mark.parametrize("kind", ["aware", "local", "seconds", "nanoseconds", "float", "text"])
def test_times_are_moments_numbers_or_text(pa: Any, tmp_path: Path, kind: str) -> None:
    times = {
        "aware": pa.array([AT, LATER], pa.timestamp("ns", "UTC")),
        "local": pa.array([one.astimezone(NEW_YORK).replace(tzinfo=None) for one in (AT, LATER)], pa.timestamp("us")),
        "seconds": pa.array([int(AT.timestamp()), int(AT.timestamp()) + 1]),
        "nanoseconds": pa.array([int(one.timestamp() * 1000) * 1_000_000 for one in (AT, LATER)]),
        "float": pa.array([AT.timestamp(), LATER.timestamp()]),
        "text": pa.array([AT.isoformat(), LATER.isoformat()]),
    }[kind]
    played = rows(written(pa, tmp_path / "v.parquet", {"Timestamp": times, "price": [5.0, 6.5], "size": [10, 20]}))
    later_s = AT.timestamp() + 1 if kind == "seconds" else LATER.timestamp()
    assert [row[1:] for row in played] == [(0, 5.0, 10.0), (0, 6.5, 20.0)]
    # Floats of seconds resolve a quarter of a microsecond.
    assert [row[0] for row in played] == pytest.approx([AT.timestamp(), later_s], rel=0, abs=5e-7)


def test_days_and_bars_are_those_of_the_csv_file(pa: Any, tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Volume\n" + "".join(f"2030-01-{day:02},10,12,9,11,400\n" for day in range(3, 10))
    columns = {name: [value] * 7 for name, value in zip(("Open", "High", "Low", "Close"), (10, 12, 9, 11), strict=True)}
    table = {"Date": [date(2030, 1, day) for day in range(3, 10)], **columns, "Volume": [400.0] * 7}
    expected = rows(recording(tmp_path, text, zone=NEW_YORK))
    assert rows(written(pa, tmp_path / "v.parquet", table)) == expected


def test_prices_may_be_decimals_but_not_truths(pa: Any, tmp_path: Path) -> None:
    prices = [Decimal("0.07"), Decimal("1234567.89")]
    table = {"time": [AT, LATER], "price": pa.array(prices, pa.decimal128(18, 4)), "size": [10, 20]}
    assert [row[2] for row in rows(written(pa, tmp_path / "v.parquet", table))] == [0.07, 1234567.89]
    with pytest.raises(RecordingError, match="row 1: price: True is not a number"):
        written(pa, tmp_path / "v.parquet", table | {"price": [True, True]}).survey()


def test_moments_far_away_are_problems(pa: Any, tmp_path: Path) -> None:
    for far in (pa.array([datetime(9999, 12, 31)], pa.timestamp("us")), [20300103150000], [203001031500]):
        with pytest.raises(RecordingError, match=r"row 1: time: .+ is not a time"):
            written(pa, tmp_path / "v.parquet", {"time": far, "price": [5.0]}).survey()


@pytest.mark.parametrize("days", [2**31 - 1, -(2**31)])
def test_a_day_that_no_calendar_has_is_a_problem(pa: Any, tmp_path: Path, days: int) -> None:
    far = pa.array([days], pa.int32()).cast(pa.date32())
    with pytest.raises(RecordingError, match=rf"row 1: date: .*{days}.* is not a time"):
        written(pa, tmp_path / "v.parquet", {"date": far, "price": [5.0]}).survey()


def test_a_zone_that_nobody_knows_changes_no_moment(pa: Any, tmp_path: Path) -> None:
    times = pa.array([AT, LATER], pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "Mars/Phobos"))
    played = rows(written(pa, tmp_path / "v.parquet", {"time": times, "price": [5.0, 6.5]}))
    assert [row[0] for row in played] == [AT.timestamp(), LATER.timestamp()]
    with pytest.raises(RecordingError, match="row 1: price: -5 is not a price"):
        written(pa, tmp_path / "v.parquet", {"time": times, "price": [-5.0, 6.5]}).survey()


def test_prices_of_few_bits_are_the_decimals_that_somebody_wrote(pa: Any, tmp_path: Path) -> None:
    prices = [100.01, 100.02, 0.07, 16_777_216.0, 1234.565]
    times = [AT.timestamp() + second for second in range(5)]
    table = {"time": times, "price": pa.array(prices, pa.float32()), "size": pa.array([0.1] * 5, pa.float32())}
    played = rows(written(pa, tmp_path / "v.parquet", table))
    assert [row[2] for row in played] == prices
    assert [row[3] for row in played] == [0.1] * 5
    with pytest.raises(RecordingError, match="row 2: price: no number"):
        written(
            pa, tmp_path / "v.parquet", table | {"price": pa.array([*prices[:1], None] * 2 + [1], pa.float32())}
        ).survey()


def test_times_of_few_bits_are_refused(pa: Any, tmp_path: Path) -> None:
    times = pa.array([AT.timestamp()], pa.float32())
    with pytest.raises(RecordingError, match=r"time: numbers of so few bits \(float\) name no second"):
        written(pa, tmp_path / "v.parquet", {"price": [5.0], "time": times}).survey()


def test_a_name_of_a_column_that_is_no_text_is_a_problem(pa: Any, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    written(pa, path, {"time": [AT], "price": [5.0], "remark": [1]})
    path.write_bytes(path.read_bytes().replace(b"remark", b"remar\xaf"))
    with pytest.raises(RecordingError, match="not a Parquet file"):
        Recording("V", path, NEW_YORK).survey()


def test_an_hour_that_comes_twice_begins_anew_where_its_times_step_back(pa: Any, tmp_path: Path) -> None:
    local = [datetime(2030, 11, 3, hour, minute) for hour, minute in ((0, 50), (1, 30), (1, 20), (1, 40), (2, 0))]
    table = {"time": pa.array(local, pa.timestamp("us")), "price": [5.0] * 5}
    times_s = [row[0] for row in rows(written(pa, tmp_path / "v.parquet", table))]
    assert [(at_s - times_s[0]) / 60 for at_s in times_s] == [0, 40, 90, 110, 130]
    thrice = {"time": pa.array([local[1], local[2], local[1], local[2]], pa.timestamp("us")), "price": [5.0] * 4}
    with pytest.raises(RecordingError, match="row 4: time: both moments of that time are earlier than the row above"):
        written(pa, tmp_path / "v.parquet", thrice).survey()


def test_problems_name_row_and_column(pa: Any, tmp_path: Path) -> None:
    times = [AT.timestamp(), AT.timestamp() + 1, AT.timestamp() - 5, AT.timestamp() + 2, None]
    table = {"time": times, "bid": [99.0, None, 99.0, 102.0, 99.0], "ask": [101.0, 101.0, 101.0, 101.0, 101.0]}
    with pytest.raises(RecordingError) as caught:
        written(pa, tmp_path / "v.parquet", table).survey()
    assert [(one.place.line, one.place.column, one.message) for one in caught.value.problems] == [
        (2, 2, "row 2: bid: no number"),
        (3, 1, "row 3: time: earlier than the row above"),
        (4, 2, "row 4: bid: 102 is above the ask, 101"),
        (5, 1, "row 5: time: None is not a time"),
    ]


@pytest.mark.parametrize(
    ("data", "words"), [(b"time,price\n", "not a Parquet file"), (b"", "not a Parquet file"), (None, "not read")]
)
def test_what_is_no_parquet_is_a_problem(pa: Any, tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "v.parquet"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RecordingError, match=words):
        Recording("V", path, NEW_YORK).survey()


def test_other_columns_and_no_rows_are_problems(pa: Any, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="the columns are a, b"):
        written(pa, tmp_path / "v.parquet", {"a": [1], "b": [2]}).survey()
    with pytest.raises(RecordingError, match="no prices in this file"):
        written(
            pa, tmp_path / "v.parquet", {"time": pa.array([], pa.int64()), "price": pa.array([], pa.float64())}
        ).survey()
