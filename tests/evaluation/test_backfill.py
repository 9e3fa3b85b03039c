"""History under what is known: windows and bars fill, nothing fires by it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules_engine.evaluation import Evaluator
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.plan import Plan
from rules_engine.model.tick import Bar, Tick
from rules_engine.model.truth import Truth
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import expression, plan

MINUTE_S = START_S - START_S % 60


def with_history(rule: Plan, prices: list[float], instrument: str = "V") -> Evaluator:
    """Ten seconds between the prints of the past, the last one ten seconds ago."""
    evaluator = Evaluator([rule], START_S)
    evaluator.feed_up(START_S)
    first_s = START_S - 10 * len(prices)
    past = [print_of(first_s + 10 * number, price, instrument) for number, price in enumerate(prices)]
    evaluator.backfill(instrument, Field.LAST, past, first_s)
    return evaluator


def test_a_move_over_history_and_a_live_print() -> None:
    evaluator = with_history(plan("rule", "V moves up 5% in 5m"), [100.0] * 30)
    assert list(evaluator.tick(print_of(START_S, 104.0))) == []
    assert evaluator.truths("rule") == (Truth.FALSE,)
    [firing] = evaluator.tick(print_of(START_S + 1, 105.0))
    assert isinstance(firing, Firing)
    assert firing.values["move"] == pytest.approx(0.05)


def test_history_reaches_up_to_the_time_at_which_it_was_given() -> None:
    evaluator = Evaluator([plan("rule", "V moves up 5% in 5m")], START_S)
    evaluator.feed_up(START_S)
    evaluator.tick(print_of(START_S, 100.0))
    past = [print_of(START_S - 299, 100.0)]
    evaluator.backfill("V", Field.LAST, past, START_S - 299.5)
    assert evaluator.truths("rule") == (Truth.UNKNOWN,)
    evaluator.backfill("V", Field.LAST, past, START_S - 299.5, now_s=START_S + 0.5)
    assert evaluator.truths("rule") == (Truth.FALSE,)


def test_what_history_shows_to_be_true_already_does_not_fire() -> None:
    evaluator = with_history(plan("rule", "V moves up 5% in 5m"), [100.0] * 30)
    assert list(evaluator.tick(print_of(START_S, 106.0))) == []
    assert list(evaluator.tick(print_of(START_S + 1, 107.0))) == []


def test_history_that_is_too_short_leaves_it_unknown() -> None:
    evaluator = with_history(plan("rule", "V > sma(V, 5m)"), [100.0] * 29)
    evaluator.tick(print_of(START_S, 101.0))
    assert evaluator.truths("rule") == (Truth.UNKNOWN,)
    evaluator.tick(print_of(START_S + 10, 101.0))
    assert evaluator.truths("rule") == (Truth.TRUE,)


def test_history_that_comes_after_live_prints_goes_under_them() -> None:
    evaluator = Evaluator([plan("rule", "sma(V, 60s) > 100")], START_S)
    evaluator.tick(print_of(START_S, 103.0))
    past = [print_of(START_S - 60 + 10 * number, 100.0) for number in range(7)]
    evaluator.backfill("V", Field.LAST, past, START_S - 60)
    evaluator.tick(print_of(START_S + 1, 103.0))
    assert evaluator.truths("rule") == (Truth.TRUE,)
    assert evaluator.read(expression("sma(V, 60s)")) == pytest.approx((5 * 100 + 2 * 103) / 7)


def test_an_expression_needs_the_history_of_all_that_it_reads() -> None:
    evaluator = with_history(plan("rule", "V - MA moves up 5 points in 60s"), [100.0] * 6)
    ticks = [print_of(START_S - 55 + 10 * number, 50.0, "MA") for number in range(6)]
    evaluator.backfill("MA", Field.LAST, ticks, START_S - 60)
    evaluator.tick(print_of(START_S, 50.0, "MA"))
    evaluator.tick(print_of(START_S, 104.0))
    assert evaluator.truths("rule") == (Truth.FALSE,)
    assert len(evaluator.tick(print_of(START_S + 1, 105.0))) == 1


def test_bars_fill_bar_series_and_the_forming_one_is_completed() -> None:
    evaluator = Evaluator([plan("rule", "V > sma(V, 3)", bars_s=60)], MINUTE_S + 30)
    evaluator.tick(print_of(MINUTE_S + 30, 13.0))
    past = [Bar(MINUTE_S - 60 * back, 10, 10, 10, 10) for back in (3, 2, 1)]
    evaluator.backfill("V", Field.LAST, [*past, Bar(MINUTE_S, 9, 9, 9, 9)], MINUTE_S - 180, bar_s=60)
    evaluator.tick(print_of(MINUTE_S + 40, 10.5))
    assert evaluator.truths("rule") == (Truth.TRUE,)
    evaluator.tick(print_of(MINUTE_S + 60, 10.1))
    assert evaluator.truths("rule") == (Truth.FALSE,)


def test_fine_bars_make_coarse_ones() -> None:
    first_s = MINUTE_S - MINUTE_S % 120 - 120
    evaluator = Evaluator([plan("rule", "V > highest(V[2m].high, 1)")], first_s + 120)
    past = [Bar(first_s, 10, 14, 9, 12), Bar(first_s + 60, 12, 13, 11, 11)]
    evaluator.backfill("V", Field.LAST, past, first_s, bar_s=60)
    evaluator.tick(print_of(first_s + 120, 14.0))
    assert evaluator.truths("rule") == (Truth.FALSE,)


def test_bars_are_not_prints_and_cover_no_window() -> None:
    evaluator = Evaluator([plan("rule", "V moves up 5% in 5m")], START_S)
    days = [Bar(START_S - 86_400 * back, 10, 10, 10, 10) for back in (2, 1)]
    evaluator.backfill("V", Field.LAST, days, days[0].start_s, bar_s=86_400)
    evaluator.tick(print_of(START_S, 10.0))
    assert evaluator.truths("rule") == (Truth.UNKNOWN,)


def test_prints_make_bars_too() -> None:
    evaluator = Evaluator([plan("rule", "V > sma(V, 2)", bars_s=60)], MINUTE_S)
    past = [print_of(MINUTE_S - 150 + 30 * number, 10.0) for number in range(5)]
    evaluator.backfill("V", Field.LAST, past, MINUTE_S - 150)
    evaluator.tick(print_of(MINUTE_S, 11.0))
    assert evaluator.truths("rule") == (Truth.TRUE,)


def test_a_history_without_prices_changes_nothing() -> None:
    evaluator = with_history(plan("rule", "V > sma(V, 5m)"), [])
    evaluator.backfill("V", Field.LAST, [Tick("V", START_S - 1, Field.LAST, None)], START_S - 400)
    evaluator.tick(print_of(START_S, 101.0))
    assert evaluator.truths("rule") == (Truth.FALSE,)


def test_a_day_is_a_session_that_may_begin_in_the_morning() -> None:
    opening_s = 1_921_588_200.0  # 2030-11-22 09:30 in New York.
    evaluator = Evaluator([plan("rule", "V > highest(V[1d].high, 2)")], opening_s)
    past = [Bar(opening_s - 86_400 * back, 10, 10 + back, 9, 10) for back in (2, 1)]
    evaluator.backfill("V", Field.LAST, past, past[0].start_s, bar_s=86_400)
    evaluator.tick(print_of(opening_s, 12.0))
    assert evaluator.truths("rule") == (Truth.FALSE,)
    evaluator.tick(print_of(opening_s + 1, 12.01))
    assert evaluator.truths("rule") == (Truth.TRUE,)


def interrupted(rule: Plan, live: list[float], missed: list[float], field: Field = Field.LAST) -> Evaluator:
    """Ten seconds between prints; those missed are told by history, which goes back to the first one."""
    evaluator = Evaluator([rule], START_S)
    evaluator.feed_up(START_S)
    prints = [print_of(START_S + 10 * number, price) for number, price in enumerate([*live, *missed])]
    for tick in prints[: len(live)]:
        evaluator.tick(tick)
    lost_s, back_s = START_S + 10 * len(live) - 5, START_S + 10 * len(prints) - 5
    evaluator.feed_down(lost_s, "V")
    evaluator.feed_up(back_s, "V")
    evaluator.tick(prints[-1]._replace(time_s=back_s, snapshot=True))
    evaluator.backfill("V", field, prints, START_S)
    evaluator.tick(prints[-1]._replace(time_s=back_s + 5))
    return evaluator


def test_a_print_that_history_tells_in_whole_seconds_counts_once() -> None:
    evaluator = Evaluator([plan("rule", "sma(V, 60s) > 100")], START_S)
    evaluator.tick(print_of(START_S + 0.6, 103.0))
    evaluator.tick(print_of(START_S + 0.8, 104.0))
    past = [print_of(START_S - 1, 100.0), print_of(START_S, 99.0), print_of(START_S, 103.0), print_of(START_S, 104.0)]
    evaluator.backfill("V", Field.LAST, past, START_S - 60)
    assert evaluator.read(expression("sma(V, 60s)")) == pytest.approx((100 + 99 + 103 + 104) / 4)


def test_history_shows_since_when_a_state_has_lasted_through_a_gap() -> None:
    evaluator = interrupted(plan("rule", "V > 100 for 2m"), [99.0, 101.0, 101.0], [102.0, 101.0])
    assert list(evaluator.advance(START_S + 129)) == []
    [firing] = evaluator.advance(START_S + 130)
    assert isinstance(firing, Firing)


def test_history_shows_that_a_state_did_not_last_through_a_gap() -> None:
    evaluator = interrupted(plan("rule", "V > 100 for 2m"), [99.0, 101.0, 101.0], [99.0, 101.0])
    assert list(evaluator.advance(START_S + 159)) == []
    [firing] = evaluator.advance(START_S + 160)
    assert isinstance(firing, Firing)


def test_an_event_in_a_gap_lasts_from_when_it_happened() -> None:
    evaluator = interrupted(plan("rule", "V crosses above 100 for 2m"), [99.0, 99.0], [101.0, 101.0])
    assert list(evaluator.advance(START_S + 139)) == []
    [firing] = evaluator.advance(START_S + 140)
    assert isinstance(firing, Firing)


def test_without_history_what_lasts_begins_anew_after_a_gap() -> None:
    evaluator = interrupted(plan("rule", "V > 100 for 2m"), [99.0, 101.0, 101.0], [102.0, 101.0], Field.BID)
    assert list(evaluator.advance(START_S + 169)) == []
    [firing] = evaluator.advance(START_S + 170)
    assert isinstance(firing, Firing)


LASTING = (
    "V > 100 for 35s",
    "(V > 100 or V < 95) for 45s",
    "V crosses above 100 for 25s",
    "V moves up 2% in 45s for 25s",
    "not (V > 100 for 35s)",
)


@given(
    sentence=st.sampled_from(LASTING),
    cents=st.lists(st.sampled_from((94, 97, 99, 101, 103)), min_size=20, max_size=40),
    start=st.integers(6, 12),
    length=st.integers(1, 6),
)
def test_what_lasts_through_a_gap_with_history_is_as_if_there_had_been_none(
    sentence: str, cents: list[int], start: int, length: int
) -> None:
    prints = [print_of(START_S + 10 * number, float(price)) for number, price in enumerate(cents)]
    whole, broken = Evaluator([plan("rule", sentence)], START_S), Evaluator([plan("rule", sentence)], START_S)
    ours: list[tuple[float, object]] = []
    theirs: list[tuple[float, object]] = []
    end = start + length
    for evaluator, found in ((whole, ours), (broken, theirs)):
        evaluator.feed_up(START_S)
        for number, tick in enumerate(prints):
            if evaluator is broken and number == start:
                evaluator.feed_down(tick.time_s - 5, "V")
            if evaluator is broken and number == end:
                evaluator.feed_up(tick.time_s - 5, "V")
                evaluator.tick(prints[end - 1]._replace(time_s=tick.time_s - 5, snapshot=True))
                evaluator.backfill("V", Field.LAST, prints[:end], START_S)
            if evaluator is whole or not start <= number < end:
                outcomes = [*evaluator.advance(tick.time_s - 5), *evaluator.tick(tick)]
                found += [(tick.time_s, type(outcome)) for outcome in outcomes]
    in_gap = [at_s for at_s, _ in ours if start <= (at_s - START_S) / 10 <= end]
    assume(not in_gap)
    assert theirs == ours
    assert broken.truths("rule") == whole.truths("rule")
