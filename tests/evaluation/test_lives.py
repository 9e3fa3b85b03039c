"""What others do to rules: pausing, rearming, restarting, reloading, and orders that the broker holds."""

import json
from dataclasses import asdict, replace

import pytest

from rules_engine.evaluation import Evaluator
from rules_engine.model.expression import Reading
from rules_engine.model.firing import Firing, HeldBack, Reason, RuleState
from rules_engine.model.instrument import Field, us_stock
from rules_engine.model.life import Arming, CancelWanted, Life
from rules_engine.model.plan import HeldCase, Plan, Where
from rules_engine.model.rule import IfMissed, OnGap
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import condition, plan


def fires(evaluator: Evaluator, *prices: float, start_s: float = START_S) -> list[int]:
    """The prints, one a second, at which something fired."""
    return [
        second
        for second, price in enumerate(prices)
        if any(isinstance(outcome, Firing) for outcome in evaluator.tick(print_of(start_s + second, price)))
    ]


def state(evaluator: Evaluator, now_s: float = START_S) -> RuleState:
    return evaluator.status(now_s)[0].state


def test_a_paused_rule_hears_nothing_and_starts_anew_when_it_resumes() -> None:
    evaluator = Evaluator([plan("rule", "V > 200")], START_S)
    assert fires(evaluator, 199) == []
    evaluator.pause("rule", START_S + 1)
    assert state(evaluator) is RuleState.PAUSED
    assert fires(evaluator, 201, start_s=START_S + 2) == []
    evaluator.resume("rule", START_S + 3)
    assert fires(evaluator, 202, 199, 201, start_s=START_S + 4) == [2]


def test_a_done_rule_fires_again_once_it_is_rearmed() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", once=True)], START_S)
    assert fires(evaluator, 199, 201, 199, 201) == [1]
    assert state(evaluator) is RuleState.DONE
    evaluator.rearm("rule", START_S + 10)
    assert fires(evaluator, 202, 199, 201, start_s=START_S + 10) == [2]


def test_a_rejected_order_does_not_use_up_once() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", once=True)], START_S)
    assert fires(evaluator, 199, 201) == [1]
    evaluator.not_used("rule")
    assert state(evaluator) is RuleState.ARMED
    assert fires(evaluator, 202, 199, 201, 199, 201, start_s=START_S + 2) == [2]


def test_a_rule_that_was_rearmed_is_not_undone_by_a_late_rejection() -> None:
    evaluator = Evaluator([plan("rule", "V > 200")], START_S)
    evaluator.not_used("rule")
    assert fires(evaluator, 199, 201) == [1]


def test_a_broken_rule_waits_for_its_user() -> None:
    evaluator = Evaluator([plan("rule", "V > 200")], START_S)
    evaluator.break_rule("rule", "IB refused its order")
    assert fires(evaluator, 199, 201) == []
    status = evaluator.status(START_S)[0]
    assert (status.state, status.why) == (RuleState.BROKEN, "IB refused its order")
    evaluator.rearm("rule", START_S + 5)
    assert fires(evaluator, 199, 201, start_s=START_S + 5) == [1]


def test_a_disabled_rule_is_never_judged() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", enabled=False, cancel_when="V < 100")], START_S)
    assert fires(evaluator, 199, 201, 99) == []
    assert state(evaluator) is RuleState.DISABLED


def test_cancel_when_is_heard_after_the_rule_is_done() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", once=True, cancel_when="V < 190")], START_S)
    fires(evaluator, 199, 201)
    assert list(evaluator.tick(print_of(START_S + 5, 189))) == [CancelWanted("rule", START_S + 5)]
    assert list(evaluator.tick(print_of(START_S + 6, 188))) == []


