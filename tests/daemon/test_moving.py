"""Price steps with which every order that the broker holds is another one: taken back in slices, none twice, and none
forgotten by whoever is killed in between."""

import asyncio
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.callbacks import callbacks_timed
from rules_engine.daemon import outdated
from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.outdated import Outdated
from rules_engine.language import prepare
from rules_engine.model.clock import SteppedClock, SystemClock
from rules_engine.model.instrument import Field
from rules_engine.model.reports import BrokerStatus, LinkChange
from rules_engine.model.slices import Slices, at_once
from rules_engine.model.tick import Tick
from tests.daemon.holding_up import each_time, none_is_long
from tests.daemon.placed import HEAD, Fate, Holding, fates, hear_of_three, marks, wanted
from tests.execution.doubles import Killed, killed_at

COUNT = 50
"""More than twice what is marked in one commit."""
EVERY = {f"r{number}" for number in range(COUNT)}
ABOVE = "  - name: r{number}\n    when: S{symbol} > {level}\n    do: buy {quantity} MA\n"
INSISTS = (
    "  - name: r{number}\n    when: S{symbol} >= {level}.5 or S{symbol} <= {level}\n"
    "    do: buy {quantity} MA\n    run: at broker\n"
)
"""IB holds it with a step of a half at most."""
Work = tuple[type, str]
LOOKING: Work = (Outdated, "looking")
WITHDRAWING: Work = (InForce, "_withdrawing")
CUTS = [*((LOOKING, slices) for slices in range(8)), *((WITHDRAWING, slices) for slices in range(3))]
News = Callable[["Stage"], Awaitable[object] | None]


class Stage:
    """An engine that hears when it is told to."""

    def __init__(self, home: Path, rule: str = ABOVE) -> None:
        home.mkdir(exist_ok=True)
        self.clock = SteppedClock(1_900_000_000.0)
        self.holding = Holding(home, self.clock, HEAD, rule, channels={"desk": "json://x"})
        self.daemon: Daemon

    async def placed(self) -> "Stage":
        """The broker holds orders for all rules."""
        await self.holding.place(COUNT)
        return await self.begun()

    async def begun(self) -> "Stage":
        """Another engine on the same folder."""
        self.daemon = self.holding.daemon()
        await self.daemon._in_force.resume()
        return self

    async def step_is(self, step: str) -> None:
        """IB tells this one for everything."""
        force = self.daemon._in_force
        await force.replan({one.name: Decimal(step) for one in force.instruments()})


@pytest.mark.parametrize("commits", range(5))
async def test_a_kill_at_any_commit_leaves_no_order_of_the_old_step_and_takes_none_back_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    stage = await Stage(tmp_path).placed()
    with killed_at(monkeypatch, commits), pytest.raises(Killed):
        await stage.step_is("0.05")
        raise Killed
    assert len(wanted(stage.daemon)) == min(COUNT, max(commits - 1, 0) * 20)
    stage.daemon.close()
    again = (await stage.begun()).daemon
    assert wanted(again) == (EVERY if commits else set())
    await stage.step_is("0.05")
    assert wanted(again) == EVERY
    assert all((life := again._evaluator.life(rule)) and life.placed == "" and not life.broken for rule in EVERY)
    assert len(marks(again)) == COUNT and set(marks(again).values()) == {1}
    again.close()


@pytest.mark.parametrize("commits", range(8))
async def test_what_the_broker_cannot_hold_is_told_once_of_each_rule_whenever_the_engine_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    stage = Stage(tmp_path, INSISTS)
    stage.holding.write(COUNT)
    await stage.begun()
    with killed_at(monkeypatch, commits), pytest.raises(Killed):
        await stage.step_is("1")
        raise Killed
    # The swap is one commit, and the memories of rules that are watched anew are three.
    assert len(told_not_held(stage.daemon)) == sorted((0, 20 * (commits - 4), COUNT))[1]
    stage.daemon.close()
    again = (await stage.begun()).daemon
    assert told_not_held(again) == dict.fromkeys(EVERY if commits else (), 1)
    again.close()


def told_not_held(daemon: Daemon) -> Counter[str]:
    """How often it was told of each rule that it runs here."""
    return Counter(one.rule for one in daemon._journal.outbox.waiting("desk", 1000) if "cannot hold it" in one.text)


async def test_what_other_steps_take_out_of_force_needs_no_collector_to_be_let_go(tmp_path: Path) -> None:
    """What is there after that is never looked through again, so a circle in it would stay for good."""
    stage = Stage(tmp_path, INSISTS)
    stage.holding.write(COUNT)
    evaluator = (await stage.begun()).daemon._evaluator
    before = [weakref.ref(run) for run in evaluator._runs.values()]
    await stage.step_is("1")
    assert [run() for run in before] == [None] * COUNT
    stage.daemon.close()


