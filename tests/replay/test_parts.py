"""Rules that have nothing to do with each other are played by themselves, and find what they find together."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.firing import Firing
from rules_engine.replay import backtest
from rules_engine.replay.assumptions import Assumptions
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.parts import Part, parts_of
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span
from rules_engine.replay.summary import Summary
from tests.replay.playing import FREE, START_S, Played, loaded_rules, prices, recordings
from tests.replay.sentences import Sentences


def request(folder: Path, rules: str, files: dict[str, str], assumptions: Assumptions = FREE) -> Request:
    loaded, plans = loaded_rules(rules)
    known = {name: text for name, text in files.items() if name in loaded.instruments}
    return Request(plans, loaded.instruments, recordings(folder, known), assumptions=assumptions)


def together(request: Request) -> Sequence[Part]:
    """All in one."""
    return [Part(tuple(range(len(request.plans))), tuple(range(len(request.recordings))))]


def played_together(request: Request, monkeypatch: pytest.MonkeyPatch) -> Played:
    with monkeypatch.context() as patched:
        patched.setattr(backtest, "parts_of", together)
        return Played(Backtest(request, "streaming"))


FIVE = """
rules:
  - {name: a, when: V > 100, do: buy 1 V}
  - {name: b, when: MA > 100, do: notify desk}
  - {name: c, when: AXP > 100, do: buy 1 V}
  - {name: d, when: MA > SPY, do: notify desk}
  - {name: e, when: time is after 10:00, do: notify desk}
"""


@pytest.mark.parametrize(
    ("rules", "changes", "expected"),
    [
        (FIVE, {}, [(0, 2), (1, 3), (4,)]),
        (FIVE.replace("notify desk", "cancel orders of a"), {}, [(0, 1, 2, 3, 4)]),
        (FIVE.replace("MA > 100, do: notify desk", "MA > 100, do: buy 1 MA"), {}, [(0, 2), (1, 3), (4,)]),
        (FIVE.replace("do: notify desk", "do: buy 1 MA"), {"max_orders_per_day": 9}, [(0, 1, 2, 3, 4)]),
        (FIVE, {"max_daily_loss": Decimal(9)}, [(0, 2), (1, 3), (4,)]),
        (FIVE, {"max_orders_per_rule_per_day": 9}, [(0, 2), (1, 3), (4,)]),
        (FIVE.replace("time is after 10:00", "account.equity > 1"), {}, [(0, 2, 4), (1, 3)]),
        (FIVE.replace("time is after 10:00", "position(AXP) > 1"), {}, [(0, 2, 4), (1, 3)]),
        (FIVE.replace("time is after 10:00", "any execution in MA"), {}, [(0, 2), (1, 3, 4)]),
    ],
)
def test_rules_are_connected_by_what_they_name(
    rules: str, changes: dict[str, object], expected: list[tuple[int, ...]], tmp_path: Path
) -> None:
    assumptions = replace(FREE, limits=replace(FREE.limits, **changes))
    assert [part.plans for part in parts_of(request(tmp_path, rules, {}, assumptions))] == expected


def test_recordings_that_no_rule_names_are_a_part_of_their_own(tmp_path: Path) -> None:
    rules = "instruments: {MA: {stock: MA}, AXP: {stock: AXP}}\nrules: [{name: a, when: V > 100, do: notify desk}]"
    files = {"V": prices(1, 2), "MA": prices(1, 2), "AXP": prices(1, 2)}
    found = parts_of(request(tmp_path, rules, files))
    assert found == [Part((0,), (0,)), Part((), (1, 2))]


def elsewhere(text: str) -> str:
    """The same rules on other instruments."""
    for name, other in (("V", "AXP"), ("MA", "SPY"), ("EUR", "GBP"), ("rule", "other")):
        text = re.sub(rf"\b{name}\b", other, text)
    return text.removeprefix("rules:\n")


@pytest.mark.parametrize("fifty", range(2))
def test_parts_find_what_the_whole_finds(fifty: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random rules on random prices; only the order at one instant may differ."""
    divided = fired = 0
    for seed in range(fifty * 50, fifty * 50 + 50):
        source = random.Random(f"parts {seed}")
        sentences = Sentences(source, apart=True)
        text = sentences.rules()[0] + elsewhere(sentences.rules()[0])
        files = sentences.prices(160)
        files.update({elsewhere(name): text for name, text in sentences.prices(160).items()})
        asked = request(tmp_path, text, files)
        if source.random() < 0.4:
            asked = replace(asked, span=Span(START_S + source.randrange(30), START_S + 31.0))
        expected = played_together(asked, monkeypatch)
        engine = source.choice(("columns", "streaming"))
        found = Played(Backtest(asked, engine, slice_rows=source.choice((1, 7, 50, 1 << 20))))
        assert sorted(map(repr, found.outcomes)) == sorted(map(repr, expected.outcomes)), f"seed {seed}\n{text}"
        assert [one.at_s for one in found.firings] == sorted(one.at_s for one in found.firings)
        agree(found.summary, expected.summary)
        divided += len(parts_of(asked)) > 1
        fired += len(expected.firings)
    assert divided > 30 and fired > 100


