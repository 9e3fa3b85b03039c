"""Our fills beside IB's positions: what one of them cannot explain, somebody else did."""

from collections.abc import Container, Mapping
from decimal import Decimal

from rules_engine.execution.database import Database


class Holdings:
    """Sums of one mode and account, by instrument. Changes belong inside a transaction of the journal."""

    def __init__(self, database: Database, mode: str, account: str) -> None:
        self._database = database
        self._scope = (mode, account)
        self.grown: set[str] = set()
        """Instruments in which orders of ours filled since somebody last cleared this."""

    def filled(self, instrument: str, bought: Decimal) -> None:
        """An order of ours bought so much more; less than zero is sold."""
        self.grown.add(instrument)
        row = self._database.row(
            "SELECT ours FROM holding WHERE mode = ? AND account = ? AND instrument = ?", *self._scope, instrument
        )
        ours = (Decimal(row["ours"]) if row else Decimal(0)) + bought
        self._database.execute(
            "INSERT INTO holding (mode, account, instrument, ours) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (mode, account, instrument) DO UPDATE SET ours = excluded.ours",
            *(*self._scope, instrument, str(ours)),
        )

    def ours(self) -> Mapping[str, Decimal]:
        """What our own fills came to, by instrument, since the journal began."""
        rows = self._database.rows("SELECT instrument, ours FROM holding WHERE mode = ? AND account = ?", *self._scope)
        return {row["instrument"]: Decimal(row["ours"]) for row in rows}

    def told(self, positions: Mapping[str, Decimal], besides: Container[str] = ()) -> None:
        """All positions of the account, as IB says: what is not among them is none. Kept where we ordered too, but for
        ``besides``: there orders of ours have filled since."""
        with self._database.transaction():
            rows = self._database.rows(
                "SELECT instrument, ours, first, newest FROM holding WHERE mode = ? AND account = ?", *self._scope
            )
            for row in rows:
                if row["instrument"] in besides:
                    continue
                newest = positions.get(row["instrument"], Decimal(0))
                if row["newest"] is not None and Decimal(row["newest"]) == newest:
                    continue
                first = str(newest - Decimal(row["ours"])) if row["first"] is None else row["first"]
                self._database.execute(
                    "UPDATE holding SET first = ?, newest = ? WHERE mode = ? AND account = ? AND instrument = ?",
                    *(first, str(newest), *self._scope, row["instrument"]),
                )
