"""The canonical sentence of anything parses back to the same thing."""

import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.conditions.band import BandEvent, BandState
from rules_engine.conditions.bar_close import OnBarClose
from rules_engine.conditions.change import Change
from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.execution import ExecutionIn
from rules_engine.conditions.lasting import Lasting
from rules_engine.conditions.logic import all_of, any_of, opposite_of
from rules_engine.conditions.move import Move
from rules_engine.conditions.silence import Silence
from rules_engine.conditions.time_of_day import ClockTime, TimeIs
from rules_engine.conditions.trigger import Using
from rules_engine.language import parse_action, parse_condition, parse_expression
from rules_engine.language.durations import BARS_S, read_duration
from rules_engine.model.action import (
    Action,
    AtLimit,
    AtMarket,
    AtMidpoint,
    AtStop,
    CancelOrders,
    ClosePosition,
    Duration,
    Notify,
    PlaceOrder,
    Quantity,
    Side,
    TimeInForce,
    Trailing,
)
from rules_engine.model.condition import Condition
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import (
    AccountField,
    AccountReading,
    Arithmetic,
    Call,
    Expression,
    Function,
    Negative,
    Number,
    Position,
    Reading,
    Series,
    spell_number,
)
from rules_engine.model.instrument import Field, us_stock
from rules_engine.model.trigger_method import TriggerMethod

V, MA = us_stock("V"), us_stock("MA")
ZONE = "America/New_York"

instruments = st.sampled_from([V, MA])
numbers = st.integers(0, 10**6).map(lambda cents: Number(cents / 100))
prices = st.builds(Reading, instruments, st.sampled_from([Field.LAST, Field.BID, Field.MID, Field.OPEN, Field.VOLUME]))
over_time = st.builds(Series, st.sampled_from(Function), prices, duration_s=st.integers(1, 10**5).map(float))
bars = st.builds(Reading, instruments, st.sampled_from([Field.LAST, Field.HIGH]), st.sampled_from(BARS_S).map(float))
over_bars = st.builds(
    lambda function, of, count: Series(function, of, bar_count=count, bar_s=of.bar_s),
    st.sampled_from(Function),
    bars,
    st.integers(2, 200),
)
others = st.one_of(
    st.builds(Position, instruments),
    st.builds(AccountReading, st.sampled_from([AccountField.EQUITY, AccountField.DAILY_PNL])),
)


def negated(operand: Expression) -> Expression:
    return Number(-operand.value) if isinstance(operand, Number) else Negative(operand)


def combined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Arithmetic, st.sampled_from("+-*"), inner, inner),
        st.builds(Arithmetic, st.just("/"), inner, prices),
        st.builds(negated, inner),
        st.builds(lambda a, b: Call("max", (a, b)), inner, inner),
        st.builds(lambda a: Call("abs", (a,)), inner),
    )


expressions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(numbers, prices, over_time, over_bars, others), combined, max_leaves=6
)
# A sentence must read something, and a share is not compared with a bare number.
readings = st.one_of(prices, over_time, over_bars)
amounts = st.integers(1, 10**5).flatmap(
    lambda n: st.sampled_from([Amount(n / 100, relative=False), Amount(float(f"{n / 100:g}") / 100, relative=True)])
)
seconds = st.integers(1, 10**6).map(float)
directions = st.sampled_from(Direction)
clocks = st.builds(
    ClockTime,
    st.times().map(lambda at: at.replace(microsecond=0)),
    st.one_of(st.none(), st.dates(datetime.date(2030, 1, 1), datetime.date(2040, 1, 1))),
)
bands = st.tuples(st.integers(0, 100), st.integers(101, 300)).map(lambda pair: tuple(Number(float(n)) for n in pair))
states: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, readings, st.sampled_from(Relation), expressions),
    st.builds(Move, readings, directions, amounts, seconds),
    st.builds(Change, readings, directions, amounts, seconds),
    st.builds(lambda of, inside, band: BandState(of, inside, *band), readings, st.booleans(), bands),
    st.builds(Silence, instruments, seconds),
    st.builds(ExecutionIn, instruments),
    st.builds(lambda at, after: TimeIs(at if after else None, None if after else at, ZONE), clocks, st.booleans()),
)
events: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Crossing, readings, directions, expressions),
    st.builds(lambda of, entering, band: BandEvent(of, entering, *band), readings, st.booleans(), bands),
)
plain = st.builds(
    lambda left, relation, level: Comparison(Reading(left, Field.LAST), relation, level),
    instruments,
    st.sampled_from(Relation),
    numbers,
)


def qualified(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        st.builds(Lasting, inner, seconds),
        st.builds(opposite_of, inner),
        st.builds(OnBarClose, plain, st.sampled_from(BARS_S).map(float)),
        st.builds(Using, plain, st.sampled_from(TriggerMethod)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: all_of(*parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: any_of(*parts)),
    )


conditions = st.recursive(states, qualified, max_leaves=5)
with_events = st.one_of(
    conditions,
    events,
    st.builds(all_of, events, conditions),
    st.builds(any_of, events, conditions, events),
    st.builds(Lasting, events, seconds),
)


@given(with_events)
@settings(max_examples=300)
def test_a_condition_says_itself(condition: Condition) -> None:
    assert parse_condition(str(condition), timezone=ZONE) == condition


@given(expressions)
@settings(max_examples=200)
def test_an_expression_says_itself(expression: Expression) -> None:
    assert parse_expression(str(expression)) == expression


quantities = st.one_of(
    st.integers(1, 10**6).map(lambda n: Quantity(Number(float(n)))),
    st.builds(Quantity, prices),
    st.integers(1, 100).map(lambda n: Quantity(Number(n / 100, percent=True), of_equity=True)),
)
pricings = st.one_of(
    st.just(AtMarket()),
    st.just(AtMidpoint()),
    st.builds(AtLimit, expressions),
    st.builds(AtStop, expressions, st.one_of(st.none(), expressions)),
    st.builds(Trailing, amounts),
)
undated = [Duration.DAY, Duration.GOOD_TILL_CANCELLED, Duration.IMMEDIATE_OR_CANCEL, Duration.FILL_OR_KILL]
forces = st.one_of(
    st.none(),
    st.sampled_from(undated).map(TimeInForce),
    st.just(TimeInForce(Duration.GOOD_TILL_DATE, 1_923_858_000.0, "2030-12-18 16:00")),
)
names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(PlaceOrder, st.sampled_from(Side), quantities, instruments, pricings, forces, st.booleans()),
    st.builds(ClosePosition, instruments),
    st.builds(CancelOrders, rule=names),
    st.builds(CancelOrders, instrument=instruments),
    st.sampled_from(["desk", "phone_2"]).map(Notify),
)


@given(actions)
@settings(max_examples=200)
def test_an_action_says_itself(action: Action) -> None:
    assert parse_action(str(action), timezone=ZONE) == action


@given(st.integers(1, 366 * 86_400))
def test_a_duration_says_itself(length_s: int) -> None:
    assert read_duration(spell_duration(length_s)) == length_s


@given(st.integers(0, 10**12 - 1), st.integers(0, 6))
def test_a_number_of_twelve_digits_says_itself(digits: int, places: int) -> None:
    written = spell_number(digits / 10**places)
    assert parse_expression(written) == Number(float(written))
