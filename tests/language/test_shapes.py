"""A sentence read by the tree of another one means what it means when it is parsed for itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.language import sentences
from rules_engine.language.grammar import ACTION, CONDITION, sentence_parser
from rules_engine.language.scope import Instruments, Scope
from rules_engine.language.sentences import Parsed, parse_sentence
from rules_engine.language.shapes import SHAPES_MAX, Shapes
from rules_engine.model.expression import Named, Number

_CONDITIONS = (
    "{a} crosses above {n}",
    "{a} > {n} and {b}.bid < {m} for 2 minutes",
    "{a} moves up {n}% in {n} minutes",
    "{a} moves {n}% in {n}m",
    "sma({a}, {n}s) crosses above sma({b}, {n}m) * {m}",
    "{a} enters {n} to {m}",
    "{a} > -{n}",
    "{a} - {n} > {b}-{m}",
    "time between {n}:30 and 16:00",
    "highest({a}, {n}d) > {m} + edge",
    "{a} > {n} using double last",
    "not ({a} > {n} or {b} <= {m})",
    "{a}[{n}m] > {m}",
)
_ACTIONS = (
    "buy {n} {a}",
    "buy {n}% of equity in {a} at limit {m} day",
    "sell {n} {a} at stop {m} limit {n} good till 2030-12-{n} 16:00",
    "cancel orders of {a}",
    "cancel orders of my-{n}-{a}",
    "cancel orders in {a}",
    "buy {n} {a} trailing {m} points",
    "notify {a}",
)
_NUMBERS = st.one_of(
    st.sampled_from(["0", "1", "5", "30", "200", "199.50", "007", "1.5.2", "12x", "1_000", "5.", "999999999999999"]),
    st.integers(0, 10**6).map(str),
    st.decimals(0, 1000, places=2).map(str),
)
_NAMES = st.sampled_from(["V", "MA", "BRK_B", "Visa", "V2", "A", "edge", "NaN", "Day", "sma", "price"])


def _scope() -> Scope:
    return Scope(Instruments({}), "America/New_York", {"edge": Named("edge", Number(2.0))})


def _alone(text: str, kind: str) -> Parsed:
    """Parsed for itself."""
    return sentences._parse_anew(text, kind, _scope())


@given(st.sampled_from([*((CONDITION, one) for one in _CONDITIONS), *((ACTION, one) for one in _ACTIONS)]), st.data())
def test_every_sentence_means_the_same_whatever_was_read_before(
    kind_and_form: tuple[str, str], data: st.DataObject
) -> None:
    kind, form = kind_and_form
    for _ in range(3):
        words = {name: data.draw(_NUMBERS) for name in "nm"} | {name: data.draw(_NAMES) for name in "ab"}
        text = form.format(**words)
        assert parse_sentence(text, kind, _scope()) == _alone(text, kind)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("buy 5 MA at limit 400 day", "buy 5 MA at limit 1 day"),
        ("buy 5 MA at limit 400 day", "buy 5 MA at limit 1  day"),
        ("cancel orders of AAA", "cancel orders of 55"),
        ("notify PHONE", "notify Phone2"),
        ("buy 1 MA", "buy 0 MA"),
        ("buy 1 MA", "buy 1% MA"),
    ],
)
def test_what_looks_alike_is_not_taken_for_the_same(first: str, then: str) -> None:
    parse_sentence(first, ACTION, _scope())
    assert parse_sentence(then, ACTION, _scope()) == _alone(then, ACTION)


def test_sentences_of_one_shape_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parse_sentence("V crosses above 3 + 4", CONDITION, _scope())
    monkeypatch.delattr(sentences, "sentence_parser")
    assert str(parse_sentence("MA crosses above 17.25 + 1", CONDITION, _scope()).value) == "MA crosses above 17.25 + 1"


def test_fault_in_a_known_shape_is_told_where_it_stands() -> None:
    parse_sentence("V moves up 5% in 10m", CONDITION, _scope())
    (fault,) = parse_sentence("VERYLONG moves up 0% in 10m", CONDITION, _scope()).faults
    assert "VERYLONG moves up 0% in 10m"[fault.start : fault.end] == "0"


def test_shapes_are_bounded() -> None:
    shapes = Shapes()
    tree = sentence_parser().parse("V > 1", start=CONDITION)
    for number in range(SHAPES_MAX + 5):
        shapes.learn(f"kind {number}", "V > 1", tree)
    assert shapes.find("kind 4", "V > 2") is None
    assert shapes.find(f"kind {SHAPES_MAX + 4}", "V > 2") is not None
