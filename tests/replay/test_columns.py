"""The engine on columns finds what the streaming engine finds, to the last digit, and hears far fewer prices."""

import gc
import random
from dataclasses import replace
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.evaluation.columnar.moments import Moments
from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.evaluation.columnar.values import Columns
from rules_engine.recordings.slices import Slice
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span
from tests.replay.playing import FREE, START_S, Played, play, prices, recordings
from tests.replay.sentences import Sentences
from tests.replay.test_backtest_firings import RULES, STEPS, in_files

ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[0, 10**9], ids=["numba", "numpy"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number of prices is enough for numba, or none."""
    monkeypatch.setattr("rules_engine.evaluation.columnar.kernels.COMPILED_LOOKS_MIN", request.param)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An entry for every row that the engine on columns hears price by price."""
    rows: list[str] = []
    begin_row = LeapingEvaluator.begin_row

    def counted(self: LeapingEvaluator, *row: Any) -> None:
        rows.append("row")
        begin_row(self, *row)

    monkeypatch.setattr(LeapingEvaluator, "begin_row", counted)
    return rows


def compare(seed: int, folder: Path, **kind: bool) -> int:
    """Random rules on random prices: firings, what is held back and why, values, orders, fills and every figure of the
    summary. How many firings there were."""
    source = random.Random(seed)
    sentences = Sentences(source, **kind)
    text, loaded, plans = sentences.rules()
    names = {one.name for plan in plans for one in plan.reads | plan.orders_in}
    written = sentences.prices(source.choice((20, 100, 300)))
    files = {name: text for name, text in written.items() if name in names}
    if not files:
        return 0
    ends = (START_S + 31.0, START_S + 90.0, inf)
    span = Span() if source.random() < 0.6 else Span(float(START_S + source.randrange(30)), source.choice(ends))
    request = Request(plans, loaded.instruments, recordings(folder, files), span, sentences.assumptions())
    expected = Played(Backtest(request, "streaming"))
    found = Played(Backtest(request, "columns", slice_rows=source.choice((1, 7, 50, 1 << 20))))
    assert found.outcomes == expected.outcomes, f"seed {seed}\n{text}"
    assert repr(found.summary) == repr(expected.summary), f"seed {seed}\n{text}"
    return len(expected.firings)


@pytest.mark.parametrize("hundred", range(4))
def test_random_rules_do_the_same_on_random_prices(hundred: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path) for seed in range(hundred * 100, hundred * 100 + 100)) > 100


@pytest.mark.parametrize("first", [0, 80])
def test_random_rules_that_read_positions_orders_and_the_account_do_the_same(first: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, holds=True) for seed in range(first, first + 80)) > 80


@pytest.mark.parametrize("kind", [{}, {"tells": True}, {"holds": True}])
def test_random_rules_on_values_that_go_in_steps_do_the_same(kind: dict[str, bool], tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, steps=True, **kind) for seed in range(80)) > 40


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("first", [0, 100])
def test_random_rules_that_only_tell_do_the_same_on_random_prices(first: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, tells=True) for seed in range(first, first + 100)) > 100


@ANY
@given(steps=STEPS, slice_rows=st.sampled_from([1, 5, 1 << 20]))
def test_many_rules_on_two_instruments_fire_alike(
    tmp_path: Path, steps: list[tuple[int, str, int]], slice_rows: int
) -> None:
    files, _ = in_files(steps)
    expected = play(tmp_path, RULES, files, engine="streaming")
    assert play(tmp_path, RULES, files, engine="columns", slice_rows=slice_rows).outcomes == expected.outcomes


LONG = """
rules:
  - {name: level, when: V crosses above 100.5, do: buy 10 V}
  - {name: move, when: V moves 1% in 60s, do: notify desk}
  - {name: change, when: V changes up 1% in 60s, do: sell 10 V}
  - {name: means, when: "sma(V, 10s) crosses above sma(V, 60s)", do: notify desk}
  - {name: score, when: "zscore(V, 60s) > 3", do: notify desk}
  - {name: band, when: V enters 101 to 102, do: notify desk}
  - {name: channel, when: "highest(V, 5m) > 1.02 * lowest(V, 5m)", do: notify desk, cooldown: 1m}
  - {name: far, when: "V > sma(V, 5m) + 3 * stdev(V, 5m)", do: notify desk}
  - {name: lasts, when: V > 101 for 30s, do: buy 1 V}
"""


