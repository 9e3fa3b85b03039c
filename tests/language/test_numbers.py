"""Numbers of rules: where each stands, by what words it is known, and other values in their place."""

import pytest

from rules_engine.language import Source, load
from rules_engine.language.numbers import Number, numbers_in, with_values

TEXT = """\ufeff# A comment with 7 in it.
version: 1
timezone: America/New_York
instruments: {ES2: {future: ES, exchange: CME, expiry: 2030-12}}
rules:
  - name: first-1
    let: {spread: MA.mid - 1.85 * V.mid}
    when: "zscore(spread, 2h) > -2.5 for 30s"
    only_if: time is between 09:45 and 15:30
    expires: 2030-12-18 16:00
    do:
      - buy 100 MA
      - sell 185 V at limit V.last - 0.5
    cooldown: 1h30m
  - name: second
    cases:
      - when:
          all:
            - sma(V[5m], 50) > 200
            - V moves up 5% in 10 minutes
        do: {buy: 50 V, take_profit: +4%, stop: -3%}
      - {when: 'V
          crosses above 300.25', do: notify desk2}
    active: {days: mon-fri, hours: "10:01-10:02"}
"""


def of(text: str = TEXT) -> dict[str, Number]:
    return {
        f"{name}.{one.path}": one
        for name, found in numbers_in([Source("r.yaml", text.encode())]).items()
        for one in found
    }


def test_every_number_is_found_and_no_name_or_clock_time() -> None:
    assert {path: (one.text, one.kind) for path, one in of().items()} == {
        "first-1.let.spread.1": ("1.85", ""),
        "first-1.when.1": ("2h", "window"),
        "first-1.when.2": ("-2.5", "threshold"),
        "first-1.when.3": ("30s", "window"),
        "first-1.do.1.1": ("100", ""),
        "first-1.do.2.1": ("185", ""),
        "first-1.do.2.2": ("0.5", ""),
        "first-1.cooldown.1": ("1h30m", ""),
        "second.cases.1.when.all.1.1": ("5m", "window"),
        "second.cases.1.when.all.1.2": ("50", ""),
        "second.cases.1.when.all.1.3": ("200", "threshold"),
        "second.cases.1.when.all.2.1": ("5%", "threshold"),
        "second.cases.1.when.all.2.2": ("10", "window"),
        "second.cases.1.do.buy.1": ("50", ""),
        "second.cases.1.do.take_profit.1": ("4%", ""),
        "second.cases.1.do.stop.1": ("-3%", ""),
        "second.cases.2.when.1": ("300.25", "threshold"),
    }


def test_places_are_those_of_the_file() -> None:
    lines = TEXT.removeprefix("\ufeff").split("\n")
    for number in of().values():
        assert lines[number.place.line - 1][number.place.column - 1 :].startswith(number.text)
        assert TEXT.removeprefix("\ufeff")[number.start :].startswith(number.text)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_other_values_stand_where_the_numbers_stood(end: str) -> None:
    text = TEXT.replace("\n", end)
    numbers = of(text)
    values = {
        numbers["first-1.when.2"]: "3",
        numbers["first-1.cooldown.1"]: "45m",
        numbers["second.cases.1.when.all.2.1"]: "0.25",
        numbers["second.cases.2.when.1"]: "1000",
        numbers["second.cases.1.do.take_profit.1"]: "10",
    }
    [changed] = with_values([Source("r.yaml", text.encode())], values)
    expected = text.removeprefix("\ufeff").replace("-2.5", "3").replace("1h30m", "45m").replace("up 5%", "up 0.25%")
    assert changed.data.decode() == expected.replace("300.25", "1000").replace("+4%", "+10%")


def test_what_is_not_changed_stays_as_it_is() -> None:
    source = Source("r.yaml", TEXT.encode())
    assert with_values([source], {}) == [source]


def test_each_number_changes_its_rule_and_no_other() -> None:
    text = TEXT.replace("MA.mid", "MA").replace("V.mid", "V")
    before = load([Source("r.yaml", text.encode())], now_s=0.0)
    assert before.ok, before.problems
    for path, number in of(text).items():
        value = {"5m": "15", "30s": "90", "-3%": "-7"}.get(number.text, "7")
        changed = load(with_values([Source("r.yaml", text.encode())], {number: value}), now_s=0.0)
        assert changed.ok, changed.problems
        differ = [old.name for old, new in zip(before.rules, changed.rules, strict=True) if old.digest != new.digest]
        assert differ == [path.split(".")[0]], path


def test_files_that_are_no_rules_have_no_numbers() -> None:
    for text in ("", "5", "rules: 5", "rules: [5]", "rules: [{when: V > 5}]", "a: [", "rules: {a: 1}"):
        assert sum(map(len, numbers_in([Source("r.yaml", text.encode())]).values())) == ("when" in text)
