"""Moves and changes of what is made of means, extremes, bars and holdings: series whose prints columns work out."""

import random
from pathlib import Path

import numpy as np
import pytest

from rules_engine.evaluation.columnar.moments import Lookback
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.streamed import Streamed
from rules_engine.model.expression import Function, Reading, Series
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.tolerance import EDGE_S
from tests.replay.playing import START_S, play, prices
from tests.replay.walks import walk

BOTH = pytest.mark.parametrize("engine", ["streaming", "columns"])


@pytest.mark.parametrize("slice_rows", [700, 1 << 20])
@pytest.mark.parametrize(
    "when",
    [
        "sma(V, 60s) moves 0.5% in 5m",
        "sma(V, 60s) changes up 0.3 points in 60s",
        "V / sma(V, 5m) moves 1% in 60s",
        "zscore(V, 60s) moves 4 points in 30s",
        "highest(V, 60s) - lowest(V, 60s) changes 50% in 60s",
        "sma(V.mid, 60s) moves 0.5% in 5m",
        "stdev(V.mid, 60s) + V.bid moves 1 points in 60s",
        "V - sma(MA, 60s) moves 1 points in 30s",
        "V - V[5m].high moves 1 points in 60s",
        "sma(V, 3) changes down 0.5% in 5m",
        "V - 0.01 * position(V) moves 1 points in 60s",
        "position(V) * sma(V, 60s) changes 10% in 5m",
        "V.mid - 0.1 * working_orders(V) moves 1 points in 60s",
        "V - account.equity / 1000 moves 1 points in 60s",
        "sma(V, 60s) moves 0.5% in 5m and account.equity > 9990",
        "sma(V, 60s) moves 0.5% in 5m and V > 99 + 0.01 * position(V)",
    ],
)
def test_its_moves_fire_alike_while_few_prices_are_heard(
    when: str, slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    rules = f"""
rules:
  - {{name: moves, when: "{when}", do: buy 1 V, bars: 1m}}
  - {{name: opens, when: V crosses 100, do: buy 10 V, cooldown: 2m}}
"""
    files = {name: walk(8_000, seed) for name, seed in (("V", 5), ("MA", 6)) if name in when or name == "V"}
    expected = play(tmp_path, rules, files, engine="streaming")
    found = play(tmp_path, rules, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    assert {firing.rule for firing in expected.firings} == {"moves", "opens"}
    assert len(heard) < 8_000 * 0.03 + 4 * len(expected.outcomes)


@pytest.mark.parametrize("of", ["V[5s]", "position(V)", "working_orders(V)", "account.equity"])
@pytest.mark.parametrize("sentence", ["moves 0.1% in 5s", "changes 0.1% in 5s"])
@BOTH
def test_a_bar_or_a_holding_by_itself_never_prints_and_so_never_moves(
    engine: str, sentence: str, of: str, tmp_path: Path, heard: list[str]
) -> None:
    rules = f"""
rules:
  - {{name: trades, when: V crosses 105, do: buy 1 V}}
  - {{name: moves, when: "{of} {sentence}", do: notify desk}}
"""
    walked = [100 + step * 7 % 11 for step in range(400)]
    found = play(tmp_path, rules, {"V": prices(*walked)}, engine=engine)
    assert {firing.rule for firing in found.firings} == {"trades"}
    assert len(heard) < 400


@BOTH
def test_a_mean_that_is_judged_as_bars_close_moved_by_all_prices_between(engine: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: 'sma(V, 2s) moves up 2 points in 8s on bar close 5s', do: notify desk}\n"
    files = {"V": prices(*(100 for _ in range(21)), 97, 97, 100, 100, 100, 100, 100, 100)}
    found = play(tmp_path, rules, files, engine=engine)
    # It stood at 97 at 22 only, long before the bar closes with the price of 25.
    assert [(firing.at_s - START_S, firing.values["move"]) for firing in found.firings] == [(25, 3.0)]


@BOTH
def test_a_midpoint_prints_before_its_bid_is_in_the_window_and_once_more_with_it(engine: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: 'highest(V.bid, 2s) - V.mid moves up 3 points in 1s', do: notify desk}\n"
    rows = ((100, 102), (100, 102), (100, 102), (104, 104), (104, 104))
    text = "time,bid,ask\n" + "".join(f"{START_S + at},{bid},{ask}\n" for at, (bid, ask) in enumerate(rows))
    found = play(tmp_path, rules, {"V": text}, engine=engine)
    # The bid of 3 takes the midpoint to 103, at first with 100 as the highest bid, then with 104.
    assert [(firing.at_s - START_S, firing.values["move"]) for firing in found.firings] == [(3, 4.0)]


@BOTH
def test_what_a_rule_orders_by_a_quote_is_in_the_print_of_the_same_row(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: buys, when: V.ask > 100.5, do: buy 1 V at limit 90, once: true}
  - {name: moves, when: V * working_orders(V) moves 50 points in 5s, do: notify desk}
  - {name: level, when: V > 101.5 - working_orders(V), do: notify desk}
"""
    found = play(tmp_path, rules, {"V": prices(100, 100, 101, 101, 101)}, engine=engine)
    assert [(firing.rule, firing.at_s - START_S) for firing in found.firings] == [
        *(("buys", 2), ("moves", 2), ("level", 2)),
    ]


@BOTH
def test_an_order_that_came_and_went_is_remembered_by_the_prints_between(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: buys, when: V.ask > 100.5, do: buy 1 V at limit 90 immediate or cancel, once: true}
  - {name: moves, when: V + working_orders(V) changes down 0.9 points in 2s, do: notify desk}
"""
    found = play(tmp_path, rules, {"V": prices(100, 100, 101, 101, 101, 101, 101)}, engine=engine)
    assert [(firing.rule, firing.at_s - START_S) for firing in found.firings] == [("buys", 2), ("moves", 4)]


@BOTH
def test_an_order_that_is_cancelled_in_its_own_row_is_in_the_print_before(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: buys, when: V.ask > 100.5, do: buy 1 V at limit 90, once: true}
  - {name: cancels, when: V > 100.5, do: cancel orders of buys}
  - {name: moves, when: V + working_orders(V) changes down 0.9 points in 2s, do: notify desk}
"""
    found = play(tmp_path, rules, {"V": prices(100, 100, 101, 101, 101, 101, 101)}, engine=engine)
    assert [(firing.rule, firing.at_s - START_S) for firing in found.firings] == [
        *(("buys", 2), ("cancels", 2), ("moves", 4)),
    ]


@pytest.mark.parametrize(
    ("when", "known_s"),
    [
        ("not zscore(V * 1.5, 2s) moves 9 points in 3s", 8),
        ("not sma(V, 2s) moves 9 points in 3s", 3),
        ("not V - position(V) moves 9 points in 3s", 3),
        ("not V[1s] - position(V) changes 9 points in 3s and V > 0", None),
        ("not V - V[1s] changes 9 points in 3s", 4),
    ],
)
@BOTH
def test_it_is_known_not_to_have_moved_once_its_window_and_its_value_are(
    engine: str, when: str, known_s: float | None, tmp_path: Path
) -> None:
    rules = f"rules:\n  - {{name: one, when: '{when}', do: notify desk, if_already_true: fire, once: true}}\n"
    # While prices stand still they have no score.
    found = play(tmp_path, rules, {"V": prices(*(100 for _ in range(8)), 101, 101, 101)}, engine=engine)
    assert found.fired_s == ([] if known_s is None else [known_s])


@BOTH
def test_a_price_over_a_number_of_orders_is_unknown_while_there_are_none(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: buys, when: V > 100.5, do: buy 1 V at limit 90, once: true}
  - {name: share, when: V - 1 / working_orders(V) > 100.5, do: notify desk}
"""
    found = play(tmp_path, rules, {"V": prices(100, 100, 101, 101, 102)}, engine=engine)
    assert [(firing.rule, firing.at_s - START_S) for firing in found.firings] == [("buys", 2), ("share", 4)]


@pytest.mark.parametrize("function", [Function.SMA, Function.STDEV, Function.ZSCORE])
@pytest.mark.parametrize("seed", range(10))
def test_sums_at_many_moments_are_those_of_each_window_whatever_the_slices(seed: int, function: Function) -> None:
    source = random.Random(seed)
    reading = Reading(Instrument("V", Kind.STOCK, "V", "SMART", "USD"), Field.MID)
    sums, past = Streamed(Series(function, reading, duration_s=5.0), 5.0), Past()
    past.need(5.0)
    at_s, heard = 0.0, 0
    for _ in range(6):
        times, moments = [], []
        for _ in range(source.randrange(12)):
            at_s += source.choice((0.0, 0.4, 1.0, 6.0))
            (times if source.random() < 0.7 else moments).append(at_s)
        values = [100 + source.random() / 3 for _ in times]
        past.turn_over([np.array(times)], [np.array(values)])
        now_s = np.array(sorted([*times, *moments]))
        ends = np.searchsorted(past.times, now_s, side="right")
        found = sums.take(Lookback(past, now_s, ends))
        heard += len(found)
        for one_s, value in zip(now_s.tolist(), found.tolist(), strict=True):
            window = past.values[(past.times > one_s - 5.0 + EDGE_S) & (past.times <= one_s)]
            expected = obvious(function, window)
            assert value == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert heard


def obvious(function: Function, window: np.ndarray) -> float:  # type: ignore[type-arg]
    if function is Function.SMA:
        return float(window.mean()) if len(window) else np.nan
    if len(window) < 2:
        return np.nan
    if function is Function.STDEV:
        return float(window.std(ddof=1))
    return float((window[-1] - window.mean()) / window.std(ddof=1))
