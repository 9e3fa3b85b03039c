"""What the journal promises: one commit, one writer, one memory for each mode and account."""

import os
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.execution.database import JournalFailed, JournalLocked
from rules_engine.execution.decision import Decision
from rules_engine.execution.journal import Journal
from rules_engine.execution.ledger import open_ledger
from rules_engine.model.action import CancelOrders
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import HeldBack, Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.life import Life
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.settings import Mode
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, V, decision, draft, firing


def notice(text: str = "it fired", dedup: str = "fired", channels: tuple[str, ...] = ("phone",)) -> Notice:
    return Notice(NoticeKind.FIRED, text, dedup, NOW_S, channels)


def journal(folder: Path, **scope: object) -> Journal:
    return Journal(folder / "journal.db", SteppedClock(NOW_S), **scope)  # type: ignore[arg-type]  # Mode and account.


def test_firing_memory_orders_and_message_are_there_after_a_crash(tmp_path: Path) -> None:
    before = journal(tmp_path)
    life = Life(seq=3, done=True, cooldown_until_s=NOW_S + 60, placed="0,2")
    [recorded] = before.record([replace(decision(draft(), draft(side="sell")), notices=(notice(),))], {"r": life})
    before.close()
    after = journal(tmp_path)
    assert after.lives() == {"r": life}
    assert [leg.key for leg in after.intents.unit("r", 1)] == list(recorded.keys)
    assert [(message.text, message.key) for message in after.outbox.waiting("phone", 9)] == [
        ("it fired", recorded.firing_key)
    ]
    assert [fire.rule for fire in after.ledger.fires()] == ["r"]


def test_a_crash_inside_the_transaction_leaves_nothing(tmp_path: Path) -> None:
    before = journal(tmp_path)
    with pytest.raises(RuntimeError), before.transaction():
        before.record([replace(decision(), notices=(notice(),))], {"r": Life(seq=1)})
        raise RuntimeError("killed before the commit")
    before.close()
    after = journal(tmp_path)
    assert (after.lives(), after.intents.open(), after.ledger.fires()) == ({}, [], [])
    assert after.outbox.channels() == frozenset()


