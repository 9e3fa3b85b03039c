"""What the engine on columns passes over is judged when it must be, and tells what the streaming engine tells."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.replay.span import Span
from tests.replay.playing import FREE, START_S, play, prices
from tests.replay.walks import walk


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


@pytest.mark.parametrize("level", ["9990 + 5", "worth", "-worth + 20 * 1000 - 10"])
@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_the_account_is_compared_with_numbers_that_are_reckoned_or_named(
    engine: str, level: str, tmp_path: Path
) -> None:
    rules = f"""
rules:
  - {{name: opens, when: V crosses above 100, do: buy 10 V, once: true}}
  - {{name: falls, when: "account.equity < {level}", let: {{worth: 9995}}, do: notify desk}}
"""
    files = {"V": prices(99, 101, 101, 100.4, 101, 100.2, 101)}
    found = play(tmp_path, rules, files, engine=engine)
    # Ten were bought at 101: each of these two prices costs six and eight, and the one after it gives them back.
    assert [firing.at_s - START_S for firing in found.firings if firing.rule == "falls"] == [3, 5]


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
