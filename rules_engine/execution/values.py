"""Named values in the journal, in memory once they were asked for."""

from collections.abc import Mapping

from rules_engine.execution.database import Database

_LAST = "\U0010ffff"
"""Sorts after whatever a name may go on with."""


class Values:
    """What the one writer of a journal remembers under a name. After a rollback everything is read again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._undone = database.undone
        self._known: dict[str, str | None] = {}

    def get(self, name: str) -> str | None:
        """None when it was never put."""
        if self._undone != self._database.undone:
            self._undone = self._database.undone
            self._known.clear()
        if name not in self._known:
            row = self._database.row("SELECT v FROM kv WHERE k = ?", name)
            self._known[name] = row["v"] if row else None
        return self._known[name]

    def put(self, name: str, value: str) -> None:
        """Belongs inside a transaction."""
        self._database.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", name, value)
        self._known[name] = value

    def between(self, start: str, ending: str) -> Mapping[str, str]:
        """All whose names start and end so, by what their names have between, from the disk."""
        rows = self._database.rows("SELECT k, v FROM kv WHERE k >= ? AND k < ?", start, start + _LAST)
        found = {row["k"].removeprefix(start): row["v"] for row in rows}
        return {rest.removesuffix(ending): value for rest, value in found.items() if rest.endswith(ending)}

    def forget(self, name: str) -> None:
        """As if it had never been put. Belongs inside a transaction."""
        self._database.execute("DELETE FROM kv WHERE k = ?", name)
        self._known.pop(name, None)

    def forget_all(self, start: str) -> None:
        """The same for all whose names start so."""
        self._database.execute("DELETE FROM kv WHERE k >= ? AND k < ?", start, start + _LAST)
        self._known = {name: value for name, value in self._known.items() if not name.startswith(start)}
