"""Orders that are held for rules which are edited, deleted or paused all at once: taken back in slices, none twice, and
none forgotten by whoever is killed in between."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.callbacks import callbacks_timed
from rules_engine.daemon.control import ask
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.in_force import _digests
from rules_engine.daemon.outdated import Outdated
from rules_engine.language import prepare
from rules_engine.model.clock import SteppedClock, SystemClock
from rules_engine.model.intent import IntentState
from rules_engine.model.reports import FeedUp
from rules_engine.model.slices import Result, Slices, at_once
from tests.daemon.holding_up import each_time, none_is_long
from tests.daemon.placed import HEAD, ON_A_FUTURE, Holding, orders
from tests.execution.doubles import Killed, killed_at

COUNT = 50
"""More than twice what is marked in one commit."""


def edited(holding: Holding) -> None:
    holding.write(COUNT, quantity=2)


def deleted(holding: Holding) -> None:
    holding.write(1)


def wanted(daemon: Daemon) -> set[str]:
    return {rule for rule, order in orders(daemon).items() if order.cancel_wanted}


EVERY = {f"r{number}" for number in range(COUNT)}
FIRST = {"r0"}


@pytest.mark.parametrize("commits", range(5))
@pytest.mark.parametrize("change", [edited, deleted])
async def test_a_kill_at_any_commit_of_a_swap_leaves_no_order_of_older_words_and_takes_none_back_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Holding], None], commits: int
) -> None:
    holding = Holding(tmp_path, SteppedClock(1_900_000_000.0))
    await holding.place(COUNT)
    daemon = holding.daemon()
    await daemon._in_force.resume()
    change(holding)
    with killed_at(monkeypatch, commits), pytest.raises(Killed):
        await daemon._in_force.reload()
        raise Killed
    before = wanted(daemon)
    assert len(before) == min(COUNT - (change is deleted), max(commits - 1, 0) * 20)
    daemon.close()
    again = holding.daemon()
    await again._in_force.resume()
    gone = EVERY if change is edited else EVERY - FIRST
    assert wanted(again) == gone
    remembered = {name: again._evaluator.life(name) for name in again.edition.by_name}
    assert all(life and (life.placed == "") == (name in gone) for name, life in remembered.items())
    rows = again._journal._database.rows("SELECT key FROM event WHERE kind = 'cancel wanted'")
    again.close()
    marked = Counter(row["key"] for row in rows)
    assert len(marked) == len(gone) and set(marked.values()) == {1}


async def test_what_was_edited_and_edited_back_around_a_kill_is_taken_back_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = Holding(tmp_path, SteppedClock(1_900_000_000.0))
    await holding.place(COUNT)
    daemon = holding.daemon()
    await daemon._in_force.resume()
    edited(holding)
    with killed_at(monkeypatch, 2), pytest.raises(Killed):
        await daemon._in_force.reload()
    daemon.close()
    holding.write(COUNT)
    again = holding.daemon()
    await again._in_force.resume()
    assert wanted(again) == EVERY
    again.close()


async def test_a_kill_without_an_edit_leaves_every_order_where_it_is(tmp_path: Path) -> None:
    holding = Holding(tmp_path, SteppedClock(1_900_000_000.0))
    await holding.place(COUNT)
    for _ in range(2):
        daemon = holding.daemon()
        await daemon._in_force.resume()
        assert wanted(daemon) == set() and len(orders(daemon)) == COUNT
        assert all(daemon._evaluator.life(rule).placed == "0" for rule in EVERY)  # type: ignore[union-attr]
        daemon.close()


async def test_what_is_misplaced_is_found_in_slices_and_what_changed_meanwhile_is_looked_at_again(
    tmp_path: Path,
) -> None:
    above = "  - name: r{number}\n    when: S{symbol} > {level}\n    do: buy {quantity} MA\n"
    holding = Holding(tmp_path, SteppedClock(1_900_000_000.0), HEAD, above)
    await holding.place(COUNT)
    daemon = holding.daemon()
    await daemon._in_force.resume()
    force, intents = daemon._in_force, daemon._journal.intents
    steps = {name: Decimal("0.03") for name in ("MA", *(f"S{number}" for number in range(COUNT // 2)))}
    plans = at_once(force._book.replanning(force.edition, steps)).by_name
    moved = {rule for rule, one in orders(daemon).items() if plans[rule].held[0].unit[0] != one.draft}
    assert 10 < len(moved) < COUNT - 10
    misplaced = Outdated(intents, (), plans, steps)
    _, turns = sliced(misplaced.looking())
    assert turns >= COUNT // 10
    moved &= {f"r{number}" for number in range(COUNT // 2)}
    assert misplaced.units() == {rule: {1} for rule in moved} and not misplaced.triggered
    changed = sorted(moved)[:3]
    for rule, state in zip(changed, (IntentState.WORKING, IntentState.FILLED, IntentState.UNKNOWN), strict=True):
        daemon._journal.change(replace(orders(daemon)[rule], state=state), "report")
    assert misplaced.units() == {rule: {1} for rule in moved - {*changed[:2]}} and not misplaced.triggered
    all_of_it = Outdated(intents, EVERY, plans, None)
    at_once(all_of_it.looking())
    assert all_of_it.units() == {rule: {1} for rule in EVERY - {changed[1]}}
    assert all_of_it.triggered == {changed[0]}
    intents.unwanted["r0"] = {7}
    assert {*force._withdrawal.bar(all_of_it)} == EVERY - {changed[1]}
    assert intents.unwanted == {rule: {1, 7} if rule == "r0" else {1} for rule in EVERY - {changed[1]}}
    daemon.close()


async def test_what_is_kept_of_an_edition_is_written_in_slices(tmp_path: Path) -> None:
    holding = Holding(tmp_path, SteppedClock(1_900_000_000.0))
    holding.write(COUNT)
    daemon = holding.daemon()
    kept, turns = sliced(_digests(daemon.edition))
    daemon.close()
    assert turns >= COUNT // 20
    rules = [plan.rule for plan in daemon.edition.plans]
    assert kept == json.dumps({rule.name: [rule.digest, rule.when_digest] for rule in rules})
    assert at_once(_digests(replace(daemon.edition, plans=()))) == "{}"


def sliced(work: Slices[Result]) -> tuple[Result, int]:
    """What came of it, and after how many turns."""
    turns = 0
    while True:
        try:
            next(work)
            turns += 1
        except StopIteration as done:
            result: Result = done.value
            return result, turns


HELD_MAX = 0.03
"""No callback takes a larger share of all the work of the five: 0.05 s on the machine of docs/decisions/0016."""


@each_time
async def test_nothing_holds_the_loop_up_while_a_thousand_held_orders_are_taken_back(tmp_path: Path) -> None:
    prepare()
    taken = dict[str, list[float]]()
    for what in ("edit", "delete", "pause", "stop", "roll"):
        home = tmp_path / what
        home.mkdir()
        holding = Holding(home, SystemClock(), *ON_A_FUTURE if what == "roll" else ())
        await holding.place(1000)
        daemon, stopping = holding.daemon(), asyncio.Event()
        running = asyncio.create_task(daemon.run(stopping))
        while not daemon.is_running or not holding.state.socket.exists():
            await asyncio.sleep(0)
        if what == "edit":
            holding.write(1000, quantity=2)
        if what == "delete":
            holding.write(1)
        if what == "roll":
            daemon.inbox.report(FeedUp(daemon.clock.now_s(), "ES", 11))
        await asyncio.sleep(0)
        with callbacks_timed() as taken[what]:
            if what == "roll":
                daemon.inbox.report(FeedUp(daemon.clock.now_s(), "ES", 22))
                while len(daemon.inbox) or daemon._reactor.is_busy:
                    await asyncio.sleep(0)
            else:
                command = "reload" if what in ("edit", "delete") else what
                await asyncio.to_thread(ask, holding.state.socket, command)
        await asyncio.sleep(0)  # What follows is a callback of its own.
        assert len(wanted(daemon)) == (999 if what == "delete" else 1000)
        stopping.set()
        await running
        daemon.close()
    longest = {what: max(all_s) for what, all_s in taken.items()}
    none_is_long(longest, HELD_MAX, sum(map(sum, taken.values())))


async def test_the_kill_switch_is_heeded_while_the_engine_says_its_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding = Holding(tmp_path, SystemClock())
    await holding.place(3)
    daemon, stopping = holding.daemon(), asyncio.Event()

    async def last_word(engine: Daemon) -> None:
        engine.stop_trading()
        async with asyncio.timeout(30.0):
            while len(wanted(engine)) < 3:
                await asyncio.sleep(0)

    monkeypatch.setattr(Daemon, "_say_goodbye", last_word)
    stopping.set()
    await daemon.run(stopping)
    assert len(wanted(daemon)) == 3
    daemon.close()
