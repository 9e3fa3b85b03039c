"""What is known of the rules after a crash: as late as it can be known, and never later."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from rules_engine.daemon.daemon import Daemon
from rules_engine.execution.changes import UnitEnd
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field
from rules_engine.model.intent import IntentState
from rules_engine.model.reports import FeedUp
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from tests.daemon.alone import Alone

START_S = 1_900_000_000.0
MINUTE_S = 60.0
RULES = {
    "stays": "when: V > 200, do: notify phone",
    "leaves": "when: V > 201, do: notify phone",
    "edited": "when: V > 202, do: notify phone",
}
EDITED = {**RULES, "edited": "when: V > 203, do: notify phone"}


@dataclass
class Engine:
    """An engine without a broker: prices are put into its inbox, and its clock stands until somebody sets it."""

    daemon: Daemon
    clock: SteppedClock
    alone: Alone

    def lives(self, minutes: int) -> None:
        """A price each minute, after which what changed is saved."""
        for _ in range(minutes):
            self.clock.time_s += MINUTE_S
            self.daemon.inbox.report(FeedUp(self.clock.now_s(), "V"))
            self.daemon.inbox.tick(Tick("V", self.clock.now_s(), Field.LAST, 100.0))
            self.daemon._step()
            at_once(self.daemon._reactor.saving())

    def hears(self, **prices: float) -> None:
        """Each price twice, for the first one may be of any age."""
        for name, price in prices.items():
            self.daemon.inbox.report(FeedUp(self.clock.now_s(), name))
            for _ in range(2):
                self.clock.time_s += 1.0
                self.daemon.inbox.tick(Tick(name, self.clock.now_s(), Field.LAST, price))
            self.daemon._step()

    async def reads_and_saves_nothing(self, rules: Mapping[str, str]) -> None:
        """Takes edited files over, as an engine that is killed before the rules' new memories come to disk."""
        self.alone.write(spelled(rules))
        with patch.object(Journal, "save_lives"):
            await self.daemon._in_force.reload()

    def gaps(self) -> Mapping[str, float]:
        """Since when each rule does not know what happened."""
        return {
            name: run.watches[0].gap_s - START_S
            for name, run in self.daemon._evaluator._runs.items()
            if run.watches[0].gap_s is not None
        }


def spelled(rules: Mapping[str, str]) -> str:
    lines = "".join(f"  - {{name: {name}, {text}}}\n" for name, text in rules.items())
    return f"version: 1\ntimezone: UTC\nrules:\n{lines}"


@asynccontextmanager
async def engine(path: Path, clock: SteppedClock, rules: Mapping[str, str]) -> AsyncIterator[Engine]:
    """One that begins, and in the end is gone as in a crash."""
    alone = Alone(path, clock, known=("phone",))
    alone.write(spelled(rules))
    daemon = alone.daemon()
    try:
        await daemon._in_force.resume()
        yield Engine(daemon, clock, alone)
    finally:
        daemon.close()


def without(*names: str) -> Mapping[str, str]:
    return {name: text for name, text in RULES.items() if name not in names}


async def gaps_after(path: Path, *story: int | Mapping[str, str]) -> Mapping[str, float]:
    """What is not known of the rules after a crash an hour ago. The story before it: minutes, and edited files."""
    clock, rules = SteppedClock(START_S), RULES
    async with engine(path, clock, rules) as one:
        for part in story:
            if isinstance(part, int):
                one.lives(minutes=part)
            else:
                rules = dict(part)
                await one.reads_and_saves_nothing(rules)
    clock.time_s += 3600.0
    async with engine(path, clock, rules) as other:
        return other.gaps()


@pytest.mark.parametrize("then", [[EDITED], [without("leaves")], [dict(reversed(RULES.items()))], [EDITED, RULES]])
async def test_a_kill_in_a_reload_costs_a_rule_that_stays_nothing(
    tmp_path: Path, then: Sequence[Mapping[str, str]]
) -> None:
    assert (await gaps_after(tmp_path, 5, *then))["stays"] == 5 * MINUTE_S


async def test_a_rule_that_comes_back_does_not_pass_for_one_that_was_there_all_the_time(tmp_path: Path) -> None:
    gaps = await gaps_after(tmp_path, 1, without("leaves"), 5, RULES)
    assert gaps == {"stays": 6 * MINUTE_S, "edited": 6 * MINUTE_S, "leaves": MINUTE_S}


async def test_nor_does_one_that_came_back_while_the_engine_was_off(tmp_path: Path) -> None:
    clock = SteppedClock(START_S)
    async with engine(tmp_path, clock, RULES) as one:
        one.lives(minutes=1)
    async with engine(tmp_path, clock, without("leaves")) as one:
        one.lives(minutes=5)
    for _ in range(2):
        clock.time_s += 3600.0
        async with engine(tmp_path, clock, RULES) as other:
            assert other.gaps() == {"stays": 6 * MINUTE_S, "edited": 6 * MINUTE_S, "leaves": MINUTE_S}


async def test_a_rule_edited_back_and_forth_is_no_older_one(tmp_path: Path) -> None:
    gaps = await gaps_after(tmp_path, 5, EDITED, RULES)
    assert gaps == {"stays": 5 * MINUTE_S, "leaves": 5 * MINUTE_S, "edited": MINUTE_S}


@pytest.mark.parametrize("ends", [False, True])
async def test_a_rule_that_is_as_it_was_before_an_order_of_it_ended_is_not_remembered_as_it_was_then(
    tmp_path: Path, ends: bool
) -> None:
    end = UnitEnd("both", 1, 0, False, IntentState.FILLED, used=True, wanted=False, digest="", reason="")
    rule, clock = {"both": "when: V crosses above 200 and K > 50, do: notify phone"}, SteppedClock(START_S)
    async with engine(tmp_path, clock, rule) as one:
        one.hears(K=40.0, V=201.0)
        at_once(one.daemon._reactor.saving())
        one.hears(V=199.0)
        if ends:
            one.daemon._endings.ended(end)
        one.hears(V=201.0)
        at_once(one.daemon._reactor.saving())
        assert one.daemon._journal.lives()["both"].sides == "-"
    async with engine(tmp_path, clock, rule) as other:
        other.hears(K=60.0, V=202.0)
        life = other.daemon._evaluator.life("both")
        assert life is not None and life.seq == 0, "V has been above all the time"
