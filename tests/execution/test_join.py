"""An order that leaves with the commit of its firing: only when nothing has to be waited for, and never before it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rules_engine.execution.decision import Decision
from rules_engine.model.intent import IntentState
from tests.execution.bench import Bench
from tests.execution.doubles import FakeLink, decision


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.kill()


async def proven(bench: Bench) -> FakeLink:
    """A connection that IB answered on just now, and that takes orders."""
    return await bench.connect(proven=True)


def fire(bench: Bench, made: Decision | None = None) -> bool:
    """Records a firing as the daemon does; whether it left with its commit."""
    with bench.journal.transaction():
        recorded = bench.journal.record([made or decision()], {})[0]
        depart = bench.desk.join(recorded.decision.firing.rule, recorded.seq, checked=False)
    if depart is not None:
        depart()
    return depart is not None


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
        recorded = bench.journal.record([decision()], {})[0]
        assert bench.desk.join(recorded.decision.firing.rule, recorded.seq, checked=False) is not None
        raise OSError
    assert bench.ib.wire == [] and list(bench.journal.intents.open()) == []
    await bench.desk.dispatch()
    assert bench.ib.wire == []


async def test_killed_after_the_commit_nothing_is_sent_again(bench: Bench) -> None:
    await proven(bench)
    with bench.journal.transaction():
        recorded = bench.journal.record([decision()], {})[0]
        assert bench.desk.join(recorded.decision.firing.rule, recorded.seq, checked=False) is not None
    bench.restart()
    await bench.connect()
    await bench.desk.dispatch()
    assert bench.ib.wire == []
    assert bench.state(recorded.keys[0]) is IntentState.SENDING


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