def test_every_firing_has_its_own_number_and_every_leg_its_own_key(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    recorded = writer.record([decision(draft(), draft()), decision(), decision(rule="other")], {})
    assert [one.seq for one in recorded] == [1, 2, 1]
    keys = [key for one in recorded for key in one.keys]
    assert len(set(keys)) == len(keys) == 4
    assert all(len(key) <= 36 and key.isascii() and key.startswith("re1.") for key in keys)


@given(st.lists(st.tuples(st.lists(st.sampled_from("abc"), max_size=3), st.booleans()), max_size=6))
def test_numbers_of_firings_go_on_from_what_is_on_disk_whatever_came_to_nothing(
    transactions: list[tuple[list[str], bool]],
) -> None:
    with TemporaryDirectory() as folder:
        writer = journal(Path(folder))
        on_disk = {"a": 0, "b": 0, "c": 0}
        for rules, is_undone in transactions:
            written = dict(on_disk)
            with nullcontext() if not is_undone else pytest.raises(ZeroDivisionError), writer.transaction():
                for rule in rules:
                    written[rule] += 1
                    assert writer.record([decision(rule=rule)], {})[0].seq == written[rule]
                assert not is_undone or 1 / 0
            on_disk = on_disk if is_undone else written
            assert {rule: writer.firings.next_seq(rule) - 1 for rule in on_disk} == on_disk
        writer.close()


def test_keys_differ_between_starts_even_where_numbers_repeat(tmp_path: Path) -> None:
    first = journal(tmp_path)
    saved = (tmp_path / "journal.db").read_bytes()
    [one] = first.record([decision()], {})
    first.close()
    for left in tmp_path.glob("journal.db*"):
        left.unlink()
    (tmp_path / "journal.db").write_bytes(saved)
    second = journal(tmp_path)
    [again] = second.record([decision()], {})
    assert one.seq == again.seq
    assert one.keys != again.keys


def test_what_was_held_back_is_recorded_with_its_reason_and_sends_nothing(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    held = HeldBack(firing(), Reason.COOLING_DOWN, "until 10:42")
    writer.record([Decision(held, notices=(notice("held"),))], {})
    [fire] = writer.ledger.fires()
    assert (fire.fate, fire.reason, fire.detail) == ("held back", Reason.COOLING_DOWN, "until 10:42")
    assert writer.intents.open() == []


def test_dry_never_uses_up_paper_nor_one_account_another(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    writer.save_lives({"r": Life(done=True)})
    writer.enter(Mode.PAPER, "DU1")
    assert writer.lives() == {}
    writer.save_lives({"r": Life(seq=1)})
    writer.enter(Mode.PAPER, "DU2")
    assert writer.lives() == {}
    writer.enter(Mode.PAPER, "DU1")
    assert writer.lives() == {"r": Life(seq=1)}
    writer.enter(Mode.DRY, "")
    assert writer.lives() == {"r": Life(done=True)}


def test_the_same_event_is_told_once_to_each_channel(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    assert writer.tell(notice(channels=("phone", "desk", "phone")))
    assert not writer.tell(notice(channels=("phone", "desk")))
    assert [len(writer.outbox.waiting(channel, 9)) for channel in ("phone", "desk")] == [1, 1]


def test_the_outbox_keeps_a_message_until_it_is_sent_or_dead(tmp_path: Path) -> None:
    before = journal(tmp_path)
    for number in range(3):
        before.tell(notice(f"news {number}", f"n{number}"))
    first, second, third = before.outbox.waiting("phone", 9)
    before.outbox.sending(first.id)
    before.outbox.sent(first.id)
    before.outbox.sending(second.id)
    before.outbox.retry(second.id, NOW_S + 5, "429")
    before.outbox.sending(third.id)
    before.close()
    after = journal(tmp_path)
    assert [(one.text, one.attempts, one.error) for one in after.outbox.waiting("phone", 9)] == [
        ("news 1", 1, "429"),
        ("news 2", 1, ""),
    ]
    after.outbox.give_up(second.id, "400")
    assert [one.text for one in after.outbox.waiting("phone", 9)] == ["news 2"]


def test_file_and_folder_are_ours_alone(tmp_path: Path) -> None:
    writer = Journal(tmp_path / "var" / "journal.db", SteppedClock(NOW_S))
    writer.save_lives({"r": Life()})
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / "var").iterdir())
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_commits_are_written_ahead_and_forced_to_disk(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    settings = [writer._database.row(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert [row[0] for row in settings if row] == ["wal", 2, 1]


def test_a_second_engine_on_the_same_journal_does_not_start(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    program = (
        "import sys; from pathlib import Path\n"
        "from rules_engine.execution.database import JournalLocked\n"
        "from rules_engine.execution.journal import Journal\n"
        "from rules_engine.model.clock import SystemClock\n"
        "try:\n    Journal(Path(sys.argv[1]), SystemClock())\n"
        "except JournalLocked:\n    sys.exit(7)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "journal.db")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    codes = []
    for holds in (True, False):
        if not holds:
            writer.close()
        ended = subprocess.run(arguments, env=environment, timeout=120, check=False, capture_output=True, text=True)
        codes.append((ended.returncode, ended.stderr))
    assert codes == [(7, ""), (0, "")]


def test_an_attempt_to_write_a_journal_in_use_leaves_the_locks_of_who_uses_it(tmp_path: Path) -> None:
    """Without them the next program that closes the file takes itself for the last one, and removes the log."""
    writer = journal(tmp_path)
    writer.put("status", "running")
    with pytest.raises(JournalLocked):
        journal(tmp_path)
    program = "import sqlite3, sys; file = sqlite3.connect(sys.argv[1]); file.execute('SELECT * FROM kv'); file.close()"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "journal.db")], timeout=120, check=True)
    assert (tmp_path / "journal.db-wal").exists()
    writer.close()


def test_reading_needs_no_lock_beside_the_engine_and_after_it(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    writer.record([decision()], {})
    writer.put("status", "running")
    for _ in range(2):
        with open_ledger(tmp_path / "journal.db") as reader:
            assert [fire.fate for fire in reader.fires()] == ["dry"]
            assert [row.intent.state for row in reader.orders()] == [IntentState.DRY]
            assert reader.remembered("status") == "running"
        writer.close()


def test_reading_where_nothing_ever_ran_says_so(tmp_path: Path) -> None:
    expected = pytest.raises(JournalFailed, match="cannot read the journal")
    with expected, open_ledger(tmp_path / "journal.db") as reader:
        reader.fires()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(JournalFailed):
        journal(tmp_path)


def test_a_journal_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    journal(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(JournalFailed, match="version 99"):
        journal(tmp_path)


def test_a_full_disk_fails_the_commit_and_nothing_is_half_written(tmp_path: Path) -> None:
    writer = journal(tmp_path)
    pages = writer._database.row("PRAGMA page_count")
    assert pages is not None
    writer._database.execute(f"PRAGMA max_page_count={pages[0]}")
    with pytest.raises(JournalFailed, match="full"):
        writer.record([replace(decision(), notices=(notice("x" * 100_000),))], {"r": Life(seq=1)})
    assert (writer.lives(), writer.ledger.fires()) == ({}, [])


def test_cancellations_mark_what_is_open_by_rule_or_instrument_and_not_the_new_orders(bench: Bench) -> None:
    old = bench.record(decision(rule="a"))
    other = bench.record(decision(draft(instrument=V), rule="b"))
    new = bench.record(replace(decision(rule="b"), cancels=(CancelOrders(rule="a"),)))
    assert [bench.intent(key).cancel_wanted for key in (old, other, new)] == [True, False, False]
    bench.journal.want_cancelled(CancelOrders(instrument=V))
    assert [bench.intent(key).cancel_wanted for key in (old, other, new)] == [True, True, False]


def test_what_is_asked_at_every_firing_reads_nothing_that_is_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", SteppedClock(100.0))
    connection, asked = journal.intents._database._connection, []
    connection.set_trace_callback(asked.append)
    journal.intents.waiting()
    journal.intents.next_unit()
    journal.intents.open()
    journal.intents.at_broker()
    journal.intents.digests()
    journal.intents.shift_expiry(1.0)
    connection.set_trace_callback(None)
    asked = [statement for statement in asked if "intent" in statement]
    plans = [connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchone()["detail"] for statement in asked]
    assert len(plans) == 5 and all("INDEX intent_open" in plan for plan in plans), plans
    journal.close()
