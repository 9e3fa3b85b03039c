"""Positions and fills in whatever order IB tells them: a position counts only with every fill in it that we know of."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.execution.positions import AHEAD_S, NO_CONTRACT, SETTLED_AFTER_S, TELLING_S, Positions
from rules_engine.model.clock import SteppedClock
from rules_engine.model.reports import PositionReport, PositionsTold
from tests.execution.doubles import NOW_S

MA_ID, V_ID = 7, 8

TAPES = {
    "a fill whose position comes later": "0 told 300 =300 | 1 filled -300 =? | 1.5 told 0 =0",
    "a fill whose position came before": "0 told 300 =300 | 1 told 0 =0 | 1.5 filled -300 =0",
    "a position that moved long before a fill has nothing to do with it": (
        "0 told 300 =300 | 60 told 200 =200 | 120 filled -100 =? | 121 told 100 =100"
    ),
    "fills in parts, some of them told with one position": (
        "0 told 300 | 1 filled -100 =? | 1.1 told 200 =200 | 2 filled -50 =? | 2.1 filled -50 =? | 2.2 told 100 =100"
    ),
    "positions a step ahead of the fills": (
        "0 told 0 | 1 told 100 =100 | 1.1 filled 100 =100 | 1.2 told 200 =? | 1.3 filled 100 =200"
    ),
    "a purchase and a sale at once: the position between them is not the last word": (
        "0 told 50 | 1 filled 100 =? | 1.1 filled -100 =50 | 1.2 told 150 =? | 1.3 told 50 =50"
    ),
    "somebody else trades and we do not: nothing is in doubt": (
        "0 told 300 =300 | 5 told 200 =200 | 5.1 told 500 =500 | 90 told 0 =0"
    ),
    "somebody else trades while our fill is on its way": (
        "0 told 300 | 1 filled -100 =? | 1.2 told 500 =? | 11 all 10 =? | 12 all 11 =500"
    ),
    "somebody else buys back at once what we sold: no position is told, until IB is asked": (
        "0 told 300 | 1 filled -100 =? | 9 told 300 =? | 11.5 told 300 =? | 12 all 11 =300"
    ),
    "an answer to a question of before is no answer": "0 told 300 | 1 filled -300 =? | 15 all 10.9 =? | 16 all 11 =300",
    "a correction of a fill takes back what it told": "0 told 0 | 1 filled 100 =? | 1.5 filled -10 =? | 2 told 90 =90",
    "a fill before any position is told": "0 filled 100 =? | 1 told 100 =? | 10 all 10 =100",
    "a connection that is lost": "0 told 300 =300 | 1 lost =? | 5 all 4 =? | 5 told 300 =300",
    "a connection that is lost in doubt": (
        "0 told 300 | 1 filled -300 =? | 2 lost =? | 4 all 3 =? | 4 told 300 =? | 11 told 0 =0"
    ),
    "a fill of long ago, told on a new connection": "0 lost | 100 all 100 | 100 told 0 =0 | 101 filled@50 -300 =0",
    "a fill of just now, told on a new connection": (
        "0 lost | 100 all 100 | 100 told 300 =300 | 101 filled@99 -300 =? | 111 all 111 | 111 told 0 =0"
    ),
    "a fill that was told while the same connection heard nothing": (
        "0 all 0 | 0 told 300 | 50 unseen =? | 90 filled@60 -300 =? | 91 told 0 =? | 91 all 90 =0"
    ),
    "whatever happened unseen": "0 told 300 =300 | 1 unseen =? | 5 told 200 =? | 6 all 5 =200",
    "two minutes after a fill others may trade again": (
        "0 told 300 | 1 filled -100 =? | 1.1 told 200 =200 | 120 told 700 =700"
    ),
}


@pytest.mark.parametrize("name", TAPES)
def test_a_position_is_known_as_the_tape_says(name: str) -> None:
    clock = SteppedClock(NOW_S)
    positions = Positions(clock)
    for step in TAPES[name].split(" | "):
        found = re.fullmatch(r"(\S+) (\w+)(?:@(\S+))?(?: (-?[\d.]+))?(?: =(\S+))?", step)
        assert found is not None, step
        at, what, of, number, expected = found.groups()
        clock.time_s = NOW_S + float(at)
        match what:
            case "told":
                _tell(positions, number)
            case "filled":
                positions.filled(MA_ID, NOW_S + float(of or at), Decimal(number))
            case "all":
                positions.told_all(PositionsTold(NOW_S + float(number)))
            case "lost":
                positions.lost()
            case "unseen":
                positions.unseen()
        if expected is not None:
            assert positions.of(MA_ID) == (None if expected == "?" else Decimal(expected)), step


def test_a_fill_leaves_what_is_held_of_other_contracts_known() -> None:
    positions = Positions(SteppedClock(NOW_S))
    _tell(positions, "300")
    positions.told(PositionReport("V", V_ID, Decimal(50), Decimal(0)))
    positions.filled(MA_ID, NOW_S, Decimal(-300))
    assert positions.of(MA_ID) is None
    assert positions.of(V_ID) == 50
    assert positions.of(9) is None


def test_a_fill_of_no_contract_may_be_of_any() -> None:
    clock = SteppedClock(NOW_S)
    positions = Positions(clock)
    _tell(positions, "300")
    positions.filled(NO_CONTRACT, NOW_S, Decimal(-300))
    assert positions.of(MA_ID) is None
    assert positions.due_s() == NOW_S + SETTLED_AFTER_S
    positions.told_all(PositionsTold(positions.due_s()))
    assert positions.of(MA_ID) == 300


@pytest.mark.parametrize(("filled_before_s", "is_known"), [(60.0, True), (1.0, False)])
def test_an_engine_that_starts_right_after_a_fill_takes_no_position_for_granted(
    filled_before_s: float, is_known: bool
) -> None:
    positions = Positions(SteppedClock(NOW_S), NOW_S - filled_before_s)
    _tell(positions, "300")
    positions.told_all(PositionsTold(NOW_S))
    assert (positions.of(MA_ID) is not None) == is_known


def test_a_position_that_has_just_moved_is_ahead_until_a_fill_explains_it_or_a_second_has_passed() -> None:
    clock = SteppedClock(NOW_S)
    positions = Positions(clock)
    _tell(positions, "300")
    assert not positions.is_ahead(MA_ID)
    _tell(positions, "200")
    assert positions.is_ahead(MA_ID) and not positions.is_ahead(V_ID)
    positions.filled(MA_ID, NOW_S, Decimal(-100))
    assert not positions.is_ahead(MA_ID)
    _tell(positions, "500")
    clock.time_s += TELLING_S
    assert not positions.is_ahead(MA_ID)


def test_ib_is_asked_once_its_answer_must_have_the_fill_and_not_over_and_over() -> None:
    clock = SteppedClock(NOW_S)
    positions = Positions(clock)
    _tell(positions, "300")
    assert positions.due_s() == float("inf")
    positions.filled(MA_ID, NOW_S, Decimal(-300))
    assert positions.due_s() == NOW_S + SETTLED_AFTER_S
    clock.time_s = positions.due_s()
    positions.asking()
    assert positions.due_s() > clock.now_s()
    positions.told_all(PositionsTold(clock.now_s()))
    assert positions.due_s() == float("inf")


quantities = st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=6)
pauses = st.lists(st.floats(0.0, AHEAD_S / 12), min_size=24, max_size=24)


@given(quantities, pauses, st.lists(st.booleans(), min_size=12, max_size=12))
def test_what_is_known_has_every_fill_in_it_that_was_told(
    fills: Sequence[int], waits: Sequence[float], fill_comes: Sequence[bool]
) -> None:
    """The slow twin knows what IB held after each fill."""
    clock = SteppedClock(NOW_S)
    positions = Positions(clock)
    held = [0, *accumulate(fills)]
    _tell(positions, "0")
    told, shown, turns = 0, 0, iter(fill_comes)
    for wait in waits:
        if told == shown == len(fills):
            break
        clock.time_s += wait
        if told < len(fills) and (shown == len(fills) or next(turns)):
            positions.filled(MA_ID, clock.time_s, Decimal(fills[told]))
            told += 1
        else:
            shown += 1
            _tell(positions, str(held[shown]))
        known = positions.of(MA_ID)
        assert known is None or known in held[told:]
    assert positions.of(MA_ID) == held[-1]


def _tell(positions: Positions, quantity: str) -> None:
    positions.told(PositionReport("MA", MA_ID, Decimal(quantity), Decimal(0)))
