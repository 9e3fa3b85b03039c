"""Named values in the journal, in memory once they were asked for."""

from rules_engine.execution.database import Database


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