def test_states_of_a_rule_that_listens() -> None:
    evaluator = Evaluator([plan("rule", "V > 200 for 10s", cooldown_s=60)], START_S)
    evaluator.advance(START_S)
    assert state(evaluator) is RuleState.WARMING
    evaluator.tick(print_of(START_S, 199))
    assert state(evaluator) is RuleState.ARMED
    evaluator.tick(print_of(START_S + 1, 201))
    assert state(evaluator) is RuleState.PENDING
    assert evaluator.next_timer_s() == START_S + 11
    evaluator.advance(START_S + 11)
    assert state(evaluator, START_S + 11) is RuleState.COOLING
    evaluator.feed_down(START_S + 12, "V")
    assert state(evaluator, START_S + 100) is RuleState.UNKNOWN


# Restarts.


def restarted(before: Evaluator, plans: list[Plan], now_s: float) -> Evaluator:
    """A new evaluator with the lives of another one, as the journal would keep them."""
    stored = {name: json.dumps(asdict(life)) for name, life in before.lives().items()}
    evaluator = Evaluator(plans, now_s)
    evaluator.restore({name: Life(**json.loads(text)) for name, text in stored.items()})
    return evaluator


def test_done_counts_and_cooldown_survive_a_restart() -> None:
    plans = [plan("once", "V > 200", once=True), plan("cool", "V > 200", cooldown_s=100)]
    before = Evaluator(plans, START_S)
    fires(before, 199, 201)
    after = restarted(before, plans, START_S + 10)
    assert fires(after, 199, 201, start_s=START_S + 10) == []
    assert fires(after, 199, 201, start_s=START_S + 102) == [1]
    assert [life.seq for life in after.lives().values()] == [1, 2]


def test_a_restart_does_not_repeat_what_has_lasted() -> None:
    lasting = plan("rule", "V > 200 for 3s")
    first = Evaluator([lasting], START_S)
    assert fires(first, 199, 201, 201, 201, 201, 201) == [4]
    second = Evaluator([lasting], START_S + 10)
    second.restore(first.lives())
    assert fires(second, *[201] * 8, 199, 201, 201, 201, 201, start_s=START_S + 10) == [12]


def test_an_edge_while_we_were_down_is_acted_on_when_it_is_young() -> None:
    plans = [plan("cross", "V crosses above 200"), plan("state", "V > 200")]
    before = Evaluator(plans, START_S)
    fires(before, 199)
    after = restarted(before, plans, START_S + 30)
    outcomes = after.tick(print_of(START_S + 40, 201))
    assert [type(outcome) for outcome in outcomes] == [Firing, Firing]


def test_an_edge_while_we_were_down_is_told_when_it_is_old() -> None:
    plans = [plan("cross", "V crosses above 200"), plan("state", "V > 200")]
    before = Evaluator(plans, START_S)
    fires(before, 199)
    after = restarted(before, plans, START_S + 300)
    outcomes = after.tick(print_of(START_S + 300, 201))
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, HeldBack)] == [Reason.MISSED] * 2
    assert fires(after, 199, 201, start_s=START_S + 301) == [1]


def test_a_clock_time_that_passed_while_we_were_down_is_missed_at_once() -> None:
    plans = [plan("clock", "time is after 2030-03-17 13:46:50")]
    before = Evaluator(plans, START_S)
    before.advance(START_S)
    after = restarted(before, plans, START_S + 3600)
    outcomes = after.advance(START_S + 3600)
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, HeldBack)] == [Reason.MISSED]


def test_with_reset_a_restart_forgets_the_side() -> None:
    plans = [plan("cross", "V crosses above 200", on_gap=OnGap.RESET)]
    before = Evaluator(plans, START_S)
    fires(before, 199)
    assert fires(restarted(before, plans, START_S + 1), 201, 199, 201, start_s=START_S + 1) == [2]


def test_a_life_under_another_condition_keeps_only_its_numbering() -> None:
    old, new = plan("rule", "V > 200", once=True), plan("rule", "V > 210", once=True)
    new = replace(new, rule=replace(new.rule, when_digest="other"))
    before = Evaluator([old], START_S)
    fires(before, 199, 201)
    after = restarted(before, [new], START_S + 1)
    assert fires(after, 209, 211, start_s=START_S + 1) == [1]
    assert after.lives()["rule"].seq == 2


