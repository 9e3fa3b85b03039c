"""The record of what happened: events in order, each tied by its hash to everything before it.

The hash of an event covers the hash at the end of the block before, and the entries of its own block up to itself. So
each event has a hash that vouches for all before it, and a whole block is verified by hashing its bytes once.
"""

import hashlib
import json
from dataclasses import dataclass

from rules_engine.execution.database import Database, Reader

GENESIS = "0" * 64
"""Stands for the hash before the first event."""
BLOCK = 1000
"""Events whose entries are hashed in one go; their numbers begin with a multiple of this, and one."""


@dataclass(slots=True)
class _Newest:
    """The newest event, and the hash of its block so far; ``digest`` is not final before the block is full."""

    seq: int
    digest: "hashlib._Hash"


class Chain:
    """The writer of events. Used within transactions: after a rollback the newest events are read again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest: _Newest | None = None
        self._undone = database.undone

    def append(self, key: str, at_s: float, kind: str, data: str) -> None:
        """Adds an event; ``data`` is JSON text."""
        entry = f'{{"at":{at_s!r},"key":{json.dumps(key)},"kind":{json.dumps(kind)},"data":{data}}}'
        newest = self._before()
        seq, digest = newest.seq + 1, newest.digest
        if newest.seq % BLOCK == 0:
            digest = _opened(self._hash_of(newest.seq))
        digest = digest.copy()
        digest.update(b"\n" + entry.encode())
        self._database.execute("INSERT INTO event (seq, entry, hash) VALUES (?, ?, ?)", seq, entry, digest.hexdigest())
        self._newest = _Newest(seq, digest)

    def _before(self) -> _Newest:
        """The event before the one to come, as the database has it."""
        if self._newest is None or self._undone != self._database.undone:
            self._undone = self._database.undone
            self._newest = self._read()
        return self._newest

    def _read(self) -> _Newest:
        seq = _newest_seq(self._database)
        first = (seq - 1) // BLOCK * BLOCK + 1
        digest = _opened(self._hash_of(first - 1))
        for row in self._database.rows("SELECT entry, hash FROM event WHERE seq >= ? ORDER BY seq", first):
            digest.update(b"\n" + row["entry"].encode())
            if digest.hexdigest() != row["hash"]:
                digest.update(b"broken")  # What follows must not vouch for it.
        return _Newest(seq, digest)

    def _hash_of(self, seq: int) -> str:
        return _hash_of(self._database, seq)


def first_broken(reader: Reader) -> int | None:
    """The number of the first event that is not what it was, or is not there; None when the record is whole.

    Whoever rewrites the rest of the record to fit, with the number of the newest event, is not found out.
    """
    before, newest = GENESIS, _newest_seq(reader)
    for first in range(1, newest + 1, BLOCK):
        last = min(first + BLOCK - 1, newest)
        row = reader.row(
            "SELECT count(*) AS found, CAST(group_concat(entry, char(10)) AS BLOB) AS entries"
            " FROM event WHERE seq BETWEEN ? AND ?",
            *(first, last),
        )
        assert row is not None
        digest = _opened(before)
        digest.update(b"\n" + (row["entries"] or b""))
        stored = _hash_of(reader, last)
        if row["found"] != last - first + 1 or digest.hexdigest() != stored:
            return _first_broken_of(reader, before, first, last)
        before = stored
    return None


def _first_broken_of(reader: Reader, before: str, first: int, last: int) -> int:
    """The same, one event at a time."""
    digest = _opened(before)
    rows = {row["seq"]: row for row in reader.rows("SELECT * FROM event WHERE seq BETWEEN ? AND ?", first, last)}
    for seq in range(first, last):
        if seq not in rows:
            return seq
        digest.update(b"\n" + rows[seq]["entry"].encode())
        if digest.hexdigest() != rows[seq]["hash"]:
            return seq
    return last


def _opened(before: str) -> "hashlib._Hash":
    return hashlib.sha256(before.encode())


def _hash_of(reader: Reader, seq: int) -> str:
    row = reader.row("SELECT hash FROM event WHERE seq = ?", seq) if seq else None
    return row["hash"] if row else GENESIS


def _newest_seq(reader: Reader) -> int:
    """SQLite remembers the highest number that was ever given, also when that row is gone."""
    row = reader.row("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
    return row["seq"] if row else 0
