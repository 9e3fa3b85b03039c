"""What a user reads, to the letter."""

import pytest

from rules_engine.language import as_json, mask, render
from tests.language.written import loaded

TEXT = """\
version: 1
rules:
  - name: a
    do: buy 100 MA
    once: true

    cooldwn: 15m
    when: V > 3



  - name: b
    when: V crosses over 200
    do: buy 100 MA
"""

EXPECTED = """\
error[R102]: unknown key 'cooldwn'
 --> a.yaml:7:5
  |
7 |     cooldwn: 15m
  |     ^^^^^^^ did you mean 'cooldown'?
error[R201]: 'crosses over' is not a condition
 --> a.yaml:13:13
   |
13 |     when: V crosses over 200
   |             ^^^^^^^^^^^^ write 'crosses above', 'crosses below' or 'crosses'"""


def test_problems_are_shown_with_their_line_and_a_caret() -> None:
    assert render(loaded(TEXT).problems) == EXPECTED


def test_colour_adds_nothing_but_colour() -> None:
    shown = render(loaded(TEXT).problems, colour=True)
    assert shown != EXPECTED
    for code in ("\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"):
        shown = shown.replace(code, "")
    assert shown == EXPECTED


def test_a_problem_as_an_object() -> None:
    assert as_json(loaded(TEXT).problems[0]) == {
        "file": "a.yaml",
        "line": 7,
        "column": 5,
        "code": "R102",
        "message": "unknown key 'cooldwn'",
        "hint": "did you mean 'cooldown'?",
        "severity": "error",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x: mailto://me:word@example.com", "x: mailto://*******************"),
        ("123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "*" * 44),
        ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc end", "key sk_live_" + "*" * 24 + " end"),
        ("to me:word@example.com now", "to " + "*" * 19 + " now"),
        ("xoxb-1234-abcdefghij", "*" * 20),
        ("AKIAIOSFODNN7EXAMPLE", "*" * 20),
        ("buy 100 MA at limit 400.25", "buy 100 MA at limit 400.25"),
        ("start: 2030-12-18 16:00 at 09:45", "start: 2030-12-18 16:00 at 09:45"),
        ("name: a-rule-with-a-very-long-name-2030-12-18", "name: a-rule-with-a-very-long-name-2030-12-18"),
        ("antidisestablishmentarianismists", "antidisestablishmentarianismists"),
    ],
)
def test_what_is_shaped_like_a_secret_is_starred_out(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_a_long_line_is_shown_around_its_problem() -> None:
    text = "version: 1\nrules: [{name: a, do: buy 1 MA, message: " + "m" * 500 + ", when: visa > 1}]\n"
    line, mark = render(loaded(text).problems).split("\n")[3:5]
    assert len(line) < 160
    assert line[mark.index("^") :].startswith("visa")