# Reloads.


def test_an_unchanged_rule_keeps_its_windows_and_timers() -> None:
    rules = [plan("move", "V moves up 5% in 5m"), plan("for", "V > 200 for 10s")]
    evaluator = Evaluator(rules, START_S)
    fires(evaluator, 199, 201)
    found = evaluator.replace([*rules, plan("new", "V > 210")], START_S + 5)
    assert (found.added, found.unchanged) == (("new",), ("move", "for"))
    outcomes = evaluator.tick(print_of(START_S + 20, 209))
    assert [outcome.rule for outcome in outcomes if isinstance(outcome, Firing)] == ["for", "move"]


def test_a_changed_guard_keeps_what_was_known_of_the_condition() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", once=True)], START_S)
    fires(evaluator, 199, 201)
    found = evaluator.replace([plan("rule", "V > 200", once=True, notify=("phone",))], START_S + 2)
    assert (found.changed, found.rearmed) == (("rule",), ())
    assert fires(evaluator, 199, 201, start_s=START_S + 3) == []
    evaluator.replace([plan("rule", "V > 200", cooldown_s=5, only_if="V > 202")], START_S + 10)
    assert state(evaluator, START_S + 10) is RuleState.DONE


def test_a_changed_condition_starts_anew() -> None:
    old, new = plan("rule", "V > 200", once=True), plan("rule", "V > 200.5", once=True)
    new = replace(new, rule=replace(new.rule, when_digest="other", digest="other"))
    evaluator = Evaluator([old], START_S)
    fires(evaluator, 199, 201)
    found = evaluator.replace([new], START_S + 2)
    assert (found.changed, found.rearmed) == (("rule",), ("rule",))
    assert fires(evaluator, 202, 199, 202, start_s=START_S + 3) == [2]


def test_a_removed_rule_leaves_nothing_behind() -> None:
    evaluator = Evaluator([plan("rule", "V > 200 for 5s", active=None)], START_S)
    fires(evaluator, 199, 201)
    assert evaluator.replace([], START_S + 2).removed == ("rule",)
    assert list(evaluator.advance(START_S + 100)) == []
    assert evaluator.next_timer_s() is None


def test_a_window_that_joins_later_knows_nothing_of_before() -> None:
    evaluator = Evaluator([plan("old", "V moves up 5% in 10s")], START_S)
    fires(evaluator, *[100] * 12)
    evaluator.replace([plan("old", "V moves up 5% in 10s"), plan("new", "V > lowest(V, 20s)")], START_S + 12)
    assert fires(evaluator, 100, 101, start_s=START_S + 13) == []
    assert fires(evaluator, *[101] * 20, start_s=START_S + 20) == []


# Orders held at the broker.


def held(name: str, when: str, arming: str | None, again: str | None = None, **words: object) -> Plan:
    here = plan(name, when, **words)
    case = HeldCase(0, condition(arming) if arming else None, (), condition(again) if again else None)
    return replace(here, where=Where.AT_BROKER, held=(case,))


def test_a_held_order_is_placed_once_the_other_side_is_seen() -> None:
    evaluator = Evaluator([held("rule", "V crosses above 200", "V < 200", once=True)], START_S)
    assert list(evaluator.tick(print_of(START_S, 201))) == []
    assert list(evaluator.tick(print_of(START_S + 1, 199))) == [Arming("rule", 0, START_S + 1)]
    assert state(evaluator) is RuleState.PLACED
    assert list(evaluator.tick(print_of(START_S + 2, 201))) == []
    assert list(evaluator.tick(print_of(START_S + 3, 199))) == []
    evaluator.held_ended("rule", True, START_S + 4)
    assert state(evaluator) is RuleState.DONE
    assert list(evaluator.tick(print_of(START_S + 5, 199))) == []


