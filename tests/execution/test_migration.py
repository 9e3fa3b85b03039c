"""A journal of an older program becomes one of this program, after a copy of it was made."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from rules_engine.execution import migrations, schema
from rules_engine.execution.database import Database, JournalFailed
from rules_engine.model.intent import IntentState
from rules_engine.model.life import Life
from tests.execution.bench import Bench

OLD = Path(__file__).parent / "journals" / "version-1.sql"


def old_journal(folder: Path) -> Path:
    path = folder / "var" / "journal.db"
    path.parent.mkdir(mode=0o700)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD.read_text())
    return path


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def contents(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


def definitions(path: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(str(sql).split()) for name, sql in rows}


def test_nothing_is_lost_and_the_old_state_is_kept_beside_it(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    before = contents(path)
    bench = Bench(tmp_path)
    states = {row.intent.rule: row.intent.state for row in bench.journal.ledger.orders()}
    assert states == {"lost": IntentState.UNKNOWN, "done": IntentState.FILLED}
    assert bench.journal.lives() == {"done": Life(seq=1, done=True)}
    assert bench.journal.ledger.first_broken_event() is None
    assert version(path) == schema.VERSION
    copy = path.with_name("journal.db.version-1")
    assert (contents(copy), version(copy)) == (before, 1)
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_migrated_journal_is_built_like_a_new_one(tmp_path: Path) -> None:
    Database(tmp_path / "new.db").close()
    Database(old_journal(tmp_path)).close()
    assert definitions(tmp_path / "var" / "journal.db") == definitions(tmp_path / "new.db")


def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    path.with_name("journal.db.version-1").mkdir()
    with pytest.raises(JournalFailed, match="no copy could be made"):
        Database(path)
    assert version(path) == 1


def test_a_migration_that_fails_leaves_the_old_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_journal(tmp_path)
    before = contents(path)
    monkeypatch.setitem(migrations.MIGRATIONS, 1, ("DROP INDEX intent_open", "DROP TABLE nowhere"))
    with pytest.raises(JournalFailed, match="nowhere"):
        Database(path)
    assert (contents(path), version(path)) == (before, 1)


def test_a_copy_of_an_earlier_attempt_is_replaced(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    shutil.copy(path, path.with_name("journal.db.version-1"))
    Database(path).close()
    assert version(path.with_name("journal.db.version-1")) == 1


def test_a_record_that_was_broken_before_stays_broken(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE event SET data_json = '{}' WHERE seq = 2")
    bench = Bench(tmp_path)
    bench.record()
    assert bench.journal.ledger.first_broken_event() == 2
