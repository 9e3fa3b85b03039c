"""What halts the engine or one rule: more at IB than the journal knows, and two orders for one intent."""

from dataclasses import replace
from pathlib import Path

from rules_engine.model.firing import Reason
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.reports import BrokerStatus
from rules_engine.model.settings import Mode
from tests.execution.bench import SETTINGS, Bench
from tests.execution.doubles import Placed, V, decision, draft

State = IntentState


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


def under(bench: Bench, client_id: int) -> None:
    """Another start on the same journal, or on a copy of it, whose settings say this client id."""
    bench.settings = replace(bench.settings, gateway=replace(bench.settings.gateway, client_id=client_id))
    bench.restart()


async def test_a_journal_trades_under_another_client_id_only_after_it_is_adopted(bench: Bench) -> None:
    await bench.connect()
    under(bench, 18)
    waiting = bench.record()
    for _ in range(2):
        bench.accepting(await bench.connect())
        await bench.desk.dispatch()
        assert (bench.state(waiting), bench.ib.wire) == (State.INTENT, [])
        assert "belongs to client id 17, and the settings say 18" in bench.desk.waiting_for
        bench.restart()
    [alarm] = bench.texts("desk")
    assert "TWS" in alarm and alarm.endswith("rules adopt")
    bench.accepting(await bench.connect())
    assert bench.desk.adopt()
    await bench.desk.step()
    assert (bench.state(waiting), bench.desk.waiting_for) == (State.WORKING, "")
    bench.restart()
    await bench.connect()
    assert bench.desk.waiting_for == "", "it is its client id now"
    under(bench, 17)
    await bench.connect()
    assert "belongs to client id 18" in bench.desk.waiting_for


async def test_a_client_id_that_never_came_through_to_ib_binds_no_journal(bench: Bench) -> None:
    under(bench, 18)
    bench.accepting(await bench.connect(complete=False))
    under(bench, 17)
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    assert (bench.state(key), bench.told("desk")) == (State.WORKING, [])


async def test_dry_runs_have_no_client_id_of_their_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SETTINGS, mode=Mode.DRY))
    await bench.connect()
    under(bench, 18)
    await bench.connect()
    assert (bench.desk.waiting_for, bench.told("desk")) == ("the mode is dry", [])


async def test_what_another_client_id_sent_is_not_cancelled_by_its_number_but_told(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    under(bench, 18)
    bench.accepting(await bench.connect())
    bench.desk.adopt()
    await bench.desk.step()
    bench.desk.cancel_ours(rule="r")
    for _ in range(3):
        await bench.later(300)
    assert (bench.state(key), bench.ib.cancels) == (State.WORKING, [])
    told = [text for text in bench.texts("desk") if "IB lets only that one cancel it" in text]
    assert len(told) == 1 and told[0].endswith(key)
    opening = bench.record(decision(draft(quantity=7), rule="other"))
    await bench.desk.dispatch()
    assert Reason.NOT_CANCELLED in bench.intent(opening).reason
    under(bench, 17)
    bench.accepting(await bench.connect())
    bench.desk.adopt()
    await bench.desk.step()
    assert bench.ib.cancels == [bench.intent(key).order_id]
