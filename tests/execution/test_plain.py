"""What goes into the journal comes out equal."""

import json
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import StrEnum

import pytest

from rules_engine.execution.plain import from_text, to_text
from rules_engine.model.action import Duration, Remaining, Side, TimeInForce
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.life import Life
from rules_engine.model.order import (
    HeldExecution,
    HeldMargin,
    HeldPercentChange,
    HeldPrice,
    HeldTime,
    HeldVolume,
    OrderDraft,
    OrderKind,
)
from rules_engine.model.reports import OrderError
from rules_engine.model.trigger_method import TriggerMethod
from tests.execution.doubles import DAY, MA, NOW_S, V

OPTION = Instrument("C", Kind.OPTION, "SPY", expiry="2030-12-20", strike=Decimal("512.5"), right="call")
HELD = (
    HeldPrice(V, True, Decimal("200.01"), TriggerMethod.LAST),
    HeldTime(False, NOW_S),
    HeldMargin(True, 15),
    HeldExecution(V),
    HeldVolume(V, False, 10_000_000),
    HeldPercentChange(V, True, Decimal("-2.5")),
)
DRAFTS = (
    OrderDraft(MA, Side.BUY, Decimal(100), OrderKind.MARKET, DAY),
    OrderDraft(MA, Side.SELL, Decimal("0.25"), OrderKind.LIMIT, DAY, limit=Decimal("1E-8"), closes=True),
    OrderDraft(
        *(OPTION, Side.SELL, Decimal(1), OrderKind.STOP_LIMIT),
        TimeInForce(Duration.GOOD_TILL_DATE, NOW_S + 0.5, "2030-12-18 16:00"),
        limit=Decimal("4.05"),
        stop=Decimal(4),
        outside_hours=True,
        group="g0",
        remaining=Remaining.REDUCE,
        parent=0,
        conditions=HELD,
        conditions_outside_hours=False,
    ),
)


@pytest.mark.parametrize("draft", DRAFTS)
def test_an_order_survives_the_journal(draft: OrderDraft) -> None:
    text = to_text(draft)
    assert from_text(OrderDraft, text) == draft
    assert to_text(from_text(OrderDraft, text)) == text


def layer_by_layer(value: object) -> object:
    """The same by its definition, without an encoder that asks."""
    match value:
        case StrEnum():
            return value.value
        case Decimal():
            return str(value)
        case tuple() | list():
            return [layer_by_layer(item) for item in value]
        case frozenset() | set():
            return sorted((layer_by_layer(item) for item in value), key=str)
        case dict():
            return {str(name): layer_by_layer(item) for name, item in value.items()}
        case _ if is_dataclass(value):
            names = [field.name for field in fields(value)]
            return {"is": type(value).__name__} | {name: layer_by_layer(getattr(value, name)) for name in names}
    return value


ERROR = OrderError(order_id=4, code=201, text='a "b" \n \u20ac')


@pytest.mark.parametrize(
    "value",
    [*DRAFTS, Life(seq=1, known="t-"), ERROR, {"b": 1.5, "a": None}, (Side.BUY, "x"), frozenset({"b", "a"}), (), True],
    ids=lambda value: type(value).__name__,
)
def test_text_is_what_each_layer_says_with_its_names_in_order(value: object) -> None:
    assert to_text(value) == json.dumps(layer_by_layer(value), sort_keys=True, separators=(",", ":"))


def test_what_has_no_plain_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="no plain form"):
        to_text([object()])


def test_a_life_survives_the_journal() -> None:
    life = Life(seq=2, done=True, fired_s=NOW_S, known="t-", sides="a,b", broken="because")
    assert from_text(Life, to_text(life)) == life


def test_what_an_older_program_wrote_lacks_fields_that_take_their_defaults() -> None:
    assert from_text(Life, '{"is": "Life", "done": true, "gone": 1}') == Life(done=True)


def test_numbers_that_json_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_text(Life(known_s=float("nan")))
