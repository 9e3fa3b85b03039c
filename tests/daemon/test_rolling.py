"""A future that rolls while the broker holds orders for many rules that wait for it: they leave the old contract in
slices, none twice, and none forgotten by whoever is killed in between."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.rolled import Rolled
from rules_engine.daemon.rolls import Rolls
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import BrokerStatus, FeedDown, FeedUp, LinkChange
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from tests.daemon.placed import ON_A_FUTURE, Fate, Holding, fates, hear_of_three, marks, wanted
from tests.execution.doubles import FakeIB, FakeLink, Killed, decision, draft, killed_at

COUNT = 50
"""More than twice what is marked in one commit."""
SLICES = 3
OLD, NEW, NEWER = 11, 22, 33
EVERY = {f"r{number}" for number in range(COUNT)}
ES = Instrument("ES", Kind.FUTURE, "ES", "CME", expiry="front")


HERE = "  - {name: here, when: ES crosses above 5000, do: buy 1 ES, run: here}\n"


News = Callable[["Stage", Daemon], Awaitable[None]]


class Slices:
    """So many of a roll's slices may still be made."""

    def __init__(self) -> None:
        self.left = SLICES


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> Slices:
    found, begin_anew, is_left = Slices(), InForce.begin_anew, vars(Rolls)["is_left"].fget

    def beginning_anew(in_force: InForce, rules: Collection[str]) -> None:
        found.left -= 1
        begin_anew(in_force, rules)

    monkeypatch.setattr(InForce, "begin_anew", beginning_anew)
    monkeypatch.setattr(Rolls, "is_left", property(lambda rolls: found.left > 0 and is_left(rolls)))
    return found


class Stage:
    """An engine that hears when it is told to."""

    def __init__(self, home: Path, slices: Slices) -> None:
        home.mkdir(exist_ok=True)
        self.slices = slices
        self.clock = SteppedClock(1_900_000_000.0)
        self.holding = Holding(home, self.clock, *ON_A_FUTURE, channels={"desk": "json://x"})

    async def begun(self) -> Daemon:
        """Another engine on the same folder."""
        daemon = self.holding.daemon()
        await daemon._in_force.resume()
        return daemon

    async def placed(self) -> tuple[Daemon, str]:
        """The broker holds orders for all rules but one, of which one in the old contract is still to be sent."""
        await self.holding.place(COUNT)
        self.holding.add(HERE)
        daemon = await self.begun()
        self.means(daemon, OLD)
        firing = replace(decision(draft(instrument=ES), rule="here"), digest=daemon.edition.by_name["here"].rule.digest)
        [recorded] = daemon._journal.record([firing], {})
        return daemon, recorded.keys[0]

    def means(self, daemon: Daemon, contract_id: int) -> None:
        """The feed is lost and comes again, with the prices of this contract."""
        daemon.inbox.report(FeedDown(self.clock.now_s(), "ES"))
        self.clock.time_s += 1
        daemon.inbox.report(FeedUp(self.clock.now_s(), "ES", contract_id))
        daemon._step()


@pytest.fixture
def stage(tmp_path: Path, slices: Slices) -> Stage:
    return Stage(tmp_path, slices)


def told(daemon: Daemon) -> int:
    """How often a roll was told."""
    waiting = daemon._journal.outbox.waiting("desk", 100)
    return sum(one.kind is NoticeKind.CONTRACT_CHANGED for one in waiting)


async def after_sending(daemon: Daemon, key: str) -> Intent:
    """The order, after everything has left that may leave on a connection that has told what there is."""
    link = FakeLink(FakeIB())
    daemon._desk.attach(link)
    assert daemon._desk._session is not None
    daemon._desk._session.reconciled = True
    await daemon._desk.dispatch()
    daemon._desk.detach()
    assert link.ib.wire == []
    intent = daemon._journal.intents.get(key)
    assert intent is not None
    return intent


