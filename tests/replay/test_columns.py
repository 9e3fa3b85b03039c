"""The engine on columns finds what the streaming engine finds, to the last digit, and hears far fewer prices."""

import random
from dataclasses import replace
from decimal import Decimal
from math import inf
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine.evaluation.columnar.leaping import LeapingEvaluator
from rules_engine.model.tick import Tick
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span
from tests.replay.playing import FREE, START_S, Played, play, prices, recordings
from tests.replay.sentences import Sentences
from tests.replay.test_backtest_firings import RULES, STEPS, in_files

ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[0, 10**9], ids=["numba", "numpy"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number of prices is enough for numba, or none."""
    monkeypatch.setattr("rules_engine.evaluation.columnar.kernels.COMPILED_LOOKS_MIN", request.param)


def compare(seed: int, folder: Path, *, tells: bool) -> int:
    """Random rules on random prices: firings, what is held back and why, values, orders, fills and every figure of the
    summary. How many firings there were."""
    source = random.Random(seed)
    sentences = Sentences(source, tells=tells)
    text, loaded, plans = sentences.rules()
    names = {one.name for plan in plans for one in plan.reads | plan.orders_in}
    written = sentences.prices(source.choice((20, 100, 300)))
    files = {name: text for name, text in written.items() if name in names}
    if not files:
        return 0
    ends = (START_S + 31.0, START_S + 90.0, inf)
    span = Span() if source.random() < 0.6 else Span(START_S + source.randrange(30), source.choice(ends))
    request = Request(plans, loaded.instruments, recordings(folder, files), span, FREE)
    expected = Played(Backtest(request, "streaming"))
    found = Played(Backtest(request, "columns", slice_rows=source.choice((1, 7, 50, 1 << 20))))
    assert found.outcomes == expected.outcomes, f"seed {seed}\n{text}"
    assert repr(found.summary) == repr(expected.summary), f"seed {seed}\n{text}"
    return len(expected.firings)


@pytest.mark.parametrize("hundred", range(4))
def test_random_rules_do_the_same_on_random_prices(hundred: int, tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, tells=False) for seed in range(hundred * 100, hundred * 100 + 100)) > 100


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
    seed: int, slice_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"V": walk(20_000, seed)}
    heard = 0
    tick = LeapingEvaluator.tick

    def counted(self: LeapingEvaluator, one: Tick) -> object:
        nonlocal heard
        heard += 1
        return tick(self, one)

    monkeypatch.setattr(LeapingEvaluator, "tick", counted)
    expected = play(tmp_path, LONG, files, engine="streaming")
    found = play(tmp_path, LONG, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    assert len({firing.rule for firing in expected.firings}) > 6
    assert heard < 20_000 / 3


def test_prices_in_finer_steps_than_are_counted_run_price_by_price(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: mean, when: 'V > sma(V, 3s) + stdev(V, 2s)', do: notify desk}\n"
    files = {"V": prices(*(100 + step % 7 / 3 for step in range(50)))}
    expected = play(tmp_path, rules, files, engine="streaming")
    assert expected.firings
    assert play(tmp_path, rules, files, engine="columns").outcomes == expected.outcomes


def test_an_account_that_is_read_runs_price_by_price(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: opens, when: V > 100, do: buy 10 V, once: true}
  - {name: gains, when: account.equity > 10020, do: close V}
"""
    files = {"V": prices(99, 101, 101, 102, 103, 104, 105)}
    expected = play(tmp_path, rules, files, engine="streaming")
    assert [firing.rule for firing in expected.firings] == ["opens", "gains"]
    found = play(tmp_path, rules, files, engine="columns")
    assert found.outcomes == expected.outcomes
    assert found.summary == expected.summary


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_a_loss_of_the_day_stops_orders(engine: str, tmp_path: Path) -> None:
    rules = "rules:\n  - {name: buys, when: V crosses above 100, do: buy 10 V}\n"
    files = {"V": prices(99, 101, 101, 90, 100.5, 101, every=100)}
    sent = []
    for loss in ("500", "50"):
        assumptions = replace(FREE, limits=replace(FREE.limits, max_daily_loss=Decimal(loss)))
        found = play(tmp_path, rules, files, engine=engine, assumptions=assumptions)
        assert len(found.firings) == 2
        sent.append(len(found.orders))
    # Ten were bought at 101, and stood at 90 when more would be.
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
