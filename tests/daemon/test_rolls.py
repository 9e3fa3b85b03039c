"""A name that means another contract than before, in an engine at work and over a restart."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rules_engine.daemon.daemon import Daemon
from rules_engine.execution.ledger import open_ledger
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import FeedDown, FeedUp
from rules_engine.model.settings import Mode
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from tests.daemon.alone import Alone
from tests.execution.doubles import V, decision, draft

START_S = 1_900_000_000.0
RULES = """\
version: 1
timezone: UTC
rules:
  - {name: crosses, when: ES crosses above 5000, do: notify desk, run: here}
  - {name: falls, when: ES moves down 1% in 10m, do: notify desk, on_gap: keep}
  - {name: other, when: V crosses above 200, do: notify desk, run: here}
instruments:
  ES: {future: ES, exchange: CME, expiry: front}
"""
OLD, NEW = 11, 22


class Stage(Alone):
    """An engine that is told what a connection would tell it."""

    clock: SteppedClock

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, SteppedClock(START_S), channels={"desk": "json://x"}, account="DU1")
        self.write(RULES)

    @asynccontextmanager
    async def engine(self, mode: Mode = Mode.DRY) -> AsyncIterator[Daemon]:
        self.settings = replace(self.settings, mode=mode)
        async with self.running() as daemon:
            yield daemon

    def connected(self, daemon: Daemon, contract_id: int, name: str = "ES") -> None:
        """The feed is lost and comes again, with the prices of this contract."""
        daemon.inbox.report(FeedDown(self.clock.now_s(), name))
        self.clock.time_s += 1
        daemon.inbox.report(FeedUp(self.clock.now_s(), name, contract_id))
        daemon._step()

    def prices(self, daemon: Daemon, *prices: float, name: str = "ES") -> None:
        for price in prices:
            self.clock.time_s += 1
            daemon.inbox.tick(Tick(name, self.clock.now_s(), Field.LAST, price))
            daemon._step()

    def rolls(self, daemon: Daemon, old: Sequence[float], new: Sequence[float]) -> None:
        """Prices of one contract, then of the next."""
        for contract_id, prices in ((OLD, old), (NEW, new)):
            self.connected(daemon, contract_id)
            self.prices(daemon, *prices)

    def fires(self) -> list[str]:
        with open_ledger(self.state.journal) as ledger:
            return [fire.rule for fire in ledger.fires()]

    def told(self, daemon: Daemon) -> list[str]:
        waiting = daemon._journal.outbox.waiting("desk", 100)
        return [f"{one.title}: {one.text}" for one in waiting if one.kind is NoticeKind.CONTRACT_CHANGED]


async def only_the_new_contract_counts(stage: Stage) -> None:
    """An engine that starts on it is told of one roll, and fires where that contract crosses, not on the step to it."""
    async with stage.engine() as daemon:
        stage.connected(daemon, NEW)
        stage.prices(daemon, 5040, 5041)
        assert len(stage.told(daemon)) == 1
        stage.prices(daemon, 4999, 5001)
    assert stage.fires() == ["crosses"]


async def test_a_roll_at_a_reconnect_fires_nothing_and_is_told_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine() as daemon:
        stage.rolls(daemon, (4990, 4991), (5040, 5041))
        stage.connected(daemon, NEW)
        stage.prices(daemon, 5042)
        [told] = stage.told(daemon)
        assert "ES means another contract" in told and f"Contract number {NEW}, before {OLD}" in told
        assert "begin anew: crosses, falls." in told
    assert stage.fires() == []


async def test_a_fall_from_one_contract_to_the_next_is_none_and_one_of_the_next_is(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine() as daemon:
        stage.rolls(daemon, (5100, 5101), (5000, 4990))
        assert stage.fires() == []
        stage.prices(daemon, 4940)
        assert stage.fires() == ["falls"]


async def test_the_same_contract_after_a_reconnect_is_a_gap_like_any_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine() as daemon:
        stage.connected(daemon, OLD)
        stage.prices(daemon, 5100, 5101)
        stage.connected(daemon, OLD)
        stage.prices(daemon, 5000)
        assert (stage.fires(), stage.told(daemon)) == (["falls"], [])


async def test_a_roll_while_the_engine_was_off_is_noticed_by_the_next_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine() as daemon:
        stage.connected(daemon, OLD)
        stage.prices(daemon, 4990, 4991)
    await only_the_new_contract_counts(stage)


async def test_an_engine_that_is_killed_right_after_a_roll_remembers_nothing_of_the_old_contract(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    daemon = stage.daemon()
    await daemon._in_force.resume()
    stage.connected(daemon, OLD)
    stage.prices(daemon, 4990, 4991)
    at_once(daemon._reactor.saving())
    stage.connected(daemon, NEW)
    daemon.close()
    await only_the_new_contract_counts(stage)


async def test_a_feed_that_does_not_say_whose_prices_it_has_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine() as daemon:
        stage.connected(daemon, OLD)
        stage.connected(daemon, 0)
        stage.connected(daemon, OLD)
        assert stage.told(daemon) == []


async def test_what_was_to_be_ordered_in_the_old_contract_is_not_sent_in_the_new_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine(Mode.PAPER) as daemon:
        stage.connected(daemon, OLD)
        es = Instrument("ES", Kind.FUTURE, "ES", "CME", expiry="front")
        waiting = daemon._journal.record([decision(draft(instrument=es)), decision(draft(instrument=V))], {})
        stage.connected(daemon, NEW)
        await daemon._desk.dispatch()
        states = [daemon._journal.intents.get(one.keys[0]) for one in waiting]
        assert [one and one.state for one in states] == [IntentState.CANCELLED, IntentState.INTENT]


async def test_a_roll_in_one_mode_is_none_of_what_rules_remember_in_another_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine(Mode.PAPER) as daemon:
        stage.connected(daemon, OLD)
        stage.prices(daemon, 4990, 4991)
    async with stage.engine(Mode.DRY) as daemon:
        stage.connected(daemon, OLD)
        stage.connected(daemon, NEW)
        stage.prices(daemon, 5040, 5041)
    async with stage.engine(Mode.PAPER) as daemon:
        stage.connected(daemon, NEW)
        stage.prices(daemon, 5042, 5043)
        assert stage.fires() == [], "it has not crossed in either of the contracts"
        stage.prices(daemon, 4999, 5001)
    assert stage.fires() == ["crosses"]


async def test_what_the_names_of_an_older_journal_mean_is_known_in_each_mode(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.engine(Mode.PAPER) as daemon:
        daemon._journal.put("contracts", '{"ES": 11}')
        stage.prices(daemon, 4990, 4991)
    async with stage.engine(Mode.PAPER) as daemon:
        stage.connected(daemon, NEW)
        assert len(stage.told(daemon)) == 1


async def test_a_firing_that_waits_for_a_price_at_a_roll_is_held_back_and_told_and_a_later_one_is_not(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    stage.write(RULES.replace("notify desk", "buy 1 ES, notify: desk", 1))
    async with stage.engine(Mode.PAPER) as daemon:
        stage.connected(daemon, OLD)
        stage.prices(daemon, 4990, 4991, 5001, 4991, 5001)
        assert stage.fires() == [], "IB has not told of the contract yet"
        stage.connected(daemon, NEW)
        stage.prices(daemon, 5040)
        assert stage.fires() == ["crosses"] * 2
        held = [one for one in daemon._journal.outbox.waiting("desk", 100) if one.kind is NoticeKind.HELD_BACK]
        assert len(held) == 2 and all("ES means another contract now" in one.text for one in held)
        stage.prices(daemon, 4991, 5001)
        assert stage.fires() == ["crosses"] * 2, "this one waits for a price of its own"