def test_a_snapshot_is_enough_to_see_the_other_side() -> None:
    evaluator = Evaluator([held("rule", "V crosses above 200", "V < 200")], START_S)
    assert list(evaluator.tick(print_of(START_S, 199, snapshot=True))) == [Arming("rule", 0, START_S)]


def test_without_once_it_re_arms_when_the_other_side_is_seen() -> None:
    evaluator = Evaluator([held("rule", "V crosses above 200", "V < 200")], START_S)
    evaluator.tick(print_of(START_S, 199))
    evaluator.tick(print_of(START_S + 1, 201))
    evaluator.held_ended("rule", True, START_S + 1)
    assert list(evaluator.tick(print_of(START_S + 2, 202))) == []
    assert list(evaluator.tick(print_of(START_S + 3, 199))) == [Arming("rule", 0, START_S + 3)]
    assert evaluator.lives()["rule"].seq == 2


def test_the_fill_may_be_told_before_the_print_that_caused_it() -> None:
    evaluator = Evaluator([held("rule", "V crosses above 200", "V < 200")], START_S)
    evaluator.tick(print_of(START_S, 199))
    evaluator.held_ended("rule", True, START_S + 1)
    assert list(evaluator.tick(print_of(START_S + 1, 199.5))) == []
    assert list(evaluator.tick(print_of(START_S + 1.1, 201))) == []
    assert list(evaluator.tick(print_of(START_S + 2, 199))) == [Arming("rule", 0, START_S + 2)]


def test_a_spike_that_only_ib_saw_does_not_leave_the_rule_waiting_for_ever() -> None:
    evaluator = Evaluator([held("rule", "V crosses above 200", "V < 200")], START_S)
    evaluator.tick(print_of(START_S, 199))
    evaluator.held_ended("rule", True, START_S + 1)
    assert list(evaluator.tick(print_of(START_S + 5, 199))) == []
    assert list(evaluator.tick(print_of(START_S + 6, 199))) == [Arming("rule", 0, START_S + 6)]


@pytest.mark.parametrize("arming", [None, "MA < 400"])
@pytest.mark.parametrize("restart", [False, True])
def test_what_was_filled_is_placed_again_only_after_all_of_it_was_false(arming: str | None, restart: bool) -> None:
    plans = [held("rule", "V >= 200", arming, "V < 200")]
    evaluator = Evaluator(plans, START_S)
    placed = [*evaluator.advance(START_S), *evaluator.tick(print_of(START_S, 399, "MA"))]
    assert placed == [Arming("rule", 0, START_S)]
    evaluator.held_ended("rule", True, START_S + 1)
    if restart:
        evaluator = restarted(evaluator, plans, START_S + 2)
    assert list(evaluator.tick(print_of(START_S + 2, 201))) == []
    assert list(evaluator.tick(print_of(START_S + 2, 399, "MA"))) == []
    assert list(evaluator.tick(print_of(START_S + 3, 199))) == [Arming("rule", 0, START_S + 3)]


def test_a_held_order_that_ended_unused_is_placed_again() -> None:
    evaluator = Evaluator([held("rule", "V >= 200", None)], START_S)
    evaluator.advance(START_S)
    evaluator.held_ended("rule", False, START_S + 1)
    assert list(evaluator.advance(START_S + 1)) == [Arming("rule", 0, START_S + 1)]


def test_what_the_broker_holds_is_not_placed_again_after_a_restart() -> None:
    plans = [held("rule", "V >= 200", None), held("other", "V crosses above 200", "V < 200")]
    before = Evaluator(plans, START_S)
    before.tick(print_of(START_S, 199))
    after = restarted(before, plans, START_S + 5)
    assert list(after.tick(print_of(START_S + 5, 199))) == []
    assert [status.state for status in after.status(START_S + 5)] == [RuleState.PLACED] * 2


