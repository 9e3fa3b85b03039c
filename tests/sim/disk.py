"""The journal's file as a process sees it: it may die at any commit, and a power cut takes what was not synced."""

import os
import re
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from rules_engine.execution.database import Database, JournalFailed, Value
from tests.sim.node import Node

FULL = 2
"""SQLite's `synchronous` at which a commit is on the platter when it returns."""
UNSYNCED_MAX = 3
"""So many commits may still be in the machine's memory when nobody asked for a sync."""


class Disk:
    """One journal file, its latest commits, and whoever wants to hear of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.on_commit: Callable[[Node, frozenset[str]], None] = lambda node, tables: None
        self.on_cut: Callable[[], None] = lambda: None
        self.fails_at = ""
        """A word of what is written: the next commit of it fails, as on a disk that is full or broken."""
        self._unsynced: list[bytes] = []

    def opener(self, node: Node) -> Callable[[Path], Database]:
        """What opens the journal for this process."""
        return lambda path: SimulatedDatabase(path, node, self)

    def committed(self, connection: sqlite3.Connection) -> None:
        """Remembers what a power cut would leave behind."""
        if connection.execute("PRAGMA synchronous").fetchone()[0] >= FULL:
            self._unsynced.clear()
        else:
            self._unsynced = [*self._unsynced, connection.serialize()][-UNSYNCED_MAX:]

    def cut_power(self) -> None:
        """Leaves the file as it was at the last sync, or some commits ago. Nobody may have it open."""
        if not self._unsynced:
            return
        self.on_cut()
        for suffix in ("-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        self.path.write_bytes(self._unsynced[0])
        self._unsynced.clear()


class SimulatedDatabase(Database):
    """The real one; every commit is a use of the disk."""

    def __init__(self, path: Path, node: Node, disk: Disk) -> None:
        node.port("open journal")
        super().__init__(path)
        self._node = node
        self._disk = disk
        self._touched: set[str] = set()
        self._doomed = False
        node.closers.append(self.close)

    def execute(self, statement: str, *values: Value) -> sqlite3.Cursor:
        if self._node.dead:
            self._node.port("journal of the dead")
        if statement != "COMMIT":
            if (table := _written(statement)) in _WATCHED:
                self._touched.add(table)
            self._doomed = self._doomed or (bool(self._disk.fails_at) and self._disk.fails_at in values)
            return super().execute(statement, *values)
        self._node.port("before commit")
        if self._doomed:
            self._doomed = False
            raise JournalFailed("the journal failed: disk I/O error")
        cursor = super().execute(statement, *values)
        touched, self._touched = frozenset(self._touched), set()
        self._disk.committed(self._connection)
        self._disk.on_commit(self._node, touched)
        self._node.port("after commit")
        return cursor


@lru_cache
def _written(statement: str) -> str:
    """The table that a statement writes to; empty when it only reads."""
    found = re.match(r"(?:INSERT(?: OR \w+)? INTO|UPDATE) (\w+)", statement)
    return found[1] if found else ""


_WATCHED = ("intent", "firing", "outbox", "kv")


def fast_folder() -> Path | None:
    """Memory, where there is a file system in it: the simulation needs no platter."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None
