"""Named values in memory are those on disk, whatever is put, and taken back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.execution.database import Database
from rules_engine.execution.values import Values

NAMES = ("a", "b", "c")
FORGOTTEN = None
puts = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "1", "2", FORGOTTEN])), max_size=3)


def on_disk(database: Database, name: str) -> str | None:
    row = database.row("SELECT v FROM kv WHERE k = ?", name)
    return row["v"] if row else None


def change(values: Values, name: str, value: str | None) -> None:
    if value is FORGOTTEN:
        values.forget(name)
    else:
        values.put(name, value)
    assert values.get(name) == value


@given(st.lists(st.tuples(puts, st.booleans(), st.sets(st.sampled_from(NAMES))), max_size=6))
def test_memory_and_disk_agree(transactions: list[tuple[list[tuple[str, str | None]], bool, set[str]]]) -> None:
    with TemporaryDirectory() as folder:
        database = Database(Path(folder) / "journal.db")
        values = Values(database)
        for done, is_undone, asked in transactions:
            for name in asked:
                assert values.get(name) == on_disk(database, name)
            if is_undone:
                with pytest.raises(ZeroDivisionError), database.transaction():
                    for name, value in done:
                        change(values, name, value)
                    raise ZeroDivisionError
            else:
                with database.transaction():
                    for name, value in done:
                        change(values, name, value)
        assert [values.get(name) for name in NAMES] == [on_disk(database, name) for name in NAMES]
        database.close()


def test_names_that_start_and_end_alike_are_found_by_what_they_have_between(tmp_path: Path) -> None:
    database = Database(tmp_path / "journal.db")
    values = Values(database)
    between = ("", "a", "a b", "~é")
    with database.transaction():
        for name in ("order", "order DU1", "orders a DU1", "Order a DU1", "order a DU12", "orde a DU1"):
            values.put(name, "another")
        for word in between:
            values.put(f"order {word} DU1", word.upper())
    assert values.between("order ", " DU1") == {word: word.upper() for word in between}