def edited(stage: Stage) -> Awaitable[object]:
    stage.holding.write(COUNT, quantity=2)
    return asyncio.ensure_future(stage.daemon._in_force.reload())


def deleted(stage: Stage) -> Awaitable[object]:
    stage.holding.write(1)
    return asyncio.ensure_future(stage.daemon._in_force.reload())


def other_steps(stage: Stage) -> Awaitable[object]:
    return asyncio.ensure_future(stage.step_is("0.2"))


def paused(stage: Stage) -> None:
    at_once(stage.daemon._in_force.pausing(sorted(EVERY)))


def stopped(stage: Stage) -> None:
    stage.daemon._desk.stop_trading()


def link_lost(stage: Stage) -> None:
    stage.daemon.inbox.report(LinkChange(stage.clock.now_s(), "down", text="away"))
    stage.daemon._step()


def price_fell(stage: Stage) -> None:
    """To the side on which some may place their orders."""
    stage.clock.time_s += 1
    for rule in (5, 25, 45):
        stage.daemon.inbox.tick(Tick(f"S{rule}", stage.clock.now_s(), Field.LAST, 100.0))
    stage.daemon._step()


def says(status: BrokerStatus, filled: int = 0) -> News:
    def tell(stage: Stage) -> None:
        hear_of_three(stage.daemon, status, filled)

    return tell


NEWS: dict[str, News] = {
    "all are edited": edited,
    "all but one are deleted": deleted,
    "all are paused": paused,
    "the kill switch is pulled": stopped,
    "IB tells other steps again": other_steps,
    "the link is lost": link_lost,
    "some prices fall": price_fell,
    "IB triggers some": says(BrokerStatus.WORKING),
    "IB fills some": says(BrokerStatus.FILLED, 1),
    "some are cancelled in TWS": says(BrokerStatus.CANCELLED),
}


@pytest.mark.parametrize("what", NEWS)
async def test_whatever_happens_between_two_slices_ends_as_if_it_came_before_or_after_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(outdated, "_SORTED_AT_ONCE", 20)

    async def ends(where: str, cut: tuple[Work, int] | None, *, first: bool = False) -> dict[str, Fate]:
        """The news come there; None: before the steps or after them."""
        stage, news = await Stage(tmp_path / where).placed(), list[Awaitable[object] | None]()
        if first:
            news.append(NEWS[what](stage))
            await all_of(news)
        with monkeypatch.context() as patch:
            if cut is not None:
                interrupt(patch, cut, lambda: news.append(NEWS[what](stage)))
            await stage.step_is("0.05")
        if cut is None and not first:
            news.append(NEWS[what](stage))
        assert len(news) == 1, "each cut is one"
        await all_of(news)
        stage.daemon._step()
        found = fates(stage.daemon, EVERY)
        stage.daemon.close()
        return found

    before, after = await ends("before", None, first=True), await ends("after", None)
    assert any(leg != (None, False) for leg in after.values())
    for number, cut in enumerate(CUTS):
        found = await ends(f"cut {number}", cut)
        odd = {rule: fate for rule, fate in found.items() if fate not in (before[rule], after[rule])}
        assert not odd, f"{cut}: {odd}"


async def all_of(news: list[Awaitable[object] | None]) -> None:
    for one in news:
        if one is not None:
            await one


def interrupt(patch: pytest.MonkeyPatch, cut: tuple[Work, int], happens: Callable[[], object]) -> None:
    """Once, after so many slices of that work."""
    (owner, name), slices = cut
    work, left = getattr(owner, name), [True]

    def interrupted(*given: object) -> Slices[object]:
        doing, number = work(*given), 0
        while True:
            if number == slices and left:
                left.clear()
                happens()
            try:
                next(doing)
            except StopIteration as done:
                return done.value
            number += 1
            yield

    patch.setattr(owner, name, interrupted)


MOVED_MAX = 0.06
"""No callback takes a larger share of all the work, which is less than that of the five of `test_withdrawal`."""


@each_time
async def test_nothing_holds_the_loop_up_while_a_thousand_held_orders_move(tmp_path: Path) -> None:
    prepare()
    holding = Holding(tmp_path, SystemClock(), HEAD, ABOVE)
    await holding.place(1000)
    daemon, stopping = holding.daemon(), asyncio.Event()
    running = asyncio.create_task(daemon.run(stopping))
    while not daemon.is_running or "yet" in daemon._incidents.link.text:
        await asyncio.sleep(0)
    force = daemon._in_force
    steps = {one.name: Decimal("0.05") for one in force.instruments()}
    with callbacks_timed() as taken:
        await asyncio.create_task(force.replan(steps))
    await asyncio.sleep(0)  # What follows is a callback of its own.
    assert len(wanted(daemon)) == 1000
    stopping.set()
    await running
    daemon.close()
    none_is_long({"all of it": max(taken)}, MOVED_MAX, sum(taken))