def test_nothing_is_placed_for_a_rule_that_is_disabled_or_past_its_end() -> None:
    plans = [held("off", "V >= 200", None, enabled=False), held("past", "V >= 200", None, expires_s=START_S - 1)]
    assert list(Evaluator(plans, START_S).advance(START_S)) == []


# The account.


def test_an_execution_counts_from_arming_on() -> None:
    evaluator = Evaluator([plan("rule", "any execution in V")], START_S)
    assert [type(outcome) for outcome in evaluator.executed("V", START_S + 1)] == [Firing]
    assert list(evaluator.executed("V", START_S + 2)) == []
    evaluator.pause("rule", START_S + 3)
    evaluator.resume("rule", START_S + 4)
    assert len(evaluator.executed("V", START_S + 5)) == 1


def test_account_values_are_judged_when_they_come() -> None:
    evaluator = Evaluator([plan("rule", "account.margin_cushion <= 15%")], START_S)
    assert list(evaluator.account("margin_cushion", 0.2)) == []
    assert list(evaluator.account("margin_cushion", None)) == []
    [firing] = evaluator.account("margin_cushion", 0.15)
    assert isinstance(firing, Firing)
    assert firing.values == {"account.margin_cushion": 0.15}


def test_an_unknown_position_is_unknown() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", only_if="position(V) == 0 and working_orders(V) == 0")], START_S)
    evaluator.tick(print_of(START_S, 199))
    [outcome] = evaluator.tick(print_of(START_S + 1, 201))
    assert isinstance(outcome, HeldBack)
    evaluator.position("V", 0.0)
    evaluator.working("V", 0)
    assert fires(evaluator, 199, 201, start_s=START_S + 2) == [1]


def test_firings_say_what_their_condition_read() -> None:
    evaluator = Evaluator([plan("rule", "V moves up 5% in 5m and MA.bid > 1")], START_S)
    evaluator.tick(print_of(START_S, 2.0, "MA")._replace(field=Field.BID))
    evaluator.tick(print_of(START_S, 100))
    [firing] = evaluator.tick(print_of(START_S + 1, 106))
    assert isinstance(firing, Firing)
    assert firing.values == {"V": 106, "MA.bid": 2.0, "move": 106 / 100 - 1}


def test_late_prints_are_counted_and_of_their_own_field_only() -> None:
    evaluator = Evaluator([plan("rule", "V > 200")], START_S)
    evaluator.tick(print_of(START_S + 5, 199)._replace(field=Field.BID))
    evaluator.tick(print_of(START_S + 1, 199))
    evaluator.tick(print_of(START_S, 201))
    assert evaluator.late == 1
    assert fires(evaluator, 201, start_s=START_S + 6) == [0]


@pytest.mark.parametrize(("value", "read"), [(198.5, 198.5), (0.0, None), (float("nan"), None)])
def test_a_field_that_no_rule_reads_is_known_however_far_the_clock_is(value: float, read: float | None) -> None:
    evaluator = Evaluator([plan("rule", "V > 200")], START_S)
    bid = print_of(START_S, 198)._replace(field=Field.BID)
    evaluator.tick(bid)
    evaluator.advance(START_S + 9)
    for late_s, price in ((3, 197.0), (4, value), (2, 150.0)):
        assert not evaluator.tick(bid._replace(time_s=START_S + late_s, value=price))
    assert evaluator.read(Reading(us_stock("V"), Field.BID)) == read
    assert evaluator.late == 1
    assert fires(evaluator, 199, 201, start_s=START_S + 10) == [1]


def test_if_missed_can_only_tell() -> None:
    evaluator = Evaluator([plan("rule", "V > 200", if_missed=IfMissed(act=False))], START_S)
    evaluator.tick(print_of(START_S, 199))
    evaluator.feed_down(START_S + 1)
    evaluator.feed_up(START_S + 2)
    [outcome] = evaluator.tick(print_of(START_S + 2, 201))
    assert isinstance(outcome, HeldBack)
    assert (outcome.reason, outcome.detail) == (Reason.MISSED, "no data for 1 seconds")