@pytest.mark.parametrize("commits", range(SLICES + 2))
async def test_a_kill_at_any_commit_of_a_roll_leaves_no_order_of_the_old_contract_and_takes_none_back_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    daemon, unsent = await stage.placed()
    assert (await after_sending(daemon, unsent)).state is IntentState.INTENT, "it waits for a price"
    with killed_at(monkeypatch, commits), pytest.raises(Killed):
        stage.means(daemon, NEW)
        raise Killed
    assert len(wanted(daemon)) == min(COUNT, max(commits - 1, 0) * 20)
    daemon.close()
    again, has_rolled = await stage.begun(), commits > 0
    assert wanted(again) == (EVERY if has_rolled else set()), "what was barred is found on disk"
    assert (await after_sending(again, unsent)).state.is_over == has_rolled
    stage.slices.left = SLICES
    stage.means(again, NEW)
    assert (await after_sending(again, unsent)).state is IntentState.CANCELLED
    assert wanted(again) == EVERY
    lives = [again._evaluator.life(name) for name in EVERY]
    assert all(life and life.placed == "" and not life.broken for life in lives)
    assert len(marks(again)) == COUNT + 1 and set(marks(again).values()) == {1}
    assert told(again) == 1
    again.close()


async def test_nothing_recorded_for_the_old_contract_leaves_before_it_is_marked(stage: Stage) -> None:
    daemon, unsent = await stage.placed()
    stage.slices.left = 0
    stage.means(daemon, NEW)
    before = daemon._journal.intents.get(unsent)
    assert before is not None and not before.cancel_wanted
    assert (await after_sending(daemon, unsent)).state is IntentState.CANCELLED
    daemon.close()


@pytest.mark.parametrize("saved", [False, True])
async def test_what_a_roll_wrote_down_is_forgotten_once_no_memory_on_disk_is_older(stage: Stage, saved: bool) -> None:
    daemon, _ = await stage.placed()
    stage.slices.left = SLICES if saved else 1
    stage.means(daemon, NEW)
    at_once(daemon._reactor.saving())
    assert Rolled(daemon._journal).names == (set() if saved else {"ES"})
    daemon.close()


async def edited(stage: Stage, daemon: Daemon) -> None:
    stage.holding.write(COUNT, quantity=2)
    await daemon._in_force.reload()


async def deleted(stage: Stage, daemon: Daemon) -> None:
    stage.holding.write(1)
    await daemon._in_force.reload()


async def paused(stage: Stage, daemon: Daemon) -> None:
    at_once(daemon._in_force.pausing(sorted(EVERY)))


async def stopped(stage: Stage, daemon: Daemon) -> None:
    daemon._desk.stop_trading()


async def rolled_again(stage: Stage, daemon: Daemon) -> None:
    left, stage.slices.left = stage.slices.left, 0
    stage.means(daemon, NEWER)
    stage.slices.left = left


async def link_lost(stage: Stage, daemon: Daemon) -> None:
    daemon.inbox.report(LinkChange(stage.clock.now_s(), "down", text="away"))
    daemon._step()


async def price_fell(stage: Stage, daemon: Daemon) -> None:
    """To the side on which each rule may place its order."""
    stage.clock.time_s += 1
    daemon.inbox.tick(Tick("ES", stage.clock.now_s(), Field.LAST, 100.0))
    daemon._step()


def says(status: BrokerStatus, filled: int = 0) -> News:
    async def tell(stage: Stage, daemon: Daemon) -> None:
        hear_of_three(daemon, status, filled)

    return tell


NEWS: dict[str, News] = {
    "all are edited": edited,
    "all but one are deleted": deleted,
    "all are paused": paused,
    "the kill switch is pulled": stopped,
    "it rolls again": rolled_again,
    "the link is lost": link_lost,
    "the price falls": price_fell,
    "IB triggers some": says(BrokerStatus.WORKING),
    "IB fills some": says(BrokerStatus.FILLED, 1),
    "some are cancelled in TWS": says(BrokerStatus.CANCELLED),
}


@pytest.mark.parametrize("what", NEWS)
async def test_whatever_happens_between_two_slices_ends_as_if_it_came_before_or_after_the_roll(
    tmp_path: Path, slices: Slices, what: str
) -> None:
    async def ends(where: str, made: int | None) -> dict[str, Fate]:
        """After so many slices the news come; None: before the roll."""
        stage = Stage(tmp_path / where, slices)
        daemon, _ = await stage.placed()
        if made is None:
            await NEWS[what](stage, daemon)
        slices.left = SLICES if made is None else made
        stage.means(daemon, NEW)
        if made is not None:
            slices.left = 0
            await NEWS[what](stage, daemon)
        slices.left = 2 * SLICES
        daemon._step()
        found = fates(daemon, EVERY)
        daemon.close()
        return found

    before, after = await ends("before", None), await ends("after", SLICES)
    for made in range(SLICES):
        found = await ends(f"after {made}", made)
        odd = {rule: fate for rule, fate in found.items() if fate not in (before[rule], after[rule])}
        assert not odd, f"after {made} slices: {odd}"
