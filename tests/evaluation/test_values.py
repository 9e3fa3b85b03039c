"""Expressions as closures: the reference evaluator agrees, unknown stays unknown, series are shared."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpleeval import SimpleEval

from rules_engine.evaluation import Evaluator
from rules_engine.evaluation.market import Market
from rules_engine.evaluation.view import Uses, View
from rules_engine.model.expression import Arithmetic, Call, Expression, Named, Negative, Number, Reading
from rules_engine.model.instrument import Field, us_stock
from rules_engine.model.tick import Tick
from tests.evaluation.market import START_S, print_of
from tests.evaluation.sentences import expression, plan

V, MA = Reading(us_stock("V"), Field.LAST), Reading(us_stock("MA"), Field.LAST)
numbers = st.integers(0, 2_000).map(lambda cent: Number(cent / 100))
leaves: st.SearchStrategy[Expression] = st.one_of(numbers, st.just(V), st.just(MA))


def larger(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
        st.builds(Negative, inner),
        st.builds(lambda of: Call("abs", (of,)), inner),
        st.builds(lambda of: Call("floor", (of,)), inner),
        st.builds(lambda of: Call("round", (of, Number(1))), inner),
        st.builds(lambda name, one, two: Call(name, (one, two)), st.sampled_from(["min", "max"]), inner, inner),
    )


def by_reference(text: str, names: dict[str, float]) -> Any:
    functions = {"abs": abs, "min": min, "max": max, "floor": math.floor, "round": lambda x, n: round(x, int(n))}
    try:
        return SimpleEval(names=names, functions=functions).eval(text)
    except ZeroDivisionError:
        return None


@given(st.recursive(leaves, larger, max_leaves=12))
def test_arithmetic_is_that_of_the_reference(of: Expression) -> None:
    evaluator = Evaluator([], START_S)
    evaluator.tick(print_of(START_S, 201.37))
    evaluator.tick(print_of(START_S, 0.4, "MA"))
    expected = by_reference(str(of), {"V": 201.37, "MA": 0.4})
    assert evaluator.read(of) == (expected if expected is None else pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize("text", ["MA + 1", "-MA", "abs(MA)", "min(MA, 1)", "V / (V - V)", "sma(MA, 5s)"])
def test_unknown_stays_unknown(text: str) -> None:
    evaluator = Evaluator([], START_S)
    evaluator.tick(print_of(START_S, 10.0))
    assert evaluator.read(expression(text)) is None


def test_a_quote_can_be_read_though_no_rule_reads_it() -> None:
    evaluator = Evaluator([], START_S)
    evaluator.tick(Tick("MA", START_S, Field.ASK, 400.5))
    assert evaluator.read(expression("floor(10000 / MA.ask)")) == 24


def test_each_distinct_series_exists_once_whatever_it_is_called() -> None:
    market, uses = Market(START_S), Uses()
    view = View(market, uses)
    spread = expression("MA - 1.85 * V")
    for of in (spread, Named("spread", spread), Named("other", Named("spread", spread))):
        view.extreme(of, 60.0, highest=True)
        view.extreme(of, 300.0, highest=True)
    assert len(market.streams) == 1
    market.drop(list(market.streams), list(market.bars))
    assert not market.streams
    assert not any(quote.streams for feed in market.feeds.values() for quote in feed.quotes.values())


def test_a_tick_is_judged_only_by_rules_that_read_its_field() -> None:
    plans = [plan("moves", "V moves up 5% in 2s"), plan("bid", "V.bid > 1")]
    evaluator = Evaluator(plans, START_S)
    for second, price in enumerate([100.0, 105.0]):
        evaluator.tick(print_of(START_S + second, price))
    before = evaluator.truths("moves")
    evaluator.tick(Tick("V", START_S + 10, Field.BID, 99.0))
    assert evaluator.truths("moves") == before


def test_the_same_ticks_and_times_give_the_same_outcomes() -> None:
    def outcomes() -> list[Any]:
        plans = [plan("a", "V crosses 100 for 2s"), plan("b", "V > sma(V, 5s)"), plan("c", "no tick from V for 3s")]
        evaluator = Evaluator(plans, START_S)
        return [
            outcome
            for second in (0, 1, 2, 3, 4, 5, 6, 9, 10, 20)
            for outcome in evaluator.tick(print_of(START_S + second, 97.0 + second * 7 % 5))
        ]

    assert outcomes() == outcomes() != []
