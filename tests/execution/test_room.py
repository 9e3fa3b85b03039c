"""Room for the newest commits is made beforehand, and nothing of how it was made is ever seen."""

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rules_engine.execution.database import _MANY_COMMITS, Database, JournalFailed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "journal.db"


def put(database: Database, *names: str) -> None:
    for name in names:
        with database.transaction():
            database.execute("INSERT INTO kv VALUES (?, ?)", name, name * 1000)


def newest_bytes(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def found(path: Path) -> list[str]:
    """As another program reads it beside the engine, or after it."""
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [name for (name,) in reader.execute("SELECT k FROM kv ORDER BY k")]


def test_commits_go_where_there_is_room_already(path: Path) -> None:
    database = Database(path)
    put(database, "a")
    database.make_room()
    before = newest_bytes(path)
    put(database, *"bcdefgh")
    assert newest_bytes(path) == before > 4_000_000
    assert found(path) == list("abcdefgh")
    database.close()
    assert found(path) == list("abcdefgh")


def test_killed_with_room_left_only_what_was_committed_is_there(path: Path, tmp_path: Path) -> None:
    database = Database(path)
    put(database, "a")
    database.make_room()
    put(database, "b")
    left = tmp_path / "left"
    left.mkdir()
    for suffix in ("", "-wal"):
        (left / f"journal.db{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    database.close()
    again = Database(left / "journal.db")
    again.make_room()
    put(again, "c")
    assert found(left / "journal.db") == ["a", "b", "c"]
    again.close()


def test_a_disk_without_room_is_a_journal_that_fails_and_stays_as_it_was(path: Path) -> None:
    database = Database(path)
    put(database, "a")
    database.execute("PRAGMA max_page_count = 100")
    with pytest.raises(JournalFailed, match="full"):
        database.make_room()
    assert not database.in_transaction and found(path) == ["a"]
    put(database, "b")
    assert found(path) == ["a", "b"]
    database.close()


def moved(path: Path, tmp_path: Path) -> list[str]:
    """What is in the journal itself already."""
    alone = tmp_path / "alone.db"
    alone.write_bytes(path.read_bytes())
    return found(alone)


def test_many_commits_are_moved_in_a_quiet_moment_and_few_are_left_for_later(path: Path, tmp_path: Path) -> None:
    Database(path).close()
    database = Database(path)
    database.make_room()
    names = [f"{number:02}" for number in range(_MANY_COMMITS)]
    put(database, *names[1:])
    database.move_commits()
    assert moved(path, tmp_path) == []
    put(database, names[0])
    database.move_commits()
    assert moved(path, tmp_path) == found(path) == names
    before = newest_bytes(path)
    put(database, "after")
    database.move_commits()
    assert moved(path, tmp_path) == names and found(path) == [*names, "after"]
    assert newest_bytes(path) == before
    database.close()


def test_a_reader_of_older_commits_neither_waits_nor_makes_the_engine_wait(path: Path) -> None:
    database = Database(path)
    put(database, "00")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM kv").fetchone() == (1,)
        names = [f"{number:02}" for number in range(1, _MANY_COMMITS + 1)]
        put(database, *names)
        database.move_commits()
        put(database, "after")
        assert reader.execute("SELECT count(*) FROM kv").fetchone() == (1,)
    assert found(path) == ["00", *names, "after"]
    database.close()


def test_commits_that_cannot_be_moved_stay_where_they_are_and_are_moved_later(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Database(path).close()
    database = Database(path)
    names = [f"{number:02}" for number in range(_MANY_COMMITS)]
    put(database, *names)
    most, hardest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hardest))
    try:
        database.move_commits()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hardest))
    assert "the newest commits stay in a file beside the journal" in caplog.text
    assert moved(path, tmp_path) == [] and found(path) == names
    more = [f"{number:02}" for number in range(_MANY_COMMITS, 2 * _MANY_COMMITS)]
    put(database, *more)
    database.move_commits()
    assert moved(path, tmp_path) == found(path) == [*names, *more]
    database.close()
