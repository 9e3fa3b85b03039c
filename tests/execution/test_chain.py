"""The record of events: whatever is changed or taken out of it is noticed, and it survives crashes and restarts."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies
from hypothesis import settings as hypothesis_settings

from rules_engine.execution import chain
from rules_engine.execution.chain import Chain, first_broken
from rules_engine.execution.database import Database

BLOCK = 4


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BLOCK", BLOCK)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "var" / "journal.db")


def append(database: Database, *numbers: int, writer: Chain | None = None) -> None:
    writer = writer or Chain(database)
    for number in numbers:
        with database.transaction():
            writer.append(
                f"key {number}", 1.5 * number, "thing", json.dumps({"number": number, "text": "a\nb — \u20ac"})
            )


def hashes_written_out(entries: list[str]) -> list[str]:
    """The same by its definition: each event's hash from the entries of its block, and the end of the block before."""
    found: list[str] = []
    for at, _ in enumerate(entries):
        first = at // BLOCK * BLOCK
        before = found[first - 1] if first else chain.GENESIS
        found.append(hashlib.sha256("\n".join([before, *entries[first : at + 1]]).encode()).hexdigest())
    return found


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9, 23])
def test_every_event_vouches_for_all_before_it(database: Database, count: int) -> None:
    append(database, *range(count))
    rows = database.rows("SELECT * FROM event ORDER BY seq")
    assert [row["hash"] for row in rows] == hashes_written_out([row["entry"] for row in rows])
    assert [row["seq"] for row in rows] == list(range(1, count + 1))
    assert first_broken(database) is None


def test_an_event_can_be_read_by_its_parts(database: Database) -> None:
    append(database, 7)
    row = database.row("SELECT key, at_s, kind, entry FROM event")
    assert row is not None and (row["key"], row["at_s"], row["kind"]) == ("key 7", 10.5, "thing")
    assert json.loads(row["entry"])["data"] == {"number": 7, "text": "a\nb — \u20ac"}


def test_a_restart_at_any_event_goes_on_with_the_same_record(tmp_path: Path) -> None:
    whole, parts = Database(tmp_path / "a" / "journal.db"), Database(tmp_path / "b" / "journal.db")
    append(whole, *range(11))
    for number in range(11):
        append(parts, number, writer=Chain(parts))
    hashes = [[row["hash"] for row in one.rows("SELECT hash FROM event ORDER BY seq")] for one in (whole, parts)]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("before", range(6))
def test_what_a_rollback_took_back_is_no_part_of_the_record(database: Database, before: int) -> None:
    writer = Chain(database)
    append(database, *range(before), writer=writer)
    with pytest.raises(ZeroDivisionError), database.transaction():
        append(database, 97, 98, writer=writer)
        raise ZeroDivisionError
    append(database, 50, 51, writer=writer)
    assert first_broken(database) is None
    assert [row["key"] for row in database.rows("SELECT key FROM event ORDER BY seq")][before:] == ["key 50", "key 51"]


@hypothesis_settings(max_examples=150)
@given(
    count=strategies.integers(1, 14),
    damage=strategies.sampled_from(["change", "remove", "swap", "number"]),
    where=strategies.integers(0, 13),
    further=strategies.integers(0, 6),
)
def test_the_first_damaged_event_is_found_and_stays_found(
    tmp_path_factory: pytest.TempPathFactory, count: int, damage: str, where: int, further: int
) -> None:
    database = Database(tmp_path_factory.mktemp("chain") / "var" / "journal.db")
    append(database, *range(count))
    seq = where % count + 1
    entries = {row["seq"]: row["entry"] for row in database.rows("SELECT seq, entry FROM event")}
    if damage == "change":
        database.execute("UPDATE event SET entry = replace(entry, 'thing', 'think') WHERE seq = ?", seq)
    elif damage == "remove":
        database.execute("DELETE FROM event WHERE seq = ?", seq)
    elif damage == "number":
        database.execute("UPDATE event SET seq = ? WHERE seq = ?", 10_000, seq)
    else:
        other = seq % count + 1
        for one, text in ((seq, entries[other]), (other, entries[seq])):
            database.execute("UPDATE event SET entry = ? WHERE seq = ?", text, one)
        seq = min(seq, other)
    append(database, *range(100, 100 + further))
    broken = first_broken(database)
    database.close()
    assert broken == (None if damage == "swap" and count == 1 else seq)


@pytest.mark.parametrize("removed", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("further", [0, 1, 6])
def test_the_newest_events_cannot_go_unnoticed(database: Database, removed: int, further: int) -> None:
    append(database, *range(9))
    database.execute("DELETE FROM event WHERE seq > ?", 9 - removed)
    append(database, *range(100, 100 + further))
    assert first_broken(database) == 9 - removed + 1