def walk(count: int, seed: int, step: float = 0.02) -> str:
    """Prices in cents, five a second."""
    source = random.Random(seed)
    found, at_s, price = ["time,price"], float(START_S), 100.0
    for _ in range(count):
        at_s += source.uniform(0.1, 0.3)
        price += source.gauss(0, step) + 1e-5 * (100 - price)
        found.append(f"{at_s!r},{round(price, 2)!r}")
    return "\n".join(found)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("slice_rows", [1_000, 1 << 20])
def test_a_long_walk_fires_alike_while_few_prices_are_heard(
    seed: int, slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    files = {"V": walk(20_000, seed)}
    expected = play(tmp_path, LONG, files, engine="streaming")
    found = play(tmp_path, LONG, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    assert len({firing.rule for firing in expected.firings}) > 6
    assert len(heard) < 20_000 / 3


ANYTHING = """
instruments:
  EUR: {forex: EURUSD}
rules:
  - {name: pair, when: V - MA crosses above 0.5, do: buy 10 V}
  - {name: ratio, when: V / MA > 1.005, do: notify desk}
  - {name: follows, when: "V moves 1% in 60s and MA > sma(MA, 60s)", do: notify desk}
  - {name: together, when: "highest(V - MA, 60s) > 1 + lowest(V - MA, 60s)", do: notify desk}
  - {name: spread, when: "V.ask - V.bid > 0.0205", do: notify desk}
  - {name: mid, when: EUR.mid crosses 101, do: sell 10 V}
  - {name: quoted, when: EUR moves 1% in 60s, do: notify desk}
  - {name: trigger, when: EUR > 101 using bid/ask, do: notify desk}
  - {name: twice, when: V crosses above 100.5 using double last, do: notify desk}
  - {name: closes, when: "V > sma(V, 5) on bar close 1m", do: notify desk, bars: 1m}
  - {name: bar, when: "V > V[5m].high", do: buy 1 V}
  - {name: bars, when: "sma(V, 3) crosses above sma(MA, 3)", do: notify desk, bars: 1m}
  - {name: fresh, when: V > MA for 20s, do: buy 1 MA, stale_after: 30s}
  - {name: silent, when: no tick from MA for 20s, do: notify desk}
  - {name: day, when: "V.high > 1.01 * V.open", do: notify desk}
"""


def quotes(text: str) -> str:
    """A market of bids, and asks two cents above."""
    rows = (line.split(",") for line in text.splitlines()[1:])
    return "\n".join(["time,bid,ask", *(f"{at_s},{bid},{round(float(bid) + 0.02, 2)!r}" for at_s, bid in rows)])


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("slice_rows", [1_000, 1 << 20])
def test_pairs_quotes_bars_and_clocks_fire_alike_while_few_prices_are_heard(
    slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    files = {"V": walk(15_000, 1), "MA": walk(15_000, 2), "EUR": quotes(walk(15_000, 3))}
    expected = play(tmp_path, ANYTHING, files, engine="streaming")
    found = play(tmp_path, ANYTHING, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    assert len({firing.rule for firing in expected.firings}) > 12
    assert len(heard) < 45_000 / 2


@pytest.mark.parametrize(
    ("when", "share"),
    [
        ("V - MA crosses above 0.5", 0.05),
        ("MA / V crosses below 0.99", 0.05),
        ("V moves 1% in 60s or MA moves 1% in 60s", 0.02),
        ("'highest(V - MA, 60s) > 2'", 0.05),
        ("V.bid > 101", 0.05),
        ("'V.ask - V.bid > 0.03'", 0.05),
        ("V.mid changes 1% in 60s", 0.05),
        ("V > 101 using double bid/ask", 0.05),
        ("V > 101 on bar close 1m", 0.05),
        ("'V > V[5m].high'", 0.05),
        ("'sma(V[1m], 3) > sma(MA[1m], 3)'", 0.05),
        ("no tick from V for 5s", 0.15),
        ("V.volume > 1000", 0.05),
        ("V > 101 + position(V)", 0.05),
        ("'V * position(V) > 500 + MA'", 0.05),
        ("'V > sma(V, 60s) + working_orders(V)'", 0.05),
        ("V crosses above 100 + 0.1 * position(V)", 0.05),
        ("account.equity < 10000 or V crosses 101", 0.05),
        ("'position(V) * V > 0.05 * account.equity and V > 100.5'", 0.05),
        ("V > 100.5 and account.daily_pnl is inside -5 to 5 for 20s", 0.05),
        ("'zscore(V.mid, 5m) > 2.5'", 0.05),
        ("'sma(V.mid, 10s) crosses above sma(V.mid, 60s)'", 0.05),
        ("'V.ask > sma(V.ask, 60s) + 2 * stdev(V.ask, 60s)'", 0.05),
        ("'V - MA > sma(V - MA, 5m) + 2 * stdev(V - MA, 5m)'", 0.05),
        ("'zscore(V / MA, 5m) > 2 using midpoint'", 0.05),
        ("'floor(10 * sma(V.mid, 60s)) > 1003'", 0.05),
        ("'round(zscore(V.mid, 5m), 1) > 2'", 0.05),
        ("'highest(V.mid - V.bid, 60s) > 0.02'", 0.05),
        ("'sma(V.ask / V.mid, 60s) > sma(V.ask / V.mid, 5m) + 0.000001'", 0.05),
        ("'account.equity > 9990 and sma(V, 10s) > sma(V, 60s)'", 0.05),
        ("'account.equity > 100 * sma(V, 60s)'", 0.05),
        ("'V.mid moves 1% in 5m and account.daily_pnl > -50'", 0.05),
        ("V > 101 + position(V) using double last", 0.05),
        ("V crosses above 100 + 0.01 * position(V) using double last", 0.05),
    ],
)
def test_each_kind_of_condition_passes_over_nearly_all_prices(
    when: str, share: float, tmp_path: Path, heard: list[str]
) -> None:
    rules = f"rules:\n  - {{name: one, when: {when}, do: buy 1 V, stale_after: 30s}}\n"
    files = {name: walk(10_000, seed) for name, seed in (("V", 5), ("MA", 6)) if name in when}
    expected = play(tmp_path, rules, files, engine="streaming").outcomes
    found = play(tmp_path, rules, files, engine="columns").outcomes
    assert found == expected
    assert len(heard) < 10_000 * share + 2 * len(expected) + 3 * 40 * 60 / 30


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("slice_rows", [700, 1 << 20])
def test_sums_over_prices_in_no_steps_fire_alike_while_few_prices_are_heard(
    slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    rules = """
rules:
  - {name: far, when: "V > sma(V, 5m) + 2 * stdev(V, 5m)", do: notify desk}
  - {name: score, when: "zscore(V, 60s) < -2.5", do: buy 1 V}
  - {name: means, when: "sma(V, 10s) crosses sma(V, 60s)", do: notify desk, cooldown: 30s}
"""
    lines = walk(10_000, 9).splitlines()
    rows = [line.split(",") for line in lines[1:]]
    files = {"V": "\n".join([lines[0], *(f"{at_s},{float(price) / 3!r}" for at_s, price in rows)])}
    expected = play(tmp_path, rules, files, engine="streaming")
    assert play(tmp_path, rules, files, engine="columns", slice_rows=slice_rows).outcomes == expected.outcomes
    assert {firing.rule for firing in expected.firings} == {"far", "score", "means"}
    assert len(heard) < 10_000 / 4


def test_prices_that_lie_too_far_apart_for_columns_fire_alike(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: mean, when: 'V > sma(V, 3s) + 0.1 * stdev(V, 3s)', do: notify desk}\n"
    files = {"V": prices(*(10.0 ** (step % 7 * 20) + 1 / 3 for step in range(50)))}
    expected = play(tmp_path, rules, files, engine="streaming")
    assert expected.firings
    assert play(tmp_path, rules, files, engine="columns").outcomes == expected.outcomes


def test_a_named_step_of_a_score_is_told_as_the_evaluator_finds_it(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: one, when: V > level, let: {level: "floor(zscore(V, 20s) * 3) + 100"}, do: notify desk}
"""
    files = {"V": walk(3_000, 4, step=0.4)}
    expected = play(tmp_path, rules, files, engine="streaming")
    assert expected.firings
    assert play(tmp_path, rules, files, engine="columns").outcomes == expected.outcomes


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_two_prints_agree_also_after_a_print_that_does_not_count_began_it(engine: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: 'V >= highest(V, 2s) - 0.1 using double bid/ask', do: buy 1 V}\n"
    text = "time,price\n" + "".join(f"{START_S + at_s},100\n" for at_s in (0, 1, 8, 9, 10, 11))
    found = play(tmp_path, rules, {"V": text}, engine=engine)
    # The window is empty at 8 until the print comes that follows the quotes around it.
    assert found.fired_s == [10]


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_a_firing_by_quotes_tells_the_newest_price_of_the_name_it_used(engine: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: V <= 102 using midpoint, do: notify desk}\n"
    found = play(tmp_path, rules, {"V": prices(103, 103.5, 101.5, 103, 101.5)}, engine=engine)
    # The quotes around a print are heard before it.
    assert [(firing.at_s - START_S, firing.values) for firing in found.firings] == [
        (2, {"V": 103.5}),
        (4, {"V": 103.0}),
    ]


@pytest.mark.parametrize("slice_rows", [300, 1 << 20])
def test_an_account_that_rules_read_follows_every_price_while_few_are_heard(
    slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    rules = """
rules:
  - {name: opens, when: V crosses above 100, do: buy 10 V, cooldown: 2m}
  - {name: shares, when: MA crosses 100, do: buy 2% of equity in MA, cooldown: 2m}
  - {name: gains, when: account.equity crosses above 10020, do: close V}
  - {name: loses, when: account.daily_pnl crosses below -20, do: [close MA, notify desk]}
  - {name: most, when: "position(MA) * MA > 0.03 * account.buying_power", do: close MA}
  - {name: swing, when: "account.equity > 10010 and sma(V, 10s) > sma(V, 60s)", do: notify desk, at_most: 3 per day}
"""
    files = {"V": walk(8_000, 25, step=0.05), "MA": walk(8_000, 26, step=0.05)}
    expected = play(tmp_path, rules, files, engine="streaming")
    assert {firing.rule for firing in expected.firings} == {"opens", "shares", "gains", "loses", "most", "swing"}
    found = play(tmp_path, rules, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    # Also where a window goes on whenever the account is told, which is with every price of what is held.
    assert len(heard) < 16_000 / 5


def test_an_account_of_which_two_figures_are_compared_is_judged_after_each_of_them(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: opens, when: V > 100, do: buy 10 V, once: true}
  - {name: between, when: account.equity - account.daily_pnl > 10005, do: notify desk}
"""
    files = {"V": prices(99, 101, 101, 101.5, 102.5, 102.5, 103)}
    expected = play(tmp_path, rules, files, engine="streaming")
    # What the day brought is told after what the account is worth, and only then both agree.
    assert [firing.rule for firing in expected.firings] == ["opens", "between"]
    found = play(tmp_path, rules, files, engine="columns")
    assert found.outcomes == expected.outcomes


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_a_window_that_was_empty_as_the_day_ended_is_news_with_its_next_price(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: opens, when: MA crosses above 10, do: buy 100 MA}
  - {name: well, when: "account.daily_pnl > -50 and highest(V, 3s) > 0", do: notify desk}
  - {name: other, when: X > 1000 or V > 1000, do: notify desk}
"""
    midnight = 14 * 3600
    rows = {
        "MA": ((0, 9), (1, 11), (2, 11), (6, 10), (midnight + 100, 10)),
        "V": (*((at, 50) for at in range(9)), (midnight + 10, 50)),
        "X": ((0, 5), (midnight + 1, 5)),
    }
    files = {
        name: "time,price\n" + "".join(f"{START_S + at},{price}\n" for at, price in own) for name, own in rows.items()
    }
    found = play(tmp_path, rules, files, engine=engine)
    # A price of something else ends the day and its loss, while nothing is in the window.
    assert [firing.at_s - START_S for firing in found.firings if firing.rule == "well"] == [midnight + 10]


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_a_fill_elsewhere_is_no_print_of_which_two_must_agree(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: opens, when: MA crosses above 10, do: buy 5 MA}
  - {name: closes, when: MA crosses below 10, do: close MA}
  - {name: twice, when: V > 100 + position(MA) using double last, do: notify desk}
"""
    ma = "time,price\n" + "".join(f"{START_S + 0.5 + at},{price}\n" for at, price in enumerate((9, 11, 11, 11, 9, 9)))
    found = play(tmp_path, rules, {"V": prices(99, *(101 for _ in range(9))), "MA": ma}, engine=engine)
    # What was bought fills at 2.5, and is sold at 5.5: 6 and 7 are the two prints after that.
    assert [firing.at_s - START_S for firing in found.firings if firing.rule == "twice"] == [2, 7]


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_what_was_true_before_a_rule_was_armed_is_seen_to_be_over_though_its_field_stood_still(
    engine: str, tmp_path: Path
) -> None:
    rules = "rules:\n  - {name: one, when: 'V.high * 1.5 changes 0.5 points in 1s', do: buy 1 V}\n"
    files = {"V": prices(99, 100, 100, 100, 102, 102)}
    found = play(tmp_path, rules, files, engine=engine, span=Span(START_S + 3.0))
    # Its last tick before the arming had just changed, and the high says nothing new until 4.
    assert found.fired_s == [4]


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_a_timer_that_later_prices_have_put_off_moves_no_clock(engine: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: V < 99, do: notify desk, cancel_when: no tick from V for 5s}\n"
    rows = ((0.5, 100), (3, 100), (5.4999993, 98))
    files = {"V": "time,price\n" + "".join(f"{START_S + at_s!r},{price}\n" for at_s, price in rows)}
    found = play(tmp_path, rules, files, engine=engine)
    assert [firing.at_s for firing in found.firings] == [START_S + 5.4999993]


@pytest.mark.parametrize(("limit", "little"), [("max_daily_loss", "50"), ("max_daily_loss_per_rule", "4")])
@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_a_loss_of_the_day_stops_orders(engine: str, limit: str, little: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: buys, when: V crosses above 100, do: buy 10 V}\n"
    files = {"V": prices(99, 101, 101, 90, 100.5, 101, every=100)}
    sent = []
    for loss in ("500", little):
        assumptions = replace(FREE, limits=replace(FREE.limits, **{limit: Decimal(loss)}))
        found = play(tmp_path, rules, files, engine=engine, assumptions=assumptions)
        assert len(found.firings) == 2
        sent.append(len(found.orders))
    # Ten were bought at 101. The account stood at 90 when more would be, and the rule's own ten at 100.5 by then.
    assert sent == [2, 1]


def test_no_more_rows_are_held_than_a_slice_and_two_pieces_of_each_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 4_000)
    rules = "rules:\n  - {name: both, when: V moves 1% in 5s or MA moves 1% in 5s, do: notify desk}\n"
    files = {"V": walk(20_000, 1), "MA": walk(20_000, 2)}
    held = []

    def held_rows(count: int) -> int:
        cut = {name: "\n".join(text.splitlines()[:count]) for name, text in files.items()}
        backtest = play(tmp_path, rules, cut, engine="columns", slice_rows=1_000)
        held.append(backtest.rows_held_max)
        return backtest.rows_held_max

    assert held_rows(20_001) < 1_000 + 4 * 200
    assert held_rows(20_001) <= held_rows(5_001) * 1.1


@pytest.mark.parametrize("rule", ["V moves 1% in 5m", "V - MA moves 1 points in 5m", "'V > sma(V, 5m) using midpoint'"])
def test_what_windows_hold_does_not_grow_with_the_days(
    rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    turn_over = Scene.turn_over

    def counted(self: Scene, *piece: Any) -> None:
        turn_over(self, *piece)
        held.append(self.prints_held)

    monkeypatch.setattr(Scene, "turn_over", counted)
    monkeypatch.setattr("rules_engine.recordings.csv_file.PIECE_BYTES", 4_000)
    rules = f"rules:\n  - {{name: one, when: {rule}, do: notify desk}}\n"

    def most_held(days: int) -> int:
        held.clear()
        files = {name: over_days(days, seed) for name, seed in (("V", 1), ("MA", 2)) if name in rule}
        play(tmp_path, rules, files, engine="columns", slice_rows=500)
        return max(held)

    few = most_held(4)
    assert most_held(12) <= few * 1.1


@pytest.mark.parametrize("do", ["notify desk", "buy 10 V"])
@pytest.mark.parametrize(
    "when", ["V > sma(V, 60s) + stdev(V, 60s)", "V - MA moves 1 points in 5m", "V > sma(V, 5m) using midpoint"]
)
def test_columns_go_with_their_slice_though_nobody_collects_circles(do: str, when: str, tmp_path: Path) -> None:
    rules = f"rules:\n  - {{name: one, when: '{when}', do: {do}}}\n"
    files = {name: walk(5_000, seed) for name, seed in (("V", 1), ("MA", 2)) if name in when}
    gc.collect()
    gc.disable()
    try:
        backtest = play(tmp_path, rules, files, engine="columns", slice_rows=500)
        held = [one for one in gc.get_objects() if isinstance(one, Slice | Columns | Moments)]
    finally:
        gc.enable()
    assert backtest.rows_held_max
    assert not [one for one in held if len(one)]


def over_days(days: int, seed: int) -> str:
    """A thousand prices at the beginning of each day."""
    lines = walk(1_000, seed).splitlines()
    rows = [line.split(",") for line in lines[1:]]
    return "\n".join(
        [lines[0], *(f"{float(at_s) + day * 86_400!r},{price}" for day in range(days) for at_s, price in rows)]
    )
