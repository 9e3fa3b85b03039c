"""Very many orders that one firing cancels: which ones is decided at once, and they are marked some at a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.execution import mass_cancels
from rules_engine.execution.database import Database
from rules_engine.execution.mass_cancels import MARKED_AT_ONCE
from rules_engine.execution.wishes import Wishes
from rules_engine.model.action import CancelOrders, Side
from rules_engine.model.intent import IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from tests.execution.bench import SETTINGS, Bench, limits
from tests.execution.doubles import MA, FakeLink, Killed, Placed, V, decision, draft, killed_at

State = IntentState
IN_MA = CancelOrders(instrument=MA)
CLOSE = draft(side=Side.SELL, closes=True)
STOP = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(380))
ELSEWHERE = draft(instrument=V, kind=OrderKind.LIMIT, limit=Decimal(195))
FEW = 3
"""Marked at once where a test says so."""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mass_cancels, "MARKED_AT_ONCE", FEW)


def low(number: int, **changes: object) -> OrderDraft:
    """Far from the market, and another order than those of other numbers."""
    return draft(kind=OrderKind.LIMIT, limit=Decimal(390), quantity=Decimal(1 + number), **changes)


async def resting(bench: Bench, count: int) -> tuple[FakeLink, list[str]]:
    """So many orders in one instrument wait at IB."""
    link = bench.accepting(await bench.connect())
    keys = [bench.record(decision(low(number), rule="a")) for number in range(count)]
    await bench.desk.dispatch()
    return link, keys


def fire(bench: Bench, *legs: OrderDraft, rule: str = "c", within_s: float = 900.0) -> str:
    """A firing that cancels what is open in the instrument, as the engine commits it; the key of its first order."""
    asked = decision(*legs, rule=rule, expires_s=bench.clock.now_s() + within_s)
    asked = replace(asked, unit=legs, cancels=(IN_MA,))
    [recorded] = bench.journal.record([asked], {}, lambda unit: bench.desk.join(unit, checked=True))
    bench.desk.depart(recorded.unit, cancels=True)
    return recorded.keys[0] if legs else ""


def marked(bench: Bench, keys: Sequence[str]) -> list[str]:
    return [key for key in keys if bench.intent(key).cancel_wanted]


def marks(bench: Bench) -> Counter[str]:
    """How often each order was marked."""
    rows = bench.journal._database.rows("SELECT key FROM event WHERE kind = 'cancel wanted'")
    return Counter(row["key"] for row in rows)


async def test_no_commit_marks_more_than_some_of_very_many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    link, keys = await resting(bench, 4 * MARKED_AT_ONCE + 7)
    link.on_cancel = lambda order_id: None
    in_commits, execute = [0], Database.execute

    def counting(database: Database, statement: str, *values: object) -> object:
        done = execute(database, statement, *values)  # type: ignore[arg-type]  # Whatever it was called with.
        if statement == "COMMIT" and (more := len(marked(bench, keys)) - sum(in_commits)):
            in_commits.append(more)
        return done

    monkeypatch.setattr(Database, "execute", counting)
    fire(bench)
    assert len(marked(bench, keys)) < len(keys)
    await bench.desk.dispatch()
    assert in_commits == [0, *[MARKED_AT_ONCE] * 4, 7]
    assert len(bench.ib.cancels) == len(set(bench.ib.cancels)) == len(keys)
    assert set(marks(bench).values()) == {1}


async def test_what_is_not_very_many_is_marked_in_the_firing_s_own_commit_and_leaves_at_once(bench: Bench) -> None:
    _, keys = await resting(bench, MARKED_AT_ONCE)
    commits = bench.journal._database._gathered
    fire(bench)
    assert marked(bench, keys) == keys
    assert bench.ib.cancels == [bench.intent(key).order_id for key in keys]
    assert bench.journal._database._gathered - commits == 2, "the firing, and that its cancellations leave"
    assert not bench.journal.mass_cancels.is_left


async def test_more_are_marked_as_ib_answers(bench: Bench, few: None) -> None:
    _, keys = await resting(bench, 4 * FEW)
    fire(bench)
    for key in keys[:2]:
        before = marked(bench, keys)
        bench.desk.on_report(bench.ib.end(key))
        assert len(marked(bench, keys)) == len(before) + FEW
    assert marked(bench, keys) == keys


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_is_recorded_after_the_firing_is_not_meant_nor_what_it_orders_itself(
    bench: Bench, few: None, restarts: bool
) -> None:
    _, keys = await resting(bench, 4 * FEW)
    bench.desk.detach()
    own = fire(bench, low(50))
    later = bench.record(decision(low(60), rule="a"))
    elsewhere = bench.record(decision(ELSEWHERE, rule="v"))
    assert len(marked(bench, keys)) < len(keys)
    if restarts:
        bench.restart()
    await bench.desk.dispatch()
    assert marked(bench, [*keys, own, later, elsewhere]) == keys
    assert not bench.journal.mass_cancels.is_left


async def test_what_ends_before_its_turn_is_not_asked_for(bench: Bench, few: None) -> None:
    _, keys = await resting(bench, 4 * FEW)
    fire(bench)
    filled, cancelled = keys[-1], keys[-2]
    bench.desk._cancels_on = False  # Reports alone would have more marked.
    bench.desk.on_report(bench.ib.fill(filled, str(bench.intent(filled).quantity), "390"))
    bench.desk.on_report(bench.ib.end(cancelled))
    await bench.desk.dispatch()
    assert marked(bench, keys) == keys[:-2]
    assert bench.ib.cancels == [bench.intent(key).order_id for key in keys[:-2]]


@pytest.mark.parametrize("commits", range(7))
async def test_a_kill_at_any_commit_leaves_the_rest_to_the_next_start_and_marks_none_twice(
    bench: Bench, few: None, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    _, keys = await resting(bench, 4 * FEW)
    bench.desk.detach()
    with killed_at(monkeypatch, commits), pytest.raises(Killed):
        fire(bench)
        await bench.desk.dispatch()
        raise Killed
    assert len(marked(bench, keys)) == min(commits * FEW, len(keys))
    bench.restart()
    later = bench.record(decision(low(60), rule="a"))
    await bench.desk.dispatch()
    assert marked(bench, [*keys, later]) == (keys if commits else [])
    assert set(marks(bench).values()) <= {1}
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert sorted(bench.ib.cancels) == [bench.intent(key).order_id for key in keys if commits]


async def test_an_entry_is_never_marked_without_its_exits(bench: Bench, few: None) -> None:
    bench.accepting(await bench.connect())
    exits = [replace(STOP, parent=0), replace(STOP, kind=OrderKind.LIMIT, limit=Decimal(410), stop=None, parent=0)]
    for number in range(4):
        bench.record(decision(low(number), *exits, low(20 + number), rule="a"))
    await bench.desk.dispatch()
    bench.desk.detach()
    fire(bench)
    found = [[leg.cancel_wanted for leg in bench.journal.intents.unit("a", seq)] for seq in range(1, 5)]
    assert found == [[True] * 4, [True] * 4, [False] * 4, [False] * 4]


async def test_what_is_about_to_leave_as_they_are_cancelled_waits_until_all_are_marked(bench: Bench, few: None) -> None:
    """In the same instrument it is meant too."""
    link, keys = await resting(bench, 4 * FEW)
    other, meant = bench.record(decision(ELSEWHERE, rule="v")), bench.record(decision(low(60), rule="b"))
    left_with = list[int]()
    link.before_place = lambda placed: left_with.append(len(marked(bench, keys)))

    async def probe(deadline_s: float = 1.0) -> None:
        if not bench.journal.firings.next_seq("c") > 1:
            bench.journal.record([replace(decision(rule="c"), unit=(), cancels=(IN_MA,))], {})

    link.probe = probe  # type: ignore[method-assign]  # The firing comes while IB is being asked.
    await bench.desk.dispatch()
    assert (left_with, marked(bench, keys)) == ([len(keys)], keys)
    assert (bench.state(meant), bench.state(other)) == (State.CANCELLED, State.WORKING)


async def test_a_close_that_ends_as_others_leave_lets_all_of_its_stops_stay(bench: Bench, few: None) -> None:
    bench.market.positions["MA"] = Decimal(1000)
    link = bench.accepting(await bench.connect())
    stops = [bench.record(decision(replace(STOP, quantity=Decimal(1 + one)), rule="a")) for one in range(4 * FEW)]
    await bench.desk.dispatch()
    takes_in = link.on_place

    def place(placed: Placed) -> None:
        bench.journal.record([replace(decision(CLOSE, rule="c"), cancels=(IN_MA,))], {})
        bench.stopped = True
        takes_in(placed)

    link.on_place = place
    bench.record(decision(ELSEWHERE, rule="v"))
    await bench.desk.dispatch()
    assert [leg.state for leg in bench.journal.intents.unit("c", 1)] == [State.BLOCKED]
    assert (marked(bench, stops), bench.ib.cancels) == ([], [])
    assert bench.journal.own_among("cancel for") == {}


async def test_the_firing_s_own_order_leaves_when_all_are_gone_and_not_with_its_commit(bench: Bench, few: None) -> None:
    link, keys = await resting(bench, 4 * FEW)
    link.proven = True
    own = fire(bench, low(60))
    assert bench.state(own) is State.INTENT
    for key in marked(bench, keys):
        bench.desk.on_report(bench.ib.end(key))
        await bench.desk.dispatch()
        if not all(bench.state(one).is_over for one in keys):
            assert bench.state(own) is State.INTENT
    for key in keys:
        if not bench.state(key).is_over:
            bench.desk.on_report(bench.ib.end(key))
    await bench.desk.dispatch()
    assert bench.state(own) is State.WORKING


@pytest.mark.parametrize("cancels", [False, True])
async def test_what_never_arrived_and_is_to_be_marked_is_not_sent_once_more(
    tmp_path: Path, few: None, cancels: bool
) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, resend_within_s=60))
    await resting(bench, 4 * FEW)
    link = await bench.connect()
    lost = bench.record(decision(low(60), rule="b"))

    def cut(placed: Placed) -> None:
        bench.ib.next_id = placed.order_id
        bench.desk.detach()

    link.on_place = cut
    await bench.desk.dispatch()
    again = bench.accepting(await bench.connect())

    async def probe(deadline_s: float = 1.0) -> None:
        if cancels:
            bench.journal.want_cancelled(IN_MA)

    again.probe = probe  # type: ignore[method-assign]  # The firing comes as it is about to leave.
    await bench.later(15)
    assert sum(one.key == lost for one in bench.ib.wire) == (1 if cancels else 2)


async def test_nothing_joins_a_firing_s_commit_while_some_are_left(bench: Bench, few: None) -> None:
    link, keys = await resting(bench, 4 * FEW)
    link.proven = True
    fire(bench)
    bench.desk._cancels_on = False
    for key in marked(bench, keys):
        bench.desk.on_report(bench.ib.end(key))
    asked = decision(ELSEWHERE, rule="v")
    [recorded] = bench.journal.record([asked], {}, lambda unit: bench.desk.join(unit, checked=True))
    assert [leg.state for leg in recorded.unit] == [State.INTENT]
    await bench.desk.dispatch()
    assert bench.state(recorded.keys[0]) is State.WORKING


async def test_what_is_still_to_be_marked_makes_room_for_another_order(tmp_path: Path, few: None) -> None:
    bench = Bench(tmp_path, limits(max_active_orders_per_side=4 * FEW))
    _, keys = await resting(bench, 4 * FEW)
    gate = bench.desk._preflight._gate
    as_many = tuple(low(60 + number) for number in range(4 * FEW))
    assert gate.check(as_many, bench.desk.book()) is not None
    fire(bench)
    assert len(marked(bench, keys)) < len(keys)
    assert gate.check(as_many, bench.desk.book()) is None


@pytest.mark.parametrize("restarts", [False, True])
async def test_stops_that_were_to_make_room_for_a_close_stay_where_it_never_leaves(
    bench: Bench, few: None, restarts: bool
) -> None:
    bench.market.positions["MA"] = Decimal(1000)
    bench.accepting(await bench.connect())
    stops = [bench.record(decision(replace(STOP, quantity=Decimal(1 + one)), rule="a")) for one in range(4 * FEW)]
    entries = [bench.record(decision(low(number), rule="a")) for number in range(4 * FEW)]
    await bench.desk.dispatch()
    bench.desk.detach()
    close = fire(bench, CLOSE, within_s=60)
    assert 0 < len(marked(bench, stops)) < len(stops)
    if restarts:
        bench.restart()
    await bench.later(61)
    assert bench.state(close) is State.EXPIRED
    assert (marked(bench, stops), marked(bench, entries)) == ([], entries)
    assert bench.journal.own_among("cancel for") == {}
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert sorted(bench.ib.cancels) == [bench.intent(key).order_id for key in entries]


async def test_a_commit_that_comes_to_nothing_leaves_nothing_to_be_marked(
    bench: Bench, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, keys = await resting(bench, 4 * FEW)
    with pytest.raises(Killed), bench.journal.transaction():
        bench.journal.want_cancelled(IN_MA)
        assert bench.journal.mass_cancels.is_left and marked(bench, keys) == keys[:FEW]
        raise Killed
    assert not bench.journal.mass_cancels.is_left and marked(bench, keys) == []
    bench.journal.want_cancelled(IN_MA)
    with pytest.raises(Killed), bench.journal.transaction():
        bench.journal.mass_cancels.go_on()
        raise Killed
    await bench.desk.dispatch()
    assert marked(bench, keys) == keys


WHAT = ("order", "order elsewhere", "cancel", "cancel for a close", "cancel a rule", "slice", "slice", "end", "restart")
Step = tuple[str, int]


def placed(bench: Bench, leg: OrderDraft, rule: str) -> str:
    key = bench.record(decision(leg, rule=rule))
    bench.journal.change(replace(bench.intent(key), state=State.WORKING), "report")
    return key


def do(bench: Bench, step: Step, number: int, keys: list[str]) -> None:
    what, choice = step
    match what:
        case "order":
            keys.append(placed(bench, low(number), f"r{choice % 3}"))
        case "order elsewhere":
            keys.append(placed(bench, low(number, instrument=V), f"r{choice % 3}"))
        case "cancel":
            bench.journal.want_cancelled(IN_MA)
        case "cancel for a close":
            bench.journal.want_cancelled(IN_MA, closing=f"firing.{choice}")
        case "cancel a rule":
            bench.journal.want_cancelled(CancelOrders(rule=f"r{choice % 3}"))
        case "slice":
            bench.journal.mass_cancels.go_on()
        case "end" if keys:
            one = bench.intent(keys[choice % len(keys)])
            bench.journal.change(replace(one, state=State.CANCELLED), "report")
        case "restart":
            bench.restart()


def wanted_by(steps: Sequence[Step], at_once: int) -> tuple[object, ...]:
    """What is to be cancelled in the end, and for whom, of what is open; by its number."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(mass_cancels, "MARKED_AT_ONCE", at_once)
        bench, keys = Bench(Path(folder)), list[str]()
        for number in range(6):
            do(bench, ("order", number), number, keys)
        for number, step in enumerate(steps, len(keys)):
            do(bench, step, number, keys)
        while bench.journal.mass_cancels.go_on():
            pass
        wishes: Wishes = bench.journal.wishes
        numbers = {key: number for number, key in enumerate(keys)}
        found = [(numbers[one.key], one.cancel_wanted) for one in bench.journal.intents.open()]
        firings = sorted((firing, numbers[key]) for firing, key in wishes._open() if not bench.state(key).is_over)
        bench.kill()
        return found, firings


@given(st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 30)), max_size=12))
def test_in_slices_the_same_is_wanted_for_the_same_firings_as_at_once(steps: list[Step]) -> None:
    assert wanted_by(steps, 1) == wanted_by(steps, 1000)
