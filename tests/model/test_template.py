"""`message:` templates: a fixed little grammar, filled without computing anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.model.template import Slot, Template, TemplateFault, fill, parse_template

VALUES: dict[str, float | str] = {
    "rule": "r{1}",
    "move": 0.05125,
    "V": 200.1,
    "V.ask": 12345.678,
    "n": -3.0,
    "one": 1e-7,
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{rule}: V {V.ask} ({move:+.1%} in 5m)", "r{1}: V 12345.678 (+5.1% in 5m)"),
        ("plain", "plain"),
        ("", ""),
        ("{{V}} {V}", "{V} 200.1"),
        ("{V.ask:,.2f} {V.ask:,.0f} {V.ask:,} {V.ask:+,}", "12,345.68 12,346 12,345.678 +12,345.678"),
        ("{n} {n:+} {n:.2} {n:f} {n:%}", "-3 -3 -3.00 -3.000000 -300.000000%"),
        ("{V:+}", "+200.1"),
        ("{one} {one:+}", "0.0000001 +0.0000001"),
        ("{rule:+.2f}", "r{1}"),
        ("{nobody} {V.bid}", "? ?"),
    ],
)
def test_filling(text: str, filled: str) -> None:
    template = parse_template(text)
    assert isinstance(template, Template)
    assert fill(template, VALUES) == filled


@pytest.mark.parametrize(
    ("text", "position", "length"),
    [
        ("a } b", 2, 1),
        ("ab {V", 3, 1),
        ("{}", 0, 2),
        ("x {V!r}", 2, 5),
        ("{V:10}", 0, 6),
        ("{V:.10f}", 0, 8),
        ("{V:>999999999}", 0, 14),
        ("{V.a.b}", 0, 7),
        ("{V[0]}", 0, 6),
        ("{V.__class__}", 0, 13),
        ("{V:{x}}", 0, 6),
        ("{ V }", 0, 5),
        ("{5}", 0, 3),
        ("{Ü}", 0, 3),
    ],
)
def test_faults_say_where(text: str, position: int, length: int) -> None:
    fault = parse_template(text)
    assert isinstance(fault, TemplateFault)
    assert (fault.position, fault.length) == (position, length)


def test_slots_remember_where_they_stand() -> None:
    template = parse_template("a {{ {V.ask:.2f} {rule}")
    assert isinstance(template, Template)
    assert template.slots == (Slot("V", "ask", ".2f", 5, 11), Slot("rule", "", "", 17, 6))
    assert [slot.key for slot in template.slots] == ["V.ask", "rule"]


@given(st.text(alphabet="{}V.:+,%f0 x_", max_size=30))
def test_any_text_is_a_template_or_a_fault_within_it(text: str) -> None:
    parsed = parse_template(text)
    if isinstance(parsed, TemplateFault):
        assert 0 <= parsed.position < parsed.position + parsed.length <= len(text)
    else:
        fill(parsed, VALUES)
