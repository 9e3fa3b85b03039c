"""Room for the newest commits is made beforehand, and nothing of how it was made is ever seen."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rules_engine.execution.database import Database, JournalFailed


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
