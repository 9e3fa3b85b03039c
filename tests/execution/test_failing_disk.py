"""A disk that fails, or a journal that somebody holds, at the commit of SENDING: nothing leaves, and nothing is taken
for written that may not be."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules_engine.execution.database import Database, JournalFailed
from rules_engine.execution.journal import engine_name
from rules_engine.model.intent import IntentState
from tests.execution.bench import Bench

HELD_FOR_MS = 50


class TornConnection:
    """The journal's connection; its commits fail as SQLite reports a failed fsync. ``takes``: what was written stays
    in the file all the same, as it can when the system has kept the pages."""

    def __init__(self, real: sqlite3.Connection, *, takes: bool) -> None:
        self._real = real
        self._takes = takes
        self.commits = 0

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if statement != "COMMIT":
            return self._real.execute(statement, values)
        self.commits += 1
        if self._takes:
            self._real.execute("COMMIT")
        raise sqlite3.OperationalError("disk I/O error")

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def tear(bench: Bench, *, takes: bool) -> TornConnection:
    database: Database = bench.journal._database
    torn = TornConnection(database._connection, takes=takes)
    database._connection = torn  # type: ignore[assignment]  # It stands in for it.
    return torn


@pytest.mark.parametrize("takes", [False, True])
async def test_an_fsync_that_fails_at_sending_sends_nothing_and_is_not_tried_again(tmp_path: Path, takes: bool) -> None:
    bench = Bench(tmp_path)
    bench.accepting(await bench.connect())
    key = bench.record()
    torn = tear(bench, takes=takes)
    with pytest.raises(JournalFailed, match="disk I/O error"):
        await bench.desk.dispatch()
    assert (bench.ib.wire, torn.commits) == ([], 1)
    bench.restart()
    bench.accepting(await bench.connect())
    for _ in range(3):
        await bench.later(16)
    # What reached the file counts as sent: nobody knows that it was not. What did not is sent now, once.
    assert bench.state(key) is (IntentState.UNKNOWN if takes else IntentState.WORKING)
    assert len(bench.ib.wire) == (0 if takes else 1)
    assert ("unknown order" in bench.told()) is takes


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Some other program writes the journal's file and does not let go."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_journal_that_somebody_holds_is_waited_for_and_then_nothing_is_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.accepting(await bench.connect())
    key = bench.record()
    assert bench.journal._database.row("PRAGMA busy_timeout")[0] == 5000  # type: ignore[index]  # There is a row.
    bench.journal._database.execute(f"PRAGMA busy_timeout={HELD_FOR_MS}")
    with held(bench.path), pytest.raises(JournalFailed, match="locked"):
        await bench.desk.dispatch()
    assert (bench.ib.wire, bench.state(key)) == ([], IntentState.INTENT)
    bench.restart()
    bench.accepting(await bench.connect())
    await bench.later(1)
    assert len(bench.ib.wire) == 1 and bench.state(key) is IntentState.WORKING


async def test_whoever_lets_go_in_time_only_delays_the_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.accepting(await bench.connect())
    key = bench.record()
    with contextlib.closing(sqlite3.connect(bench.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        loop = asyncio.get_running_loop()
        released = loop.run_in_executor(None, other.execute, "ROLLBACK")
        await bench.desk.dispatch()
        await released
    assert len(bench.ib.wire) == 1 and bench.state(key) is IntentState.WORKING


async def test_a_reader_that_never_ends_keeps_nobody_from_sending(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.accepting(await bench.connect())
    with contextlib.closing(sqlite3.connect(bench.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM intent").fetchone()
        key = bench.record()
        await bench.desk.dispatch()
        assert reader.execute("SELECT count(*) FROM intent").fetchone() == (0,)
    assert len(bench.ib.wire) == 1 and bench.state(key) is IntentState.WORKING


async def test_the_kill_switch_cancels_what_ib_has_before_the_failing_disk_ends_the_engine(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    number = bench.intent(key).order_id
    tear(bench, takes=False)
    with pytest.raises(JournalFailed):
        bench.desk.stop_trading()
    assert bench.ib.cancels == [number]


async def test_what_is_to_be_kept_is_kept_on_a_failing_disk_too(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.record()
    await bench.desk.dispatch()
    bench.record()
    tear(bench, takes=False)
    with pytest.raises(JournalFailed):
        bench.desk.stop_trading(keep_orders=True)
    assert bench.ib.cancels == []


def test_the_name_of_an_engine_is_read_where_nothing_can_be_written(bench: Bench) -> None:
    name = bench.journal.naming.engine
    assert engine_name(bench.path) == name
    bench.kill()
    assert engine_name(bench.path) == name
    with pytest.raises(JournalFailed):
        engine_name(bench.path.with_name("none.db"))