def agree(found: Summary, expected: Summary) -> None:
    """But for the dust of other sums, and for what is looked at in steps."""
    exact = ("first_s", "last_s", "rows", "warnings", "days", "orders_left_out")
    assert [getattr(found, name) for name in exact] == [getattr(expected, name) for name in exact]
    near = ("equity", "commission", "exposure")
    assert [getattr(found, name) for name in near] == pytest.approx([getattr(expected, name) for name in near])
    assert (found.sharpe or 0.0) == pytest.approx(expected.sharpe or 0.0, rel=1e-6, abs=1e-6)
    assert sorted(map(repr, found.rules)) == sorted(map(repr, expected.rules))
    if not found.is_stepwise:
        assert (found.drawdown, found.gross_max) == (expected.drawdown, expected.gross_max)
    else:
        assert found.drawdown <= expected.drawdown + 1e-6
    assert len(found.orders) == len(expected.orders)


TWO = """
rules:
  - {name: v, when: V crosses above 100, do: buy 10 V, once: true}
  - {name: ma, when: MA crosses above 100, do: sell 10 MA, once: true}
"""


def test_drawdown_of_accounts_kept_apart_is_that_of_every_five_minutes(tmp_path: Path) -> None:
    """V is bought at 101, MA sold at 102; what one loses the other gains, except from the sixth price on."""
    files = {"V": prices(99, 101, 101, 111, 91, 91, every=300), "MA": prices(99, 101, 102, 112, 92, 102, every=300)}
    found = Played(Backtest(request(tmp_path, TWO, files))).summary
    assert found.is_stepwise
    assert found.profit == -100
    assert (found.drawdown, found.gross_max) == (100, 10 * (111 + 112))
    assert found.exposure == 3 / 5


def test_one_account_that_trades_among_others_is_looked_at_price_by_price(tmp_path: Path) -> None:
    files = {"V": prices(99, 101, 101, 111, 91, 91), "MA": prices(99, 101, 102)}
    rules = TWO.replace("sell 10 MA", "notify desk")
    found = Played(Backtest(request(tmp_path, rules, files)))
    assert not found.summary.is_stepwise
    assert found.summary.drawdown == 200
    assert [firing.rule for firing in found.firings] == ["v", "ma"]


def test_timers_of_a_part_run_to_the_last_price_of_all(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: silent, when: no tick from V for 5s, do: notify desk}
  - {name: other, when: MA > 200, do: notify desk}
  - {name: clock, when: time is after 10:00:08, do: notify desk}
"""
    asked = request(tmp_path, rules, {"V": prices(1, 1), "MA": prices(*[1.0] * 10)})
    assert Played(Backtest(asked)).fired_s == [6, 8]
    assert Played(Backtest(replace(asked, span=Span(end_s=START_S + 8)))).fired_s == [6]
    assert Played(Backtest(replace(asked, span=Span(end_s=START_S)))).fired_s == []
    assert all(isinstance(one, Firing) for one in Played(Backtest(asked)).outcomes)
