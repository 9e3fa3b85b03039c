"""The words of a rule's life, defaults, digests, and what holds over several files."""

from datetime import time
from pathlib import Path
from textwrap import dedent

import pytest

from rules_engine.language import Loaded, Source, load, read_sources
from rules_engine.model.place import Severity
from rules_engine.model.rule import Active, AtMost, IfAlreadyTrue, IfMissed, OnGap, Run
from tests.language.written import NOW_S, codes, loaded, rule

PLAIN = "when: V > 200\ndo: buy 100 MA\n"


def test_what_is_not_written_has_its_default() -> None:
    found = rule(PLAIN)
    assert (found.once, found.enabled, found.run) == (False, True, Run.AUTO)
    assert (found.cooldown_s, found.at_most, found.active, found.expires_s) == (None, None, None, None)
    assert (found.if_already_true, found.on_gap) == (IfAlreadyTrue.WAIT, OnGap.BACKFILL)
    assert found.if_missed == IfMissed(act=True, within_s=60.0)
    assert found.spelled == frozenset({"name", "when", "do", "timezone"})


def test_the_words_of_a_rules_life() -> None:
    found = rule(
        PLAIN
        + """\
once: true
cooldown: 1 hour 30 minutes
at_most: 3 per day
clears_when: V < 190
only_if: {not: MA > 500}
cancel_when: V crosses below 150
active: {days: "fri-mon, wed", hours: 22:00-02:00}
expires: 2030-12-18 16:00
if_already_true: refuse
on_gap: keep
if_missed: act within 5m
stale_after: 30s
notify: [phone, desk]
message: "{rule}: V {V.last} ({move:+.1%}) {wide:,.2f} {{}}"
let: {wide: V - MA}
enabled: false
run: at broker
"""
    )
    assert found.once and found.cooldown_s == 5400.0 and found.at_most == AtMost(3)
    assert (str(found.clears_when), str(found.only_if)) == ("V < 190", "not MA > 500")
    assert str(found.cancel_when) == "V crosses below 150"
    assert found.active == Active(frozenset({4, 5, 6, 0, 2}), time(22), time(2))
    assert (found.expires_s, found.expires) == (1_923_858_000.0, "2030-12-18 16:00")
    assert (found.if_already_true, found.on_gap) == (IfAlreadyTrue.REFUSE, OnGap.KEEP)
    assert found.if_missed == IfMissed(act=True, within_s=300.0) and found.stale_after_s == 30.0
    assert found.notify == ("phone", "desk") and not found.enabled and found.run is Run.AT_BROKER


@pytest.mark.parametrize(
    ("word", "missed"), [("act", IfMissed(act=True, within_s=None)), ("tell", IfMissed(act=False, within_s=None))]
)
def test_if_missed(word: str, missed: IfMissed) -> None:
    assert rule(PLAIN + f"if_missed: {word}").if_missed == missed


def test_a_rules_own_word_wins_over_the_files_default() -> None:
    head = "defaults: {cooldown: 1h, notify: phone, once: true}"
    found = rule(PLAIN + "cooldown: 5m", head)
    assert (found.cooldown_s, found.notify, found.once) == (300.0, ("phone",), True)
    assert found.spelled >= {"cooldown", "notify", "once"}


def test_a_default_action_serves_rules_that_write_none() -> None:
    found = loaded(
        """\
        version: 1
        defaults: {do: notify phone}
        rules:
          - {name: a, when: V > 1}
          - {name: b, cases: [{when: V > 1, do: buy 1 MA}]}
        """
    )
    assert [str(one.cases[0].actions[0]) for one in found.rules] == ["notify phone", "buy 1 MA at market"]


def test_a_mistake_in_the_defaults_is_one_problem() -> None:
    assert codes(
        """\
        version: 1
        defaults: {only_if: visa > 3}
        rules:
          - {name: a, when: V > 1, do: buy 1 MA}
          - {name: b, when: V > 2, do: buy 1 MA}
        """
    ) == ["R208"]


def test_lists_of_conditions_mean_the_words() -> None:
    spelled = rule("when: {any: [{all: [V > 1, not MA > 2, {not: MA > 3}]}, V crosses 5]}\ndo: buy 1 MA")
    assert str(spelled.cases[0].when) == "V > 1 and not MA > 2 and not MA > 3 or V crosses 5"
    assert spelled.cases[0].when == rule(f"when: {spelled.cases[0].when}\ndo: buy 1 MA").cases[0].when


def test_an_expired_rule_is_an_error_unless_it_was_armed_before() -> None:
    text = "version: 1\nrules: [{name: a, expires: 2020-01-01 10:00, when: V > 1, do: buy 1 MA}]"
    assert [problem.severity for problem in loaded(text).problems] == [Severity.ERROR]
    armed = loaded(text, armed=frozenset({"a"}))
    assert armed.ok and [problem.severity for problem in armed.problems] == [Severity.WARNING]
    assert [one.name for one in armed.rules] == ["a"]


