"""Our scalar rules: what the user typed stays what the user typed."""

import pytest

from rules_engine.language.text import SIZE_MAX, Source, decode
from rules_engine.language.tree import Listing, Mapping, Scalar, read_tree
from tests.language.written import codes, loaded


def value_of(text: str) -> object:
    root, problems = read_tree(f"key: {text}\n", "a.yaml")
    assert not problems and isinstance(root, Mapping)
    scalar = root.get("key")
    assert isinstance(scalar, Scalar)
    return scalar.value


# What YAML readers elsewhere make booleans, numbers, times and dates of.
TYPED_ELSEWHERE = (
    *("ON", "NO", "yes", "off", "TRUE", "True", "Null"),
    *("09:30", "12:30", "10:30:00", "2030-12-18"),
    *("0005", "010", "1_000", "0x10", "0o7", "1e5", "-.5", "1."),
)


@pytest.mark.parametrize(
    "text",
    [*TYPED_ELSEWHERE, ".5", "5.", "+1", ".inf", ".nan", "=", "<<"],
)
def test_everything_else_is_text(text: str) -> None:
    assert value_of(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("~", None),
        ("null", None),
        ("0", 0),
        ("-7", -7),
        ("199.50", 199.5),
        ("-0.5", -0.5),
    ],
)
def test_what_is_typed(text: str, value: object) -> None:
    found = value_of(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ['"true"', "'700'", '"~"'])
def test_quoted_is_text(text: str) -> None:
    assert value_of(text) == text[1:-1]


def test_where_text_is_wanted_a_number_is_the_characters_as_typed() -> None:
    found = loaded(
        "version: 1\ninstruments: {HK: {stock: 700, exchange: SEHK}}\nrules: [{name: 007, when: HK > 1, do: buy 1 HK}]"
    )
    assert found.rules[0].name == "007"
    assert found.instruments["HK"].symbol == "700"


def test_a_huge_number_is_no_error_of_ours() -> None:
    assert sorted(codes("version: " + "9" * 100_000)) == ["R103", "R104"]


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    text = "version: 1\r\nrules:\r\n  - name: a\r\n    when: V > 200\r\n    do: buy 1 MA\r\n"
    assert codes("\ufeff" + text) == []
    (problem,) = loaded("\ufeff" + text.replace("V >", "V !")).problems
    assert (problem.place.line, problem.place.column) == (4, 13)


def test_a_file_that_is_too_large_is_not_read() -> None:
    text, problems = decode(Source("a.yaml", b"#" * (SIZE_MAX + 1)))
    assert text == "" and [str(problem.code) for problem in problems] == ["R003"]


def test_nesting_within_the_bound_is_read() -> None:
    root, problems = read_tree("[" * 23 + "1" + "]" * 23, "a.yaml")
    assert isinstance(root, Listing) and not problems
    assert read_tree("[" * 24 + "1" + "]" * 24, "a.yaml")[0] is None


def test_a_duplicate_key_does_not_hide_other_problems() -> None:
    assert codes(
        """\
        version: 1
        rules:
          - name: a
            name: b
            when: V >
            do: buy 1 MA
            colour: red
        """
    ) == ["R007", "R203", "R102"]
