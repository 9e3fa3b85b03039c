"""A SQLite file with one writer, every commit on disk before it returns."""

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from rules_engine.execution.migrations import MIGRATIONS
from rules_engine.execution.schema import TABLES, VERSION
from rules_engine.model.errors import WorldError

_log = logging.getLogger(__name__)

Row = sqlite3.Row
Value = str | int | float | None
_ROOM_BYTES = 4_100_000
"""A thousand pages: what SQLite lets gather there before it moves them to the journal itself."""
_MANY_COMMITS = 25
"""About a third of those that fill them where each is an order's."""
_CACHE_PAGES = -2000
"""SQLite's own choice: two megabytes."""
_JOINED = nullcontext()
"""Of what is part of a transaction that is open already."""


class JournalLocked(WorldError):
    """Another engine writes this journal: this one does not start."""


class JournalFailed(WorldError):
    """The journal cannot be read or written (disk full, read-only, damaged): nothing is sent from then on."""


class Database:
    """The writer's connection. The file is ours alone: mode 0600, in a folder of mode 0700, locked while open."""

    def __init__(self, path: Path) -> None:
        self._lock = _locked(path)
        try:
            self._connection = _opened(path)
        except sqlite3.Error as error:
            os.close(self._lock)
            raise JournalFailed(f"cannot open the journal {path}: {error}") from error
        self.undone = 0
        """How many transactions came to nothing: whoever remembers what they wrote must read it again."""
        self._gathered = 0
        """Commits since they were last moved to the journal itself."""

    def close(self) -> None:
        """Leaves the file to the next engine. Again: does nothing."""
        self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, on disk when it returns. Joins a transaction that is already open."""
        return _JOINED if self._connection.in_transaction else self._begun()

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        is_kept = False
        try:
            yield
            self.execute("COMMIT")
            is_kept = True
            self._gathered += 1
        finally:
            self.undone += not is_kept
            if self._connection.in_transaction:
                self._connection.rollback()

    def make_room(self) -> None:
        """Lets the file of the newest commits be as long as it gets: to put a commit on disk takes longer in a file
        that still grows. Nothing of it stays."""
        self.execute("PRAGMA cache_size=10")
        self.execute("BEGIN IMMEDIATE")
        try:
            # More than the pages in memory may be goes to that file at once, and is forgotten there.
            self.execute("INSERT INTO kv VALUES ('room', zeroblob(?))", _ROOM_BYTES)
        finally:
            self._connection.rollback()
            self.execute(f"PRAGMA cache_size={_CACHE_PAGES}")

    def move_commits(self) -> None:
        """Moves the newest commits to the journal itself, if they are many. SQLite does it where it has room for no
        more, but then some commit waits for it. The next one takes longer. Where it fails nothing is lost: they stay
        where they are, and are moved later."""
        if self._gathered < _MANY_COMMITS:
            return
        self._gathered = 0
        try:
            self.row("PRAGMA wal_checkpoint(PASSIVE)")
        except JournalFailed as error:
            _log.warning("the newest commits stay in a file beside the journal: %s", error)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, statement: str, *values: Value) -> sqlite3.Cursor:
        """Runs one statement; raises JournalFailed where SQLite cannot."""
        return _run(self._connection, statement, values)

    def rows(self, statement: str, *values: Value) -> list[Row]:
        """Every row of the answer."""
        return self.execute(statement, *values).fetchall()

    def row(self, statement: str, *values: Value) -> Row | None:
        """The first row of the answer."""
        found: Row | None = self.execute(statement, *values).fetchone()
        return found


class ReadOnlyDatabase:
    """A reader beside a running engine, or after it: takes no lock and changes nothing."""

    def __init__(self, path: Path, *, immutable: bool = False) -> None:
        """``immutable``: also on a disk that takes nothing at all; what was not checkpointed yet is not seen then."""
        mode = "mode=ro&immutable=1" if immutable else "mode=ro"
        try:
            self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
        except sqlite3.Error as error:
            raise JournalFailed(f"cannot read the journal {path}: {error}") from error

    def close(self) -> None:
        """Ends the reading."""
        self._connection.close()

    def rows(self, statement: str, *values: Value) -> list[Row]:
        """Every row of the answer."""
        return _run(self._connection, statement, values).fetchall()

    def row(self, statement: str, *values: Value) -> Row | None:
        """The first row of the answer."""
        found: Row | None = _run(self._connection, statement, values).fetchone()
        return found


Reader = Database | ReadOnlyDatabase


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")
        _prepare(connection, path)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={VERSION}; COMMIT;")
        return
    if not MIGRATIONS.keys() >= set(range(version, VERSION)) or version > VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, this program reads {VERSION}")
    _back_up(connection, path.with_name(f"{path.name}.version-{version}"))
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in (step for older in range(version, VERSION) for step in MIGRATIONS[older]):
            if isinstance(step, str):
                connection.execute(step)
            else:
                step(connection)
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.rollback()


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """The whole journal as it is, on disk before anything of it is changed."""
    try:
        handle = _private(path)
        try:
            os.ftruncate(handle, 0)
            copy = sqlite3.connect(path)
            with contextlib.closing(copy):
                connection.backup(copy)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise sqlite3.OperationalError(f"no copy could be made at {path}: {error.strerror}") from error


def _run(connection: sqlite3.Connection, statement: str, values: tuple[Value, ...]) -> sqlite3.Cursor:
    try:
        return connection.execute(statement, values)
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise JournalFailed(f"the journal failed: {error}") from error


def _locked(path: Path) -> int:
    # The lock is on a file of its own: closing any handle of SQLite's file drops the locks that this process has there,
    # so that file is touched only by whoever has the lock.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = _private(path.with_name(path.name + ".lock"))
    except OSError as error:
        raise JournalFailed(f"cannot open the journal {path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(_private(path))
    except BlockingIOError as error:
        os.close(handle)
        raise JournalLocked(f"another engine is using the journal {path}") from error
    except OSError as error:
        os.close(handle)
        raise JournalFailed(f"cannot open the journal {path}: {error.strerror}") from error
    return handle


def _private(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.fchmod(handle, 0o600)
    return handle
