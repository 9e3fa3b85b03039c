"""What rules find in folded ticks, compared with what they find in all of them.

Of turning points: rules that are called proof fire as often, rule by rule, and so do moves and extremes as long as
their windows hold all of it. Of low, high and last: every rule on a level that was on one side before, and that any
tick brought to the other, fires; none fires that would not have fired. Prices and times at which they fire may be those
of the next turn.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules_engine.broker.inbox import DIVIDES, Inbox, Item
from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.language import Source, load
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.reports import FeedDown, FeedUp, LinkChange, PositionsTold
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from rules_engine.planning import plan_all
from rules_engine.planning.fold_proof import is_fold_proof
from tests.broker.plain_folding import Choose, always, ends, folded_plainly, turns

_STEP_S = 0.001
_V = ("V", Field.LAST)
_PROOF = [
    *(f"V > {level}.5" for level in range(1, 9)),
    *(f"V < {level}.5" for level in range(1, 9)),
    *(f"V crosses above {level}.5" for level in range(1, 9)),
    *(f"V crosses below {level}" for level in range(1, 9)),
    "V crosses 5.5",
    "V.bid > 4.5",
    "2 * MA crosses below 9",
    "MA <= level",
    "V / 2 > 3",
    *(f"EUR {words}" for level in range(2, 9) for words in (f"> {level}", f"< {level}.25", f"crosses {level}.5")),
    "V.mid crosses below 5",
    "V.change_today > 20%",
    "V.change_today <= -30%",
]
_IN_WINDOWS = [
    "V moves up 50% in 5m",
    "V moves down 30% in 5m",
    "V moves up 3 points in 5m",
    "EUR moves down 20% in 5m",
    "V > 1.5 * lowest(V, 5m)",
    "V < 0.6 * highest(V, 5m)",
    "highest(V, 5m) > 2 * lowest(V, 5m)",
    "V >= highest(V, 5m)",
]
"""They look at the same prices, unless one leaves their window in between."""
_NOT_PROOF = [
    *_IN_WINDOWS,
    "V == 5",
    "9 / V > 2",
    "V > MA",
    "V > V.bid",
    "V enters 4 to 6",
    "V is inside 4 to 6",
    "V > 4 and V < 6",
    "V < 4 or V > 6",
    "V moves 30% in 5m",
    "V changes up 2% in 60s",
    "sma(V, 10s) > 5",
    "V > sma(V, 5m) + 3 * stdev(V, 5m)",
    "V * V > 20",
    "abs(V - 5) < 1",
    "V > 5 for 10s",
    "V[1m] > 5",
    "not V > 5",
    "V > 5 using double last",
    "no tick from V for 10s",
]
_IN_TIME = ["cooldown: 1s", "at_most: 2 per day", "active: {hours: 09:45-15:30}", "stale_after: 1s"]
_ONE_SIDED = [text for text in _PROOF if text.startswith(("V >", "V <")) and len(text) == len("V > 1.5")]


_HEAD = "version: 1\ntimezone: UTC\ninstruments:\n  EUR: {forex: EURUSD}\nrules:\n"


def _plans(sentences: Sequence[str], life: str = "enabled: true") -> tuple[Plan, ...]:
    rules = "".join(
        f"  - {{name: r{number}, when: '{text}', do: buy 1 MA, run: here, let: {{level: 4.5}}, {life}}}\n"
        for number, text in enumerate(sentences)
    )
    loaded = load([Source("a.yaml", f"{_HEAD}{rules}".encode())], now_s=0.0)
    assert loaded.ok, loaded.problems
    return plan_all(loaded.rules)[0]


_PLANS = _plans([*_PROOF, *_IN_WINDOWS])
_PROOF_PLANS = _plans(_PROOF)
_VALUES = st.one_of(st.integers(1, 9).map(float), st.none())
_QUOTES = _BID, _ASK = ("EUR", Field.BID), ("EUR", Field.ASK)
_SERIES = st.sampled_from(
    [_V, _V, ("V", Field.BID), ("V", Field.ASK), ("V", Field.CLOSE), ("MA", Field.LAST), *_QUOTES]
)
_STREAMS = st.lists(st.tuples(_SERIES, _VALUES), max_size=80)
_QUOTED_PRICE = st.tuples(st.sampled_from(_QUOTES), st.integers(1, 9).map(float))
_QUOTED = st.lists(st.tuples(st.sampled_from(_QUOTES), _VALUES), max_size=80)


def _ticks(raw: Sequence[tuple[tuple[str, Field], float | None]], start_s: float) -> list[Tick]:
    return [
        Tick(name, start_s + number * _STEP_S, field, value, 1.0) for number, ((name, field), value) in enumerate(raw)
    ]


def _firings(plans: Sequence[Plan], before: Sequence[Tick], then: Sequence[Tick]) -> tuple[Counter[str], Counter[str]]:
    """How often each rule fired before, and then."""
    evaluator = Evaluator(plans, 0.0)
    # Windows that are filled, so that extremes and moves count from the first tick on.
    for name, field in (_V, ("MA", Field.LAST), ("EUR", Field.MID)):
        evaluator.backfill(name, field, (), -1e6)
    return _fired(evaluator, before), _fired(evaluator, then)


def _fired(evaluator: Evaluator, items: Sequence[Item]) -> Counter[str]:
    outcomes = [outcome for item in items for outcome in _heard(evaluator, item)]
    return Counter(outcome.rule for outcome in outcomes if isinstance(outcome, Firing))


def _heard(evaluator: Evaluator, item: Item) -> Sequence[Outcome]:
    match item:
        case Tick():
            return evaluator.tick(item)
        case FeedDown(time_s, instrument):
            return evaluator.feed_down(time_s, instrument)
        case FeedUp(time_s, instrument):
            return evaluator.feed_up(time_s, instrument)
    return ()


def _folded(choose: Choose, ticks: Sequence[Item]) -> list[Item]:
    return list(at_once(always(choose)(ticks, DIVIDES, 0)).items)


def _folded_ticks(choose: Choose, ticks: Sequence[Tick]) -> list[Tick]:
    return [item for item in _folded(choose, ticks) if isinstance(item, Tick)]


_REPORTS = st.sampled_from([FeedDown(0.0, "V"), FeedUp(0.0, "V"), LinkChange(0.0, "down"), PositionsTold(0.0)])
_TICKS = st.builds(
    lambda series, value, snapshot: Tick(series[0], 0.0, series[1], value, 1.0, snapshot),
    _SERIES,
    _VALUES,
    st.booleans(),
)


_GONE_AS_IT_STOOD = (-3.0, 5.0, -2.0, -9.0, 1.0, 9.0, 4.0, -3.0, -2.5)
"""Bids, below zero, and asks, of which the first is what was known before a feed was lost, and goes."""


@pytest.mark.parametrize("choose", [turns, ends])
@given(st.lists(st.one_of(_TICKS, _TICKS, _TICKS, _TICKS, _TICKS, _TICKS, _REPORTS), max_size=80))
@example(
    [
        Tick("EUR", 0.0, Field.ASK, 5.0),
        FeedDown(0.0, "EUR"),
        *(Tick("EUR", 0.0, Field.BID if value < 0 else Field.ASK, abs(value)) for value in _GONE_AS_IT_STOOD),
    ]
)
def test_the_same_stays_as_of_series_that_are_written_out(choose: Choose, items: list[Item]) -> None:
    assert _folded(choose, items) == folded_plainly(items, choose)


@given(_STREAMS | _QUOTED, _STREAMS | _QUOTED)
def test_rules_fire_as_often_on_turning_points_as_on_all_ticks(
    first: list[tuple[tuple[str, Field], float | None]], then: list[tuple[tuple[str, Field], float | None]]
) -> None:
    before, ticks = _ticks(first, 0.0), _ticks(then, 1.0)
    _, expected = _firings(_PLANS, before, ticks)
    _, found = _firings(_PLANS, before, _folded_ticks(turns, ticks))
    assert found == expected


_FEEDS = st.sampled_from([FeedDown(0.0, "V"), FeedUp(0.0, "V"), FeedDown(0.0, "EUR"), FeedUp(0.0, "EUR")])
_PIECES = st.tuples(_STREAMS | _QUOTED, st.none() | _FEEDS, st.one_of(st.integers(0, 40), st.just(1000)))
"""Prices and a report that arrive, and how many items are taken then at most."""


@pytest.mark.parametrize("choose", [turns, ends])
@given(st.lists(_PIECES, max_size=8), st.integers(1, 6))
def test_rules_fire_as_often_on_what_is_taken_while_the_inbox_folds(
    choose: Choose,
    pieces: list[tuple[list[tuple[tuple[str, Field], float | None]], FeedDown | FeedUp | None, int]],
    looks: int,
) -> None:
    """Folded into low, high and last, at no other price."""
    inbox, offered, taken = Inbox(ticks_max=30), list[Item](), list[Item]()
    with (
        patch("rules_engine.broker.folding.LOOKS", looks),
        patch("rules_engine.broker.inbox.folding", always(choose)),
    ):
        for raw, report, most in pieces:
            for tick in _ticks(raw, len(offered) * _STEP_S):
                inbox.tick(tick)
                offered.append(tick)
            if report is not None:
                report = replace(report, time_s=len(offered) * _STEP_S)
                inbox.report(report)
                offered.append(report)
            taken += islice(inbox.take(), most)
    taken += inbox.take()
    expected, found = (_fired(Evaluator(_PROOF_PLANS, 0.0), items) for items in (offered, taken))
    assert found == expected if choose is turns else found <= expected


@pytest.mark.parametrize("life", _IN_TIME)
def test_rules_that_count_the_time_of_their_firings_or_values_are_not_proof(life: str) -> None:
    assert not is_fold_proof(_plans(["V > 5"], life)[0].rule)


@given(_QUOTED, _QUOTED)
def test_nothing_fires_at_a_pair_of_quotes_that_never_was(
    first: list[tuple[tuple[str, Field], float | None]], then: list[tuple[tuple[str, Field], float | None]]
) -> None:
    """As few as three ticks of each side stay, and between them the other side has moved."""
    plans = _plans([*(f"EUR > {level}.25" for level in range(1, 9)), "EUR crosses 5.5", "EUR.bid > 4", "EUR.ask > 4"])
    before, ticks = _ticks(first, 0.0), _ticks(then, 1.0)
    _, expected = _firings(plans, before, ticks)
    _, found = _firings(plans, before, _folded_ticks(ends, ticks))
    assert found <= expected


@pytest.mark.parametrize("choose", [turns, ends])
@given(_QUOTED)
def test_midpoints_that_stay_were_there_and_the_lowest_highest_and_last_stay(
    choose: Choose, raw: list[tuple[tuple[str, Field], float | None]]
) -> None:
    ticks = _ticks(raw, 0.0)
    whole, some = _middles(ticks), _middles(_folded_ticks(choose, ticks))
    assert {*some} <= {*whole}
    assert some[-1:] == whole[-1:]
    known, left = ([one for one in middles if one is not None] for middles in (whole, some))
    assert (min(left, default=0), max(left, default=0)) == (min(known, default=0), max(known, default=0))


def _middles(ticks: Sequence[Tick]) -> list[float | None]:
    """What the midpoint is after each tick."""
    sides: dict[Field, float | None] = {}
    found = list[float | None]()
    for tick in ticks:
        sides[tick.field] = tick.value
        bid, ask = sides.get(Field.BID), sides.get(Field.ASK)
        found.append(None if bid is None or ask is None else (bid + ask) / 2)
    return found


@pytest.mark.parametrize("text", _PROOF)
def test_rules_on_one_level_of_one_series_are_proof(text: str) -> None:
    assert is_fold_proof(_plans([text])[0].rule)


@pytest.mark.parametrize("text", _NOT_PROOF)
def test_rules_that_look_between_turning_points_are_not_proof(text: str) -> None:
    assert not is_fold_proof(_plans([text])[0].rule)


def test_rules_with_a_second_condition_are_not_proof() -> None:
    rule = _plans(["V > 5"])[0].rule
    other = _plans(["V < 8"])[0].rule.cases[0].when
    assert not is_fold_proof(replace(rule, only_if=other))
    assert not is_fold_proof(replace(rule, clears_when=other))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=80), st.integers(1, 9))
def test_on_low_high_and_last_every_level_is_reached_that_any_tick_reached(values: list[int], start: int) -> None:
    plans = _plans(_ONE_SIDED)
    before = _ticks([(("V", Field.LAST), float(start))], 0.0)
    ticks = _ticks([(("V", Field.LAST), float(value)) for value in values], 1.0)
    _, expected = _firings(plans, before, ticks)
    _, found = _firings(plans, before, _folded_ticks(ends, ticks))
    reached = {
        f"r{number}"
        for number, text in enumerate(_ONE_SIDED)
        for above, level in [(text[2] == ">", float(text[4:]))]
        if (start > level) is not above and any((value > level) is above for value in values)
    }
    assert reached <= set(found) <= set(expected)


@given(st.lists(_QUOTED_PRICE, max_size=30), st.lists(st.integers(1, 9), max_size=9), st.lists(_QUOTED_PRICE))
@example([(_BID, 5.0), (_ASK, 1.0)], [7, 1], [(_BID, 1.0), (_ASK, 9.0), (_ASK, 1.0)])
def test_on_low_high_and_last_every_level_is_reached_that_any_midpoint_reached(
    first: list[tuple[tuple[str, Field], float]], alone: list[int], both: list[tuple[tuple[str, Field], float]]
) -> None:
    """Also while one side moves beside the other as it stood before."""
    then = [*((_ASK, float(value)) for value in alone), *both]
    above = {f"r{number}": level + 0.25 for number, level in enumerate(range(1, 9))}
    plans = _plans([f"EUR > {level}" for level in above.values()])
    before, ticks = _ticks(first, 0.0), _ticks(then, 1.0)
    _, expected = _firings(plans, before, ticks)
    _, found = _firings(plans, before, _folded_ticks(ends, ticks))
    start = [None, *_middles(before)][-1]
    middles = [one for one in _middles([*before, *ticks])[len(before) :] if one is not None]
    reached = {name for name, level in above.items() if start is not None and start < level < max(middles, default=0)}
    assert reached <= set(found)
    assert found <= expected


@given(_STREAMS)
def test_folding_keeps_sizes_order_extremes_and_the_last(raw: list[tuple[tuple[str, Field], float | None]]) -> None:
    ticks = _ticks(raw, 0.0)
    for choose in (turns, ends):
        kept = _folded_ticks(choose, ticks)
        assert [tick.time_s for tick in kept] == sorted(tick.time_s for tick in kept)
        assert sum(tick.size for tick in kept) == len(ticks)
        for series in {(tick.instrument, tick.field) for tick in ticks}:
            whole = [tick.value for tick in ticks if (tick.instrument, tick.field) == series]
            some = [tick.value for tick in kept if (tick.instrument, tick.field) == series]
            assert some[-1:] == whole[-1:]
            known, left = ([value for value in values if value is not None] for values in (whole, some))
            assert (min(left, default=0), max(left, default=0)) == (min(known, default=0), max(known, default=0))


@given(st.lists(st.integers(1, 9), min_size=3, max_size=80))
def test_turning_points_are_no_more_than_the_turns_and_the_ends(values: list[int]) -> None:
    ticks = _ticks([(("V", Field.LAST), float(value)) for value in values], 0.0)
    changed = [value for number, value in enumerate(values) if not number or value != values[number - 1]]
    reversals = sum(
        (after - value) * (value - before) < 0
        for before, value, after in zip(changed, changed[1:], changed[2:], strict=False)
    )
    assert len(_folded(turns, ticks)) <= reversals + 3


def test_a_snapshot_stands_for_no_print_of_its_price() -> None:
    """By a snapshot nothing fires."""
    values = [9.0, 2.0, 9.0, 1.0, 5.0]
    ticks = [tick._replace(snapshot=not place) for place, tick in enumerate(_ticks([(_V, one) for one in values], 1.0))]
    kept = [(tick.value, tick.snapshot) for tick in _folded_ticks(ends, ticks)]
    assert kept == [(9.0, True), (9.0, False), (1.0, False), (5.0, False)]


def test_prints_before_and_after_a_snapshot_stay() -> None:
    """By the one before it, a level is reached that the snapshot only passes."""
    ticks = _ticks([(_V, value) for value in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)], 1.0)
    ticks[3] = ticks[3]._replace(snapshot=True)
    assert [tick.value for tick in _folded_ticks(turns, ticks)] == [1.0, 3.0, 4.0, 5.0, 7.0]
    plans = _plans(["V > 2.5"])
    until = ticks[:4]
    assert _firings(plans, (), _folded_ticks(turns, until)) == _firings(plans, (), until)
    assert _firings(plans, (), until)[1] == {"r0": 1}
