"""The process dies at every step; what follows is one order, or an honest message."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rules_engine.execution.database import Value
from rules_engine.model.intent import IntentState
from rules_engine.model.life import Life
from rules_engine.model.notice import Notice, NoticeKind
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, Killed, Placed, decision

State = IntentState


class Fuse:
    """Kills at the step with this number; counts steps as they pass."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.passed = 0

    def step(self) -> None:
        self.passed += 1
        if self.passed - 1 == self.at:
            raise Killed


def wire(bench: Bench, fuse: Fuse) -> None:
    """Steps before and after every commit."""
    execute: Callable[..., object] = bench.journal._database.execute

    def watched(statement: str, *values: Value) -> object:
        if statement != "COMMIT":
            return execute(statement, *values)
        fuse.step()
        answer = execute(statement, *values)
        fuse.step()
        return answer

    bench.journal._database.execute = watched  # type: ignore[assignment, method-assign]  # A point to die at.


async def life_of_one_firing(bench: Bench, fuse: Fuse, *, ib_is_slow: bool) -> None:
    """Records a firing, sends it, hears of it, fills it."""
    link = await bench.connect()
    wire(bench, fuse)

    def before(placed: Placed) -> None:
        fuse.step()

    def after(placed: Placed) -> None:
        if not ib_is_slow:
            report = bench.ib.accept(placed)
        fuse.step()
        if not ib_is_slow:
            bench.desk.on_report(report)

    link.before_place, link.on_place = before, after
    told = Notice(NoticeKind.FIRED, "r fired", "fired", NOW_S, ("phone",))
    key = bench.record(replace(decision(expires_s=NOW_S + 60), notices=(told,)))
    await bench.desk.dispatch()
    if key in bench.ib.orders:
        bench.desk.on_report(bench.ib.fill(key, "100", "401"))


async def steps_of(folder: Path, *, ib_is_slow: bool) -> int:
    fuse = Fuse(None)
    await life_of_one_firing(Bench(folder), fuse, ib_is_slow=ib_is_slow)
    return fuse.passed


@pytest.mark.parametrize("ib_is_slow", [False, True])
@pytest.mark.parametrize("away_s", [1, 3600])
async def test_a_kill_at_any_step_never_doubles_and_never_loses_silently(
    tmp_path: Path, ib_is_slow: bool, away_s: float
) -> None:
    count = await steps_of(tmp_path / "whole", ib_is_slow=ib_is_slow)
    assert count >= 6
    for at in range(count):
        bench = Bench(tmp_path / str(at))
        with pytest.raises(Killed):
            await life_of_one_firing(bench, Fuse(at), ib_is_slow=ib_is_slow)
        late = [placed for placed in bench.ib.wire if placed.key not in bench.ib.orders | bench.ib.completed]
        bench.clock.time_s += away_s
        bench.restart()
        bench.accepting(await bench.connect())
        await bench.desk.step()
        for placed in late:  # The gateway held the bytes for longer than our restart took.
            bench.ib.accept(placed)
        for key in list(bench.ib.orders):
            bench.desk.on_report(bench.ib.fill(key, "100", "401"))
        for _ in range(3):
            await bench.later(61)
        judge(bench, at)


def judge(bench: Bench, at: int) -> None:
    sent = [placed.key for placed in bench.ib.wire]
    assert len(sent) == len(set(sent)) <= 1, f"killed at step {at}: sent twice"
    legs = bench.journal.intents.unit("r", 1)
    if not legs:
        assert bench.journal.ledger.fires() == [] and bench.told() == [], "before the first commit there is nothing"
        return
    [leg] = legs
    told = bench.told()
    assert told[0] == NoticeKind.FIRED
    if sent:
        assert leg.state is State.FILLED, f"killed at step {at}: {leg.state}"
        assert told.count(NoticeKind.FILLED) == 1
    else:
        assert leg.state in (State.EXPIRED, State.UNKNOWN), f"killed at step {at}: {leg.state}"
        assert told[-1] in (NoticeKind.EXPIRED, NoticeKind.UNKNOWN_ORDER)
    fates = bench.journal.ledger.fates()
    assert sum(fates.values()) == 1
    assert bench.journal.ledger.first_broken_event() is None


async def test_killed_before_sending_it_leaves_after_the_restart_if_still_in_time(bench: Bench) -> None:
    key = bench.record(decision(expires_s=NOW_S + 60))
    bench.restart()
    bench.clock.time_s += 30
    bench.accepting(await bench.connect())
    await bench.desk.dispatch()
    assert [placed.key for placed in bench.ib.wire] == [key]


async def test_killed_between_sending_and_the_wire_it_is_never_sent_again(bench: Bench) -> None:
    link = await bench.connect()

    def die(placed: Placed) -> None:
        raise Killed

    link.before_place = die
    key = bench.record()
    with pytest.raises(Killed):
        await bench.desk.dispatch()
    bench.restart()
    bench.accepting(await bench.connect())
    assert bench.state(key) is State.SENDING, "absent once proves nothing"
    await bench.later(14)
    assert bench.state(key) is State.SENDING
    await bench.later(1)
    assert bench.state(key) is State.UNKNOWN
    assert bench.told("desk") == [NoticeKind.UNKNOWN_ORDER]
    assert key in bench.texts("desk")[0]
    for _ in range(30):
        await bench.later(61)
    assert bench.ib.wire == []
    assert len(bench.told("desk")) == 3, "told again each quarter of an hour"
    assert bench.ears.ends == []


async def test_a_fill_that_happened_while_we_were_down_is_told_once_and_marked(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record(decision(held=True))
    await bench.desk.dispatch()
    bench.kill()
    bench.ib.fill(key, "100", "401")
    for _ in range(3):
        bench.start()
        bench.accepting(await bench.connect())
        await bench.desk.step()
        bench.kill()
    bench.start()
    assert bench.texts() == ["r: bought 100 MA at 401 (while the engine was not connected)"]
    [fire] = bench.journal.ledger.fires()
    assert (fire.fate, fire.at_broker) == ("placed", True)


async def test_an_end_is_told_again_at_each_start_until_the_rule_s_memory_has_it(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record(decision(held=True))
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    for _ in range(2):
        bench.restart()
        [end] = bench.journal.firings.unsettled()
        assert (end.rule, end.state, end.used, end.held) == ("r", State.FILLED, True, True)
    bench.journal.settle(end, {"r": Life(done=True)})
    bench.restart()
    assert bench.journal.firings.unsettled() == []
    assert bench.journal.lives()["r"].done
