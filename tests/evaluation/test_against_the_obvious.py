"""Every fast path against its obvious twin, on random prints."""

from fractions import Fraction
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation.extremes import Extremes
from rules_engine.evaluation.sums import Sums
from rules_engine.evaluation.windows import Extreme, Moments
from rules_engine.model.rule import IfAlreadyTrue
from tests.evaluation.market import START_S, fired_at, firing_times, prints, rising_edges
from tests.evaluation.market import Prints as Market
from tests.evaluation.sentences import plan

windows = st.sampled_from([1, 2, 5, 10])


def in_window(market: Market, number: int, window_s: float) -> list[float]:
    """What was printed in (now - window, now] up to a print."""
    now_s = market[number][0]
    return [price for time_s, price in market[: number + 1] if now_s - window_s < time_s]


def full(market: Market, number: int, window_s: float) -> bool:
    return market[0][0] <= market[number][0] - window_s


def moves(market: Market, window_s: float, up: bool, down: bool) -> list[bool | None]:
    found: list[bool | None] = []
    for number, (_, last) in enumerate(market):
        seen = in_window(market, number, window_s)
        moved = (up and last * 100 >= min(seen) * 105) or (down and last * 100 <= max(seen) * 95)
        found.append(moved or (False if full(market, number, window_s) else None))
    return found


@given(prints(), windows, st.sampled_from(["up ", "down ", ""]))
def test_moves(market: Market, window_s: int, way: str) -> None:
    rule = plan("move", f"V moves {way}5% in {window_s}s")
    truths = moves(market, window_s, up=way != "down ", down=way != "up ")
    assert fired_at(rule, market) == rising_edges(truths, seen_happening=True)


@given(prints(), windows)
def test_changes(market: Market, window_s: int) -> None:
    truths: list[bool | None] = []
    for number, (now_s, last) in enumerate(market):
        older = [price for time_s, price in market[: number + 1] if time_s <= now_s - window_s]
        truths.append(last * 100 >= older[-1] * 105 if older else None)
    assert fired_at(plan("change", f"V changes up 5% in {window_s}s"), market) == rising_edges(truths)


@given(prints(low=98, high=102), st.sampled_from(["above", "below"]))
def test_crossings(market: Market, way: str) -> None:
    sign = 1 if way == "above" else -1
    armed, edges = False, []
    for number, (_, price) in enumerate(market):
        if armed and sign * (price - 100) >= 0:
            armed, edges = False, [*edges, number]
        armed = armed or sign * (price - 100) < 0
    assert fired_at(plan("cross", f"V crosses {way} 100"), market) == edges


@given(prints(low=98, high=102))
def test_crossing_either_way_is_both_ways(market: Market) -> None:
    above = fired_at(plan("above", "V crosses above 100"), market)
    below = fired_at(plan("below", "V crosses below 100"), market)
    assert fired_at(plan("either", "V crosses 100"), market) == sorted({*above, *below})


@given(prints(low=99, high=102), st.integers(1, 5))
def test_for(market: Market, duration_s: int) -> None:
    """Matured when the state has held that long since it was seen to begin, before the next print that ends it."""
    until_s, since, began, times = market[-1][0] + 100, None, False, []
    for (time_s, price), next_s in zip(market, [*(time_s for time_s, _ in market[1:]), until_s], strict=True):
        since = (time_s if since is None else since) if price > 100 else None
        began = began or since is None
        if began and since is not None and time_s < since + duration_s <= next_s:
            times.append(since + duration_s)
    assert firing_times(plan("for", f"V > 100 for {duration_s}s"), market, until_s) == times


@given(prints(), windows)
def test_mean_highest_and_lowest_of_a_window(market: Market, window_s: int) -> None:
    seen = [in_window(market, number, window_s) for number in range(len(market))]
    known = [full(market, number, window_s) for number in range(len(market))]
    last = [price for _, price in market]
    cases = {
        f"V > sma(V, {window_s}s)": [price > fmean(some) for price, some in zip(last, seen, strict=True)],
        f"V < highest(V, {window_s}s)": [price < max(some) for price, some in zip(last, seen, strict=True)],
        f"V > lowest(V, {window_s}s)": [price > min(some) for price, some in zip(last, seen, strict=True)],
    }
    for sentence, truths in cases.items():
        expected = rising_edges([truth if here else None for truth, here in zip(truths, known, strict=True)])
        assert fired_at(plan("series", sentence), market) == expected, sentence


