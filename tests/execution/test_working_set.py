"""The intents in memory are those on disk, whatever is written, taken back, or written anew."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from pytest import MonkeyPatch, raises

from rules_engine.execution.intents import Intents
from rules_engine.model.action import CancelOrders
from rules_engine.model.intent import Intent, IntentState
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, decision

STATES = tuple(state for state in IntentState if state is not IntentState.DRY)
RULES = ("r0", "r1", "r2")
DAY_S = 86_400.0
ASKED = ("cancel a rule", "cancel an instrument", "cancel the unsent", "clock")
STEPS = ("record", "record sending", "change", "send", "send of other days", "enlarge", "refit", *ASKED)
Step = tuple[str, int, IntentState]


class Undone(Exception):
    """What the disk, or we, say in the middle of a transaction."""


def do(bench: Bench, step: Step) -> None:
    """One thing that writes intents."""
    what, number, state = step
    journal = bench.journal
    rows = sorted(journal.ledger.orders(), key=lambda row: row.intent.key)
    chosen = rows[number % len(rows)].intent if rows else None
    match what:
        case "record":
            bench.record(decision(rule=RULES[number % 3]))
        case "record sending":
            made = decision(rule=RULES[number % 3])
            journal.record([made], {}, lambda unit: journal.numbered(unit, [number], "mark"))
        case "cancel a rule":
            journal.want_cancelled(CancelOrders(rule=RULES[number % 3]))
        case "cancel an instrument" if chosen:
            journal.want_cancelled(CancelOrders(instrument=chosen.draft.instrument))
        case "cancel the unsent":
            journal.want_unsent_cancelled(journal.intents.open_of(RULES[number % 3]) if number % 2 else None)
        case "clock":
            journal.intents.shift_expiry(number)
        case "change" if chosen:
            journal.change(replace(chosen, state=state, filled=Decimal(number)), "report")
        case "send" if chosen:
            journal.change(replace(chosen, state=IntentState.SENDING, sent_s=NOW_S + number), "sending")
        case "send of other days" if chosen:
            journal.change(replace(chosen, state=IntentState.SENDING, sent_s=NOW_S + (number - 6) * DAY_S), "sending")
        case "refit" if chosen and chosen.state is IntentState.INTENT and chosen.enlarged_to is None:
            journal.refit([chosen], [replace(chosen.draft, quantity=Decimal(1 + number))])
        case "enlarge" if chosen:
            journal.change(replace(chosen, enlarged_to=chosen.draft.quantity + 1 + number), "report")


def by_key(intents: Iterator[Intent] | list[Intent]) -> list[Intent]:
    return sorted(intents, key=lambda one: one.key)


def agree(intents: Intents, since_s: float) -> None:
    """Memory and disk say the same."""
    on_disk = list(intents.read_open())
    assert list(intents.open()) == on_disk
    assert [intents.get(one.key) for one in on_disk] == on_disk
    assert list(intents.at_broker()) == [one for one in on_disk if one.state.may_be_at_broker]
    for rule in RULES:
        assert list(intents.open_of(rule)) == [one for one in on_disk if one.rule == rule]
    assert list(intents.unsent()) == [one for one in on_disk if one.state is IntentState.INTENT]
    sent = by_key(list(intents.read_sent_since(since_s)))
    assert by_key(list(intents.sent_since(since_s))) == sent
    for rule in ("", *RULES):
        times = [one.sent_s for one in sent if one.sent_s is not None and rule in ("", one.rule)]
        assert list(intents.times_sent(since_s, rule)) == sorted(times)


steps = st.tuples(st.sampled_from(STEPS), st.integers(0, 11), st.sampled_from(STATES))


@given(st.lists(st.tuples(st.lists(steps, max_size=4), st.booleans(), st.booleans()), max_size=8), st.integers(-3, 9))
def test_memory_and_disk_agree_whatever_is_written_and_whatever_comes_to_nothing(
    transactions: list[tuple[list[Step], bool, bool]], since_s: int
) -> None:
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number, (done, is_undone, is_looked_at) in enumerate(transactions):
            if is_looked_at:
                agree(bench.journal.intents, NOW_S + since_s + number % 3)
                agree(bench.journal.intents, NOW_S + since_s * DAY_S)
            if not is_undone:
                with bench.journal.transaction():
                    for step in done:
                        do(bench, step)
                continue
            with raises(Undone), bench.journal.transaction():
                for step in done:
                    do(bench, step)
                agree(bench.journal.intents, NOW_S + since_s)
                raise Undone
        agree(bench.journal.intents, NOW_S + since_s)
        bench.kill()


def test_an_order_that_rises_again_is_in_its_old_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first, second = bench.record(), bench.record()
    for state in (IntentState.CANCELLED, IntentState.WORKING):
        before = bench.intent(first)
        assert bench.journal.intents.open()
        bench.journal.change(replace(before, state=state), "report")
    assert [one.key for one in bench.journal.intents.open()] == [first, second]
    bench.kill()


def test_what_was_sent_today_is_taken_in_in_slices_and_not_read_again(monkeypatch: MonkeyPatch) -> None:
    since_s = NOW_S - 60
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for what in ("record", "send"):
            for number in range(90):
                do(bench, (what, number, IntentState.INTENT))
        intents = bench.journal.intents
        intents._working_set.forget()
        assert len(list(intents.reading_sent(since_s))) > 3
        monkeypatch.setattr(intents._working_set, "_read_sent", None)
        agree(intents, since_s)
        agree(intents, NOW_S + 45)
        do(bench, ("send", 7, IntentState.SENDING))
        do(bench, ("record", 1, IntentState.INTENT))
        agree(intents, since_s)
