"""A rule that cancels the orders which the broker holds for many others: marked in slices, none twice, and none
forgotten by whoever is killed in between."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rules_engine.daemon.daemon import Daemon
from rules_engine.execution import mass_cancels
from rules_engine.execution.mass_cancels import MassCancels
from rules_engine.language import prepare
from rules_engine.model.clock import SteppedClock, SystemClock
from rules_engine.model.instrument import Field
from rules_engine.model.reports import BrokerStatus, FeedDown, FeedUp, LinkChange
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from tests.daemon.placed import ON_A_FUTURE, Fate, Holding, fates, hear_of_three, marks, orders, report_of, wanted
from tests.execution.doubles import Killed, killed_at

COUNT = 50
EVERY = {f"r{number}" for number in range(COUNT)}
SLICES = 5
CANCELS = "  - {name: cancels, when: V crosses above 200, do: cancel orders in MA}\n"
News = Callable[["Stage"], Awaitable[None]]


class Stage:
    """An engine that hears when it is told to. So many slices may still be marked, beside the firing's own commit."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.left = SLICES
        self.clock = SteppedClock(1_900_000_000.0)
        self.holding = Holding(home, self.clock, *ON_A_FUTURE, channels={"desk": "json://x"})
        self.daemon: Daemon

    async def placed(self) -> "Stage":
        """The broker holds orders in one instrument for all rules but the one that cancels them."""
        await self.holding.place(COUNT)
        self.holding.add(CANCELS)
        return await self.begun()

    async def begun(self) -> "Stage":
        """Another engine on the same folder."""
        self.daemon = self.holding.daemon()
        await self.daemon._in_force.resume()
        self.means(11)
        return self

    def means(self, contract_id: int) -> None:
        """The feed of the future that all wait for is lost and comes again, with the prices of this contract."""
        self.daemon.inbox.report(FeedDown(self.clock.now_s(), "ES"))
        self.clock.time_s += 1
        self.daemon.inbox.report(FeedUp(self.clock.now_s(), "ES", contract_id))
        self.daemon._step()

    def fires(self) -> None:
        for price in (199.0, 201.0):
            self.clock.time_s += 1
            self.daemon.inbox.tick(Tick("V", self.clock.now_s(), Field.LAST, price))
            self.daemon._step()

    async def goes_on(self) -> None:
        """Everything is marked that is left."""
        self.left = COUNT
        await self.daemon._desk.dispatch()


@pytest.fixture(autouse=True)
def ten_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mass_cancels, "MARKED_AT_ONCE", COUNT // SLICES)


