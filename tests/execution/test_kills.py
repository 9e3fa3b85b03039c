"""The process dies at every step; what follows is one order, or an honest message."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.execution.database import Value
from rules_engine.model.action import Side
from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.life import Life
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import BrokerStatus
from tests.execution.bench import Bench, limits
from tests.execution.doubles import NOW_S, FakeLink, Killed, Placed, V, decision, draft

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


async def test_an_unknown_order_is_adopted_as_soon_as_ib_shows_it(bench: Bench) -> None:
    link = await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.state(key) is State.UNKNOWN
    bench.ib.accept(link.ib.wire[0])
    await bench.later(60)
    assert bench.state(key) is State.WORKING
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert bench.state(key) is State.FILLED


async def test_the_user_settles_an_unknown_order_and_late_evidence_still_counts(bench: Bench) -> None:
    await bench.connect()
    key = bench.record()
    assert not bench.desk.resolve(key, placed=False)
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.desk.resolve(key, placed=False)
    assert bench.state(key) is State.ABANDONED
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.ABANDONED, True)]
    bench.ib.accept(bench.ib.wire[0])
    await bench.later(61)
    assert bench.state(key) is State.WORKING


async def test_an_unknown_order_that_the_user_saw_stays_open_and_reserved_until_ib_completes_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits(max_position_value=45_000.0))
    await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.desk.resolve(key, placed=True)
    assert not bench.desk.resolve(key, placed=True)
    told = len(bench.told("desk"))
    bench.restart()
    await bench.connect()
    for _ in range(5):
        await bench.later(901)
    assert bench.state(key) is State.ADOPTED, "absence proves nothing any more"
    assert len(bench.told("desk")) == told, "and nobody is asked again"
    second = bench.record(decision(draft(quantity=Decimal(50))))
    await bench.desk.dispatch()
    assert "max_position_value" in bench.intent(second).reason
    bench.ib.accept(bench.ib.wire[0])
    bench.desk.on_report(bench.ib.fill(key, "100", "401"))
    assert bench.state(key) is State.FILLED
    assert [(end.state, end.used) for end in bench.ears.ends] == [(State.BLOCKED, False), (State.FILLED, True)]


async def test_what_the_user_saw_may_later_be_called_over(bench: Bench) -> None:
    await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    await bench.later(60)
    assert bench.desk.resolve(key, placed=True)
    assert bench.desk.resolve(key, placed=False)
    assert bench.state(key) is State.ABANDONED
    assert bench.journal.ledger.fates()["refused"] == 1


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
        [end] = bench.journal.unsettled()
        assert (end.rule, end.state, end.used, end.held) == ("r", State.FILLED, True, True)
    bench.journal.settle(end, {"r": Life(done=True)})
    bench.restart()
    assert bench.journal.unsettled() == []
    assert bench.journal.lives()["r"].done


async def test_half_a_unit_at_ib_is_cancelled_and_told(bench: Bench) -> None:
    link = await bench.connect()

    def die_at_the_second(placed: Placed) -> None:
        if placed.draft.instrument == V:
            raise Killed

    link.before_place = die_at_the_second
    link.on_place = lambda placed: bench.ib.accept(placed)
    bench.record(decision(draft(), draft(instrument=V)))
    with pytest.raises(Killed):
        await bench.desk.dispatch()
    bench.restart()
    link = await bench.connect()
    link.on_cancel = lambda order_id: bench.desk.on_report(bench.ib.end(bench.ib.wire[0].key))
    await bench.later(15)
    assert bench.ib.cancels == [bench.ib.wire[0].order_id]
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.CANCELLED, State.UNKNOWN]
    assert NoticeKind.ALARM in bench.told("desk")
    assert len(bench.ib.wire) == 1


async def test_a_bracket_killed_before_its_last_leg_is_cancelled_by_its_entry(bench: Bench) -> None:
    link = await bench.connect()
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0)
    profit = draft(side=Side.SELL, kind=OrderKind.LIMIT, limit=Decimal(440), parent=0)

    def die_at_the_stop(placed: Placed) -> None:
        if placed.draft.stop:
            raise Killed

    link.before_place = die_at_the_stop
    link.on_place = lambda placed: bench.ib.accept(placed)
    bench.record(decision(draft(), profit, stop))
    with pytest.raises(Killed):
        await bench.desk.dispatch()
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert bench.ib.cancels == [bench.ib.wire[0].order_id], "IB cancels the children with it"


async def test_a_bracket_that_arrives_late_as_a_whole_keeps_its_stop(bench: Bench) -> None:
    await bench.connect()
    stop = draft(side=Side.SELL, kind=OrderKind.STOP, stop=Decimal(390), parent=0)
    bench.record(decision(draft(), stop))
    await bench.desk.dispatch()
    bench.restart()
    await bench.connect()
    await bench.later(15)
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.UNKNOWN] * 2
    assert NoticeKind.ALARM not in bench.told("desk"), "nothing of it was shown, so no part of it either"
    for placed in bench.ib.wire:
        bench.ib.accept(placed)
    await bench.later(60)
    assert [leg.state for leg in bench.journal.intents.unit("r", 1)] == [State.WORKING] * 2
    assert bench.ib.cancels == []


async def test_an_order_in_our_name_that_the_journal_does_not_know_halts_everything(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    known = bench.record()
    await bench.desk.dispatch()
    lost = known.rpartition(".")[0] + ".7"
    bench.ib.accept(Placed(50, draft(), lost, "DU1", "", 0, True))
    await bench.later(900)
    waiting = bench.record(decision(draft(instrument=V)))
    for _ in range(2):
        await bench.desk.dispatch()
        assert bench.state(waiting) is State.INTENT
        assert lost in bench.desk.waiting_for
        bench.restart()
        bench.accepting(await bench.connect())
    assert bench.told("desk") == [NoticeKind.ALARM]
    assert bench.ib.cancels == []
    assert bench.desk.adopt()
    assert not bench.desk.adopt()
    await bench.desk.step()
    assert bench.state(waiting) is State.WORKING
    await bench.later(900)
    assert (bench.desk.waiting_for, bench.told("desk")) == ("", [NoticeKind.ALARM]), "what was adopted is known"
    another = known.rpartition(".")[0] + ".8"
    bench.ib.accept(Placed(51, draft(), another, "DU1", "", 0, True))
    await bench.later(900)
    assert another in bench.desk.waiting_for


async def test_a_journal_from_a_backup_refuses_to_trade_until_it_is_adopted(bench: Bench, tmp_path: Path) -> None:
    bench.accepting(await bench.connect())
    bench.record()
    await bench.desk.dispatch()
    bench.kill()
    saved = bench.path.read_bytes()
    bench.start()
    bench.accepting(await bench.connect())
    forgotten = bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.end(forgotten))
    bench.ib.completed.clear()
    bench.kill()
    for left in bench.path.parent.glob("journal.db*"):
        left.unlink()
    bench.path.write_bytes(saved)
    bench.start()
    bench.accepting(await bench.connect())
    waiting = bench.record(decision(draft(instrument=V), rule="other"))
    for _ in range(2):
        await bench.later(900)
        assert (bench.state(waiting), len(bench.ib.wire)) == (State.INTENT, 2)
    assert "IB has counted order ids up to 2 from our client id, the journal knows 1" in bench.desk.waiting_for
    [alarm] = bench.texts("desk")
    assert "an old copy" in alarm and alarm.endswith("rules adopt")
    assert bench.desk.adopt()
    await bench.desk.step()
    assert bench.state(waiting) is State.WORKING
    assert bench.ib.wire[-1].order_id == 3


async def test_a_client_id_that_was_used_before_the_first_start_is_no_reason_to_refuse(bench: Bench) -> None:
    bench.ib.next_id = 500
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.WORKING


async def test_a_gateway_that_lost_count_or_another_gateway_is_no_reason_to_refuse(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.record()
    await bench.desk.dispatch()
    bench.ib.next_id = 1
    await bench.later(900)
    assert bench.desk.waiting_for == ""
    bench.ib.next_id = 900
    await bench.connect(port=4002)
    assert bench.desk.waiting_for == ""


async def test_an_order_of_another_journal_is_foreign(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    bench.ib.accept(Placed(50, draft(), "re1.zzzz.abc.12345678.1.0", "DU1", "", 0, True))
    await bench.later(900)
    assert bench.desk.waiting_for == ""
    assert bench.told("desk") == []


async def test_two_living_orders_for_one_intent_halt_its_rule_and_no_other(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.ib.orders["a twin"] = replace(bench.ib.orders[key], perm_id=777)
    await bench.later(900)
    [alarm] = bench.texts("desk")
    assert key in alarm and "777 and 9001" in alarm and alarm.endswith("rules resume r")
    bench.restart()
    bench.accepting(await bench.connect())
    same, other = bench.record(decision(draft(instrument=V))), bench.record(decision(draft(quantity=7), rule="other"))
    await bench.desk.dispatch()
    assert (bench.state(same), bench.state(other)) == (State.BLOCKED, State.WORKING)
    assert Reason.HALTED in bench.intent(same).reason
    del bench.ib.orders["a twin"]
    assert bench.desk.resume("r")
    assert not bench.desk.resume("r")
    await bench.later(900)
    again = bench.record(decision(draft(instrument=V)))
    await bench.desk.dispatch()
    assert bench.state(again) is State.WORKING
    assert len(bench.texts("desk")) == 1


async def test_a_second_order_that_shows_itself_in_a_report_stops_sending_until_the_evidence_is_read(
    bench: Bench,
) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    twin = replace(bench.ib.orders[key], perm_id=777)
    bench.ib.orders["a twin"] = twin
    bench.desk.on_report(twin)
    assert "second order" in bench.desk.waiting_for
    next_one = bench.record()
    await bench.desk.step()
    assert bench.state(next_one) is State.BLOCKED
    assert bench.intent(key).perm_id == 9001


async def test_the_end_of_a_twin_is_not_the_end_of_the_order_that_it_doubled(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    twin = replace(bench.ib.orders[key], perm_id=777, status=BrokerStatus.CANCELLED, completed=True)
    bench.ib.completed["a twin"] = twin
    bench.desk.on_report(twin)
    await bench.later(900)
    assert bench.state(key) is State.WORKING
    assert "r" in bench.desk.halted_rules


async def test_a_twin_that_filled_long_ago_halts_the_rule_too(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    fill = bench.ib.fill(key, "100", "401")
    bench.desk.on_report(fill)
    bench.ib.executions.append(replace(fill, exec_id="0000f.1.01", perm_id=777))
    await bench.later(900)
    assert "r" in bench.desk.halted_rules
    bench.desk.resume("r")
    await bench.later(900)
    assert bench.desk.halted_rules == {}, "the user has seen it"


async def test_an_order_that_was_over_and_lives_is_told_not_touched(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.desk.on_report(replace(bench.ib.orders[key], status=bench.ib.end(key).status))
    assert bench.state(key) is State.CANCELLED
    bench.ib.accept(bench.ib.wire[0])
    await bench.later(900)
    assert bench.state(key) is State.CANCELLED
    assert NoticeKind.ALARM in bench.told("desk")


async def test_a_completed_order_without_reference_is_found_by_its_permanent_number(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    bench.ib.end(key)
    bench.ib.completed[key] = replace(bench.ib.completed[key], order_ref="")
    bench.restart()
    await bench.connect()
    assert bench.state(key) is State.CANCELLED


async def test_something_alike_without_our_reference_proves_nothing(bench: Bench) -> None:
    link = await bench.connect()
    key = bench.record()
    await bench.desk.dispatch()
    bench.ib.accept(replace(link.ib.wire[0], key=""))
    await bench.later(60)
    assert bench.state(key) is State.UNKNOWN


async def test_silence_after_an_order_is_answered_by_asking_not_by_sending(bench: Bench) -> None:
    link = await bench.connect()
    link.on_place = lambda placed: bench.ib.accept(placed)
    key = bench.record()
    await bench.desk.dispatch()
    assert link.asked == 2
    assert bench.state(key) is State.WORKING
    assert len(bench.ib.wire) == 1


@pytest.mark.parametrize("breaks", ["detach", "attach"])
async def test_a_connection_lost_while_waiting_for_the_answer_leaves_it_to_the_next_one(
    bench: Bench, breaks: str
) -> None:
    link = await bench.connect()
    following = FakeLink(bench.ib)

    def cut(placed: Placed) -> None:
        bench.ib.accept(placed)
        bench.desk.detach()
        if breaks == "attach":
            bench.desk.attach(following)

    link.on_place = cut
    key = bench.record()
    await bench.desk.dispatch()
    assert bench.state(key) is State.SENDING
    bench.desk.attach(following)
    await bench.desk.step()
    assert bench.state(key) is State.WORKING