def test_a_time_that_summer_time_skips_is_the_instant_of_the_skip() -> None:
    # On 2031-03-09 clocks in New York go from 02:00 to 03:00; on 2031-11-02 from 02:00 back to 01:00.
    skipped = rule(PLAIN + "expires: 2031-03-09 02:30").expires_s
    assert skipped == rule(PLAIN + "expires: 2031-03-09 03:00").expires_s
    repeated = rule(PLAIN + "expires: 2031-11-02 01:30").expires_s
    later = rule(PLAIN + "expires: 2031-11-02 02:30").expires_s
    assert repeated is not None and later is not None and later - repeated == 2 * 3600


def test_the_digest_sees_what_a_rule_says_and_not_how_it_is_laid_out() -> None:
    first = rule(PLAIN + "cooldown: 90s")
    moved = rule("# a comment\ncooldown: 1m30s\ndo: buy 100 MA at market\nwhen: >-\n  V is\n  above 200\n")
    assert moved.digest == first.digest and moved.when_digest == first.when_digest


@pytest.mark.parametrize(
    ("body", "when_too"),
    [
        ("when: V > 201\ndo: buy 100 MA", True),
        ("when: V > 200 for 1s\ndo: buy 100 MA", True),
        ("when: V > 200\ndo: buy 101 MA", False),
        (PLAIN + "cooldown: 1m", False),
        (PLAIN + "only_if: MA > 1", False),
        (PLAIN + "enabled: false", False),
        (PLAIN + "notify: phone", False),
    ],
)
def test_the_digest_changes_with_the_rule(body: str, when_too: bool) -> None:
    first, second = rule(PLAIN), rule(body)
    assert first.digest != second.digest
    assert (first.when_digest != second.when_digest) is when_too


def test_the_digest_of_a_condition_sees_what_its_names_mean() -> None:
    body = "when: wide > 3\ndo: buy 1 MA\nlet: {wide: %s}"
    assert rule(body % "V - MA").when_digest != rule(body % "V + MA").when_digest
    declared = "instruments: {V: {stock: V, exchange: NYSE}}"
    assert rule(PLAIN).when_digest != rule(PLAIN, declared).when_digest


def together(**texts: str) -> Loaded:
    sources = [Source(f"{name}.yaml", dedent(text).encode()) for name, text in texts.items()]
    return load(sources, now_s=NOW_S)


def test_a_name_belongs_to_one_rule_over_all_files() -> None:
    text = "version: 1\nrules: [{name: twin, when: V > 1, do: buy 1 MA}]"
    (problem,) = together(first=text, second=text).problems
    assert (problem.code, problem.place.file) == ("R306", "second.yaml")
    assert problem.hint == "it is first at first.yaml:2:16"


def test_one_name_means_one_instrument_over_all_files() -> None:
    future = """\
        version: 1
        instruments: {ES: {future: ES, exchange: CME, expiry: front}}
        rules: [{name: a, when: ES > 1, do: buy 1 ES}]
        """
    stock = "version: 1\nrules: [{name: b, when: ES > 1, do: buy 1 MA}]"
    (problem,) = together(one=future, two=stock).problems
    assert (problem.code, problem.place.file, problem.place.line) == ("R307", "one.yaml", 2)
    assert "two.yaml" in problem.message
    same = together(one=future, two=future.replace("name: a", "name: b"))
    assert same.ok and set(same.instruments) == {"ES"}


def test_orders_of_a_rule_in_another_file_can_be_cancelled() -> None:
    other = "version: 1\nrules: [{name: b-2, when: V > 1, do: buy 1 MA}]"
    assert together(one="version: 1\nrules: [{name: a, when: V > 1, do: cancel orders of b-2}]", two=other).ok


def test_with_an_error_there_are_no_rules() -> None:
    found = together(good="version: 1\nrules: [{name: a, when: V > 1, do: buy 1 MA}]", bad="version: 1")
    assert not found.ok and found.rules == () and found.instruments == {}


def test_a_folder_means_its_rule_files_sorted(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "deep/c.yaml", "notes.txt", ".hidden.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("version: 1")
    sources, problems = read_sources([tmp_path])
    assert [Path(source.name).relative_to(tmp_path).as_posix() for source in sources] == [
        "a.yml",
        "b.yaml",
        "deep/c.yaml",
    ]
    assert not problems


def test_what_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    sources, problems = read_sources([tmp_path / "none.yaml", tmp_path / "empty"])
    assert sources == () and [problem.code for problem in problems] == ["R001", "R001"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("version: 1")
    assert len(read_sources([path, tmp_path])[0]) == 1
