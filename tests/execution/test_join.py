"""An order that leaves with the commit of its firing: only when nothing has to be waited for, and never before it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from rules_engine.execution.decision import Decision, Recorded
from rules_engine.model.intent import IntentState
from tests.execution.bench import Bench
from tests.execution.doubles import FakeLink, V, decision, draft


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.kill()


async def proven(bench: Bench) -> FakeLink:
    """A connection that IB answered on just now, and that takes orders."""
    return await bench.connect(proven=True)


def record(bench: Bench, made: Decision | None = None) -> Recorded:
    """Records a firing, which leaves with its commit if it may; without the bytes."""
    return bench.journal.record([made or decision()], {}, partial(bench.desk.join, checked=False))[0]


def fire(bench: Bench, made: Decision | None = None) -> bool:
    """Records a firing as the daemon does; whether it left with its commit."""
    before, recorded = len(bench.ib.wire), record(bench, made)
    bench.desk.depart(recorded.unit)
    return len(bench.ib.wire) > before


async def test_order_leaves_with_the_commit_of_its_firing(bench: Bench) -> None:
    link = await proven(bench)
    on_disk: list[bool] = []
    link.before_place = lambda placed: on_disk.append(not bench.journal.in_transaction)
    assert fire(bench)
    assert on_disk == [True]
    (placed,) = bench.ib.wire
    intent = bench.journal.intents.get(placed.key)
    assert intent is not None and (intent.state, intent.order_id) == (IntentState.SENDING, placed.order_id)
    assert bench.journal.order_id_high_water == placed.order_id


async def test_commit_that_fails_sends_nothing(bench: Bench) -> None:
    await proven(bench)
    with pytest.raises(OSError), bench.journal.transaction():
        assert record(bench).unit[0].state is IntentState.SENDING
        raise OSError
    assert bench.ib.wire == [] and list(bench.journal.intents.open()) == []
    await bench.desk.dispatch()
    assert bench.ib.wire == []


async def test_killed_after_the_commit_nothing_is_sent_again(bench: Bench) -> None:
    await proven(bench)
    recorded = record(bench)
    bench.restart()
    await bench.connect()
    await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert bench.state(recorded.keys[0]) is IntentState.SENDING


@pytest.mark.parametrize("made", [decision(), decision(draft(), draft(instrument=V))], ids=["single", "two legs"])
async def test_the_journal_says_the_same_as_when_it_is_sent_in_its_turn(tmp_path: Path, made: Decision) -> None:
    said = list[object]()
    for is_joined in (True, False):
        bench = Bench(tmp_path / str(is_joined))
        await proven(bench)
        if is_joined:
            assert fire(bench, made)
        else:
            bench.record(made)
            await bench.desk.dispatch()
        database, intents = bench.journal._database, bench.journal.intents
        legs = intents.unit("r", 1)
        assert list(intents.read_open()) == list(intents.open()) == list(legs)
        events = [(row["at_s"], row["key"], row["kind"], row["entry"]) for row in database.rows("SELECT * FROM event")]
        said.append((legs, events, intents.times_sent(0.0), bench.journal.order_id_high_water, bench.ib.wire))
        bench.kill()
    assert said[0] == said[1]


def test_several_firings_of_one_commit_leave_in_their_turn(bench: Bench) -> None:
    with pytest.raises(AssertionError, match="one unit at a time"):
        bench.journal.record([decision(), decision()], {}, partial(bench.desk.join, checked=False))


async def test_next_unit_waits_until_ib_has_answered_for_the_one_that_left(bench: Bench) -> None:
    await proven(bench)
    assert fire(bench)
    assert not fire(bench, decision(rule="other"))
    assert len(bench.ib.wire) == 1


def halted(bench: Bench, link: FakeLink) -> None:
    bench.desk._halts.double("r", "reference", ["1", "2"], alive=True)


def unproven(bench: Bench, link: FakeLink) -> None:
    link.proven = False


def cloudy(bench: Bench, link: FakeLink) -> None:
    link.clear = False


def stopped(bench: Bench, link: FakeLink) -> None:
    bench.stopped = True


def one_waits(bench: Bench, link: FakeLink) -> None:
    bench.record(decision(rule="older"))


def detached(bench: Bench, link: FakeLink) -> None:
    bench.desk.detach()


def other_account(bench: Bench, link: FakeLink) -> None:
    link.accounts = ("U1",)


@pytest.mark.parametrize(
    "obstacle", [unproven, cloudy, stopped, one_waits, detached, other_account, halted], ids=lambda one: one.__name__
)
async def test_whatever_stands_in_the_way_sends_it_in_its_turn(
    bench: Bench, obstacle: Callable[[Bench, FakeLink], None]
) -> None:
    obstacle(bench, await proven(bench))
    assert not fire(bench)
    assert bench.ib.wire == []


async def test_order_over_a_limit_does_not_join(bench: Bench) -> None:
    await proven(bench)
    bench.market.quotes["MA"] = None
    assert not fire(bench)
    assert bench.ib.wire == []
