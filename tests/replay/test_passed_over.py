"""The engine on columns finds what the streaming engine finds, to the last digit, and hears far fewer prices."""

from pathlib import Path

import pytest

from tests.replay.playing import play
from tests.replay.walks import quotes, walk

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


def rules_that_fire_alike(folder: Path, rules: str, files: dict[str, str], slice_rows: int) -> int:
    """How many rules fired, on columns as in the streaming engine."""
    expected = play(folder, rules, files, engine="streaming")
    found = play(folder, rules, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    return len({firing.rule for firing in expected.firings})


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("slice_rows", [1_000, 1 << 20])
def test_a_long_walk_fires_alike_while_few_prices_are_heard(
    seed: int, slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    files = {"V": walk(20_000, seed)}
    assert rules_that_fire_alike(tmp_path, LONG, files, slice_rows) > 6
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


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("slice_rows", [1_000, 1 << 20])
def test_pairs_quotes_bars_and_clocks_fire_alike_while_few_prices_are_heard(
    slice_rows: int, tmp_path: Path, heard: list[str]
) -> None:
    files = {"V": walk(15_000, 1), "MA": walk(15_000, 2), "EUR": quotes(walk(15_000, 3))}
    assert rules_that_fire_alike(tmp_path, ANYTHING, files, slice_rows) > 12
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
