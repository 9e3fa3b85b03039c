"""A problem inside a sentence points at its word, however the sentence is written in YAML."""

import pytest

from tests.language.written import loaded


@pytest.mark.parametrize(
    "written",
    [
        "when: V > 1 and visa > 2",
        'when: "V > 1 and visa > 2"',
        "when: 'V > 1 and visa > 2'",
        'when: "V > 1 \\x61nd visa > 2"',
        "when: V > 1\n      and visa > 2",
        "when: >-\n      V > 1\n      and visa > 2",
        "when: |\n      V > 1\n      and   visa > 2",
        'when: "V > 1\n      and \\\n      visa > 2"',
        "when: 'V > 1\n\n      and visa > 2'",
        "when: {all: [V > 1, visa > 2]}",
    ],
)
def test_the_word_is_found(written: str) -> None:
    text = f"version: 1\nrules:\n  - name: a\n    {written}\n    do: buy 1 MA\n"
    (problem,) = loaded(text).problems
    line = text.split("\n")[problem.place.line - 1]
    start = problem.place.column - 1
    assert line[start : start + problem.place.length] == "visa"


def test_several_bad_sentences_are_all_reported() -> None:
    found = loaded(
        """\
        version: 1
        rules:
          - name: a
            when: V crosses over 200
            do: [buy 1 visa, sell nothing, notify]
            only_if: MA <> 3
          - name: b
            when: V moves 5 in 5m
            do: buy 1 MA at limmit 3
        """
    )
    assert [problem.place.line for problem in found.problems] == [4, 5, 5, 5, 6, 8, 9]
