"""The library face: rules on a stream of ticks."""

import subprocess
import sys
from pathlib import Path

import pytest

import rules_engine
from rules_engine import Engine, Firing, RulesError

RULES = """
version: 1
timezone: America/New_York
instruments:
  EUR: {forex: EURUSD}
  put: {option: AAPL, expiry: 2030-12-20, strike: 250, right: put}
rules:
  - name: hits-200
    when: V crosses above 200
    do: buy 100 MA
    once: true
  - name: follows
    cases:
      - {when: V moves up 5% in 5m, do: buy 100 MA}
      - {when: V moves down 5% in 5m, do: "sell 100 MA at limit V.last"}
  - name: lasts
    when: EUR > 1.1 for 10s
    do: notify desk
  - name: guarded
    when: put > 5
    only_if: V > 1000
    do: buy 1 put
  - name: morning
    when: time is after 09:45
    do: notify desk
"""
START_S = 1_921_590_000.0
"""2030-11-22 10:00 in New York."""


def test_ticks_fire_rules() -> None:
    engine = Engine(RULES)
    assert list(engine.tick("V", START_S, 199.0)) == []
    [firing] = engine.tick("V", START_S + 1, 200.0, 100.0)
    assert firing == Firing("hits-200", 0, START_S + 1, {"V": 200.0}, ("buy 100 MA at market",))
    assert list(engine.tick("V", START_S + 2, 199.0)) == []
    assert list(engine.tick("V", START_S + 3, 201.0)) == []
    [firing] = engine.tick("V", START_S + 4, 190.0)
    assert (firing.rule, firing.case, firing.actions) == ("follows", 1, ("sell 100 MA at limit V",))
    assert firing.values == {"V": 190.0, "move": 190 / 201 - 1}


def test_the_price_is_the_default_value_of_the_kind() -> None:
    engine = Engine(RULES)
    engine.tick("EUR", START_S, 1.0)
    engine.tick("EUR", START_S + 1, 1.2)
    [firing] = engine.advance(START_S + 60)
    assert (firing.rule, firing.at_s, firing.values) == ("lasts", START_S + 11, {"EUR": 1.2})


def test_a_tick_advances_the_clock_first() -> None:
    engine = Engine(RULES)
    engine.tick("EUR", START_S, 1.0)
    engine.tick("EUR", START_S + 1, 1.2)
    assert [firing.rule for firing in engine.tick("EUR", START_S + 11, 1.0)] == ["lasts"]


def test_what_is_held_back_is_not_returned() -> None:
    engine = Engine(RULES)
    engine.tick("put", START_S, 4.0)
    assert list(engine.tick("put", START_S + 1, 6.0)) == []


def test_its_time_begins_with_the_first_thing_it_hears() -> None:
    engine = Engine(RULES)
    assert list(engine.tick("V", START_S, 199.0)) == []
    assert [firing.at_s for firing in engine.advance(START_S + 86_400)] == [START_S + 86_400 - 900]


def test_a_symbol_that_no_rule_names_is_nobodys_business() -> None:
    assert list(Engine(RULES).tick("IBM", START_S, 100.0)) == []


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_price_fires_nothing(price: float) -> None:
    engine = Engine(RULES.replace("V crosses above 200", "V crosses 200"))
    engine.tick("V", START_S, 199.0)
    assert list(engine.tick("V", START_S + 1, price)) == []
    assert [firing.rule for firing in engine.tick("V", START_S + 2, 200.0)] == ["hits-200"]


def test_files_and_folders(tmp_path: Path) -> None:
    one, two = RULES.split("  - name: follows")
    (tmp_path / "one.yaml").write_text(one)
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "two.yaml").write_text(one.split("rules:")[0] + "rules:\n  - name: follows" + two)
    engine = Engine([tmp_path / "one.yaml", folder])
    engine.tick("V", START_S, 199.0)
    assert [firing.rule for firing in engine.tick("V", START_S + 1, 210.0)] == ["hits-200", "follows"]
    assert list(Engine(tmp_path / "one.yaml").tick("V", START_S, 199.0)) == []


def test_bad_rules_raise_with_every_problem() -> None:
    with pytest.raises(RulesError) as caught:
        Engine(RULES.replace("crosses above", "crosses over").replace("once:", "onec:"))
    assert [problem.place.line for problem in caught.value.problems] == [9, 11]


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(RulesError):
        Engine(tmp_path / "missing.yaml")


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, rules_engine; sys.exit(any(name.startswith('rules_engine.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], timeout=30).returncode == 0


def test_the_package_has_no_other_names() -> None:
    assert set(rules_engine.__all__) == {"Engine", "Firing", "RulesError", "__version__"}
    with pytest.raises(AttributeError):
        rules_engine.__getattr__("Rules")