@pytest.mark.parametrize("commits", range(SLICES + 2))
async def test_a_kill_at_any_commit_leaves_the_rest_to_the_next_start_and_marks_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    stage = await Stage(tmp_path).placed()
    with killed_at(monkeypatch, commits), pytest.raises(Killed):
        stage.fires()
        await stage.goes_on()
        raise Killed
    assert len(wanted(stage.daemon)) == min(commits * COUNT // SLICES, COUNT)
    stage.daemon.close()
    again = await stage.begun()
    await again.goes_on()
    assert wanted(again.daemon) == (EVERY if commits else set())
    assert len(marks(again.daemon)) == (COUNT if commits else 0) and set(marks(again.daemon).values()) <= {1}
    again.daemon.close()


async def edited(stage: Stage) -> None:
    stage.holding.write(COUNT, quantity=2)
    stage.holding.add(CANCELS)
    await stage.daemon._in_force.reload()


async def deleted(stage: Stage) -> None:
    stage.holding.write(1)
    stage.holding.add(CANCELS)
    await stage.daemon._in_force.reload()


async def the_one_deleted(stage: Stage) -> None:
    stage.holding.write(COUNT)
    await stage.daemon._in_force.reload()


async def paused(stage: Stage) -> None:
    at_once(stage.daemon._in_force.pausing(sorted(EVERY)))


async def the_one_paused(stage: Stage) -> None:
    at_once(stage.daemon._in_force.pausing(["cancels"]))


async def stopped(stage: Stage) -> None:
    stage.daemon._desk.stop_trading()


async def rolled(stage: Stage) -> None:
    stage.means(22)


async def link_lost(stage: Stage) -> None:
    stage.daemon.inbox.report(LinkChange(stage.clock.now_s(), "down", text="away"))
    stage.daemon._step()


async def started_anew(stage: Stage) -> None:
    stage.daemon.close()
    await stage.begun()


def says(status: BrokerStatus, filled: int = 0) -> News:
    async def tell(stage: Stage) -> None:
        hear_of_three(stage.daemon, status, filled)

    return tell


NEWS: dict[str, News] = {
    "all are edited": edited,
    "all but one are deleted": deleted,
    "the rule that cancels is deleted": the_one_deleted,
    "all are paused": paused,
    "the rule that cancels is paused": the_one_paused,
    "the kill switch is pulled": stopped,
    "the future rolls": rolled,
    "the link is lost": link_lost,
    "the engine starts anew": started_anew,
    "IB triggers some": says(BrokerStatus.WORKING),
    "IB fills some": says(BrokerStatus.FILLED, 1),
    "some are cancelled in TWS": says(BrokerStatus.CANCELLED),
}
UNHEARD = {"the rule that cancels is deleted", "the rule that cancels is paused"}
"""What nothing is cancelled after."""


@pytest.mark.parametrize("what", NEWS)
async def test_whatever_happens_between_two_slices_ends_as_if_it_came_before_or_after_the_firing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    go_on, stages = MassCancels.go_on, list[Stage]()

    def going_on(one: MassCancels) -> bool:
        """As far as that may be now; where it may not, whoever asks is told that there is nothing."""
        stages[-1].left -= 1
        return stages[-1].left >= 0 and go_on(one)

    monkeypatch.setattr(MassCancels, "go_on", going_on)

    async def ends(where: str, made: int | None) -> dict[str, Fate]:
        """After so many slices the news come; None: before the firing."""
        stages.append(stage := Stage(tmp_path / where))
        await stage.placed()
        if made is None:
            await NEWS[what](stage)
        stage.left = 0
        stage.fires()
        if made is not None:
            for _ in range(made):
                stage.left = 1
                stage.daemon._desk.cancel_at_once()
            assert stage.daemon._journal.mass_cancels.is_left == (made < SLICES - 1)
            stage.left = 0
            await NEWS[what](stage)
        await stage.goes_on()
        for order in orders(stage.daemon).values():
            if order.cancel_wanted:
                stage.daemon.inbox.report(report_of(order, BrokerStatus.CANCELLED, 0))
        stage.daemon._step()
        found = fates(stage.daemon, EVERY)
        stage.daemon.close()
        return found

    before, after = await ends("before", None), await ends("after", SLICES - 1)
    if what in UNHEARD:
        before = after
    for made in range(SLICES - 1):
        found = await ends(f"after {made}", made)
        odd = {rule: fate for rule, fate in found.items() if fate not in (before[rule], after[rule])}
        assert not odd, f"after {made} slices: {odd}"


async def test_no_callback_of_the_loop_marks_more_than_two_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of them in the commit of the firing, the second with its cancellations."""
    prepare()
    holding, clock = Holding(tmp_path, SystemClock(), *ON_A_FUTURE), SystemClock()
    await holding.place(COUNT)
    holding.add(CANCELS)
    daemon, stopping = holding.daemon(), asyncio.Event()
    running = asyncio.create_task(daemon.run(stopping))
    while not daemon.is_running or "yet" in daemon._incidents.link.text:
        await asyncio.sleep(0)
    in_callbacks, run = [0], asyncio.Handle._run

    def counting(handle: asyncio.Handle) -> None:
        run(handle)
        in_callbacks.append(len(wanted(daemon)) - sum(in_callbacks))

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", counting)
        for price in (199.0, 201.0):
            daemon.inbox.tick(Tick("V", clock.now_s(), Field.LAST, price))
            while len(daemon.inbox):
                await asyncio.sleep(0)
        while daemon._journal.mass_cancels.is_left:
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # The last is told when its callback is over.
    assert [count for count in in_callbacks if count] == [2 * COUNT // SLICES, *[COUNT // SLICES] * (SLICES - 2)]
    stopping.set()
    await running
    daemon.close()