@given(st.lists(st.integers(1, 10_000_000), min_size=1, max_size=200), st.integers(1, 20))
def test_moments_are_those_worked_out_anew(cents: list[int], window_s: int) -> None:
    past = Sums()
    moments = Moments(past, window_s, START_S)
    values = [cent / 100 for cent in cents]
    for second, value in enumerate(values):
        past.extend([START_S + second], [value])
        now_s, seen = START_S + second, values[max(0, second + 1 - window_s) : second + 1]
        assert moments.mean(now_s) == pytest.approx(fmean(seen), rel=1e-14)
        if len(seen) > 1:
            assert moments.deviation(now_s) == pytest.approx(stdev(seen), rel=1e-12)
        if len(set(seen)) == 1:
            assert not moments.deviation(now_s)
            assert moments.score(now_s) is None


@given(st.lists(st.integers(1, 1_000_000), min_size=2, max_size=8))
def test_scores_are_those_of_the_decimal_numbers(cents: list[int]) -> None:
    """Squared, so that both sides are exact: the deviation is a root."""
    past = Sums()
    moments = Moments(past, 1e6, START_S)
    for second, cent in enumerate(cents):
        past.extend([START_S + second], [cent / 100])
    score, mean = moments.score(START_S + len(cents) - 1), Fraction(sum(cents), len(cents))
    spread = sum((cent - mean) ** 2 for cent in cents) / (len(cents) - 1)
    if not spread:
        assert score is None
    else:
        assert score is not None
        assert score**2 == pytest.approx(float((cents[-1] - mean) ** 2 / spread), rel=1e-14)


@given(st.lists(st.sampled_from([100.0, 100.01, 100.005, 1 / 3, 12.5, 1e-9]), min_size=1, max_size=30))
def test_values_taken_one_by_one_are_read_back_whether_or_not_they_are_in_price_steps(values: list[float]) -> None:
    past = Sums()
    for second, value in enumerate(values):
        past.take(START_S + second, value)
    assert [past.value(at) for at in range(len(values))] == values
    assert list(past.values(0, len(values))) == values


@pytest.mark.parametrize("text", ["sma(V, 5s) > 1", "stdev(V, 5s) > 1", "zscore(V, 5s) > 0.5", "sma(V[1s], 3) > 1"])
@pytest.mark.parametrize("first", [1e308, 5e-324, 100.0])
def test_prices_of_any_size_stop_nobody(text: str, first: float) -> None:
    sizes = [first, 1e308, 1.7976931348623157e308, 1e300, 5e-324, 1e-300, 123456789.123456789, 100.0]
    market = [(START_S + second, price) for second, price in enumerate(sizes * 3 + [99.0, 101.0] * 10)]
    assert fired_at(plan("any", text, if_already_true=IfAlreadyTrue.FIRE), market)


def test_sums_do_not_drift_and_memory_is_bounded() -> None:
    past = Sums()
    moments = Moments(past, 100.0, START_S)
    for second in range(30_000):
        past.extend([START_S + second], [1e9 if second < 15_000 else 0.01 * (1 + second % 7)])
    assert moments.mean(START_S + 29_999) == pytest.approx(fmean(0.01 * (1 + n % 7) for n in range(29_900, 30_000)))
    assert len(past.times) < 10_000


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), min_size=1, max_size=100), st.integers(1, 10))
def test_extremes_also_after_a_backfill(steps: list[tuple[int, int]], window_s: int) -> None:
    time_s, market = START_S, []
    for gap, price in steps:
        time_s += gap
        market.append((time_s, float(price)))
    live_from = len(market) // 2
    for highest in (True, False):
        extremes = Extremes()
        extreme = Extreme(extremes, window_s, highest, START_S)
        for time_s, price in market[live_from:]:
            extremes.extend([time_s], [price])
        extremes.prepend(market[:live_from])
        now_s = market[-1][0]
        first_live_s = market[live_from][0]
        seen = [
            price
            for number, (time_s, price) in enumerate(market)
            if time_s > now_s - window_s and (number >= live_from or time_s < first_live_s)
        ]
        assert extreme.at(now_s) == (max if highest else min)(seen)
