"""Only the ticks that a rule reads reach it: which ones those are."""

import pytest

from rules_engine.language import Source, load
from rules_engine.model.instrument import Field
from rules_engine.planning.fields import ALL, fields_of
from rules_engine.planning.reads import reads_of

LAST, BID, ASK, CLOSE = Field.LAST, Field.BID, Field.ASK, Field.CLOSE
FILE = """\
version: 1
timezone: UTC
instruments:
  EURUSD: {{forex: EURUSD}}
rules:
  - name: one
    {body}
"""


def read(body: str) -> dict[str, set[Field]]:
    text = FILE.format(body=body.replace("\n", "\n    "))
    loaded = load([Source("rules.yaml", text.encode())], now_s=1.9e9)
    assert loaded.ok, loaded.problems
    (rule,) = loaded.rules
    return {name: set(fields) for name, fields in fields_of(rule, reads_of(rule)).items()}


@pytest.mark.parametrize(
    ("when", "fields"),
    [
        ("V > 200", {"V": {LAST}}),
        ("V crosses above 200 and MA.bid < 400", {"V": {LAST}, "MA": {LAST, BID}}),
        ("V.mid > 200", {"V": {LAST, BID, ASK}}),
        ("V.change_today > 5%", {"V": {LAST, CLOSE}}),
        ("EURUSD > 1.1", {"EURUSD": {BID, ASK}}),
        ("V.volume > 1000000", {"V": {LAST, Field.VOLUME}}),
        ("V[15m].high > 200", {"V": {LAST, Field.HIGH}}),
        ("sma(V - MA, 20s) > 0.1", {"V": {LAST}, "MA": {LAST}}),
        ("V > 200 using double bid/ask", {"V": {LAST, BID, ASK}}),
        ("no tick from V for 8s", {"V": set(ALL)}),
        ("MA > 5 and no tick from V for 8s", {"V": set(ALL), "MA": {LAST}}),
        ("no tick from V for 8s and V > 5", {"V": set(ALL)}),
    ],
)
def test_conditions_read_what_they_name_and_what_that_is_made_of(when: str, fields: dict[str, set[Field]]) -> None:
    assert read(f"when: {when}\ndo: notify desk") == fields


def test_instrument_that_is_only_ordered_is_read_by_no_rule() -> None:
    assert read("when: V > 200\ndo: buy 10 MA") == {"V": {LAST}}


def test_order_reads_the_quotes_that_it_computes_with() -> None:
    assert read("when: V > 200\ndo: buy 10 MA at limit MA.bid + 0.05") == {"V": {LAST}, "MA": {LAST, BID}}


def test_named_values_are_read() -> None:
    assert read("let: {spread: V.ask - V.bid}\nwhen: V > 200\ndo: notify desk") == {"V": {LAST, BID, ASK}}


def test_message_may_name_anything_of_what_is_watched() -> None:
    assert read("when: V > 200\ndo: notify desk\nmessage: 'ask {V.ask}'".replace("{", "{{").replace("}", "}}")) == {
        "V": set(ALL)
    }
