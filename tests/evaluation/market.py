"""Random markets, and rules run over them one print after the other."""

from collections.abc import Iterable

from hypothesis import strategies as st

from rules_engine.evaluation import Evaluator
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.tick import Tick

START_S = 1_900_000_000.0
Prints = list[tuple[float, float]]

cents = st.integers(1, 100_000_000).map(lambda cent: cent / 100)


@st.composite
def prints(draw: st.DrawFn, size_max: int = 60, low: int = 90, high: int = 110) -> Prints:
    """Prices in whole units around 100, at irregular whole seconds, often several at one instant."""
    gaps = draw(st.lists(st.integers(0, 4), min_size=1, max_size=size_max))
    prices = draw(st.lists(st.integers(low, high), min_size=len(gaps), max_size=len(gaps)))
    time_s, found = START_S, []
    for gap, price in zip(gaps, prices, strict=True):
        time_s += gap
        found.append((time_s, float(price)))
    return found


def fired_at(plan: Plan, market: Prints) -> list[int]:
    """The prints, by number, at which the rule fired; timers may fire between two."""
    evaluator = Evaluator([plan], START_S)
    return [
        number
        for number, (time_s, price) in enumerate(market)
        if any(isinstance(outcome, Firing) for outcome in evaluator.tick(print_of(time_s, price)))
    ]


def firing_times(plan: Plan, market: Prints, until_s: float) -> list[float]:
    """When the rule fired, as the clock runs on to ``until_s``."""
    evaluator = Evaluator([plan], START_S)
    outcomes: list[Outcome] = []
    for time_s, price in market:
        outcomes += evaluator.tick(print_of(time_s, price))
    outcomes += evaluator.advance(until_s)
    return [outcome.at_s for outcome in outcomes if isinstance(outcome, Firing)]


def print_of(time_s: float, price: float | None, instrument: str = "V", snapshot: bool = False) -> Tick:
    return Tick(instrument, time_s, Field.LAST, price, 1.0, snapshot)


def rising_edges(truths: Iterable[bool | None], seen_happening: bool = False) -> list[int]:
    """Where a state turns true after it was known to be false (or, `seen_happening`, was not known at all before)."""
    edges, known = [], None
    for number, truth in enumerate(truths):
        if truth and (known is False or (known is None and seen_happening and number > 0)):
            edges.append(number)
        known = truth if truth is not None else known
    return edges
