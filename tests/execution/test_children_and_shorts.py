"""What protects a position sells too: a sale beside it may leave the account short once both fill."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.settings import Limits
from tests.execution.doubles import NOW_S, FakeMarket, draft

State = IntentState
LIMITS = Limits(price_collar=None, max_spread=None)


def sell(quantity: int, **changes: object) -> OrderDraft:
    return draft(side=Side.SELL, quantity=Decimal(quantity), **changes)


def bracket(quantity: int, entered: int, state: State) -> list[Intent]:
    """`buy QUANTITY` of which so much has filled, its profit taker and its stop."""
    legs = [
        draft(quantity=Decimal(quantity)),
        sell(quantity, parent=0, kind=OrderKind.LIMIT, limit=Decimal(440)),
        sell(quantity, parent=0, kind=OrderKind.STOP, stop=Decimal(380)),
    ]
    entry, *children = [Intent(f"b.1.{leg}", "b", 1, leg, one, NOW_S, State.ACKED) for leg, one in enumerate(legs)]
    return [replace(entry, filled=Decimal(entered), state=state), *children]


def check(*unit: OrderDraft, held: int, working: list[Intent]) -> Refusal | None:
    book = Book(open=[one for one in working if not one.state.is_over])
    market = FakeMarket(positions={"MA": Decimal(held)})
    return RiskGate(LIMITS, market, SteppedClock(NOW_S)).check(unit, book)


@pytest.mark.parametrize(
    ("held", "entered", "state", "most"),
    [
        (100, 100, State.FILLED, 0),
        (150, 100, State.FILLED, 50),
        (500, 0, State.WORKING, 500),
        (600, 100, State.PARTIAL, 300),
        (500, 0, State.INTENT, 500),
        (600, 100, State.CANCELLED, 300),
        (600, 100, State.UNKNOWN, 300),
        (500, 0, State.UNKNOWN, 200),
    ],
)
def test_a_sale_leaves_what_the_children_of_an_entry_may_sell(held: int, entered: int, state: State, most: int) -> None:
    working = bracket(300 if entered in (0, 100) and held >= 500 else 100, entered, state)
    assert most == 0 or check(sell(most), held=held, working=working) is None
    refused = check(sell(most + 1), held=held, working=working)
    assert refused is not None and refused.reason is Reason.SHORT_SALE


def test_the_refusal_says_how_much_of_it_protects_and_how_to_end_that() -> None:
    refused = check(sell(60), held=100, working=[*bracket(100, 100, State.FILLED)])
    assert refused is not None and refused.detail == (
        "limits.allow_short is false: 100 MA held, 160 to sell, of which 100 by brackets that protect it"
        " ('cancel orders in MA' ends those)"
    )


def test_a_bracket_of_the_same_firing_takes_nothing_away_before_it_has_filled() -> None:
    legs = [one.draft for one in bracket(100, 0, State.INTENT)]
    assert check(*legs, sell(500), held=500, working=[]) is None
