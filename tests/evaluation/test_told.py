"""What a firing tells is made ready at the first one, and is what it would be if it had been ready all along."""

from random import Random
from typing import Any

import pytest

from rules_engine.evaluation import Evaluator
from rules_engine.evaluation.watch import Watch
from rules_engine.model.instrument import Field
from rules_engine.model.rule import OnGap
from rules_engine.model.tick import Tick
from tests.evaluation.sentences import plan

SENTENCES = (
    "V > 200",
    "V.bid > 200 for 30s",
    "EUR crosses above 1.1",
    "V.change_today > 5%",
    "V - MA.ask crosses 3",
    "V moves 5% in 5m",
    "V - MA changes up 2 points in 60s",
    "sma(V, 10s) crosses above sma(V, 60s) + 3",
    "highest(V, 5m) > 1.02 * lowest(MA.bid, 60s)",
    "zscore(V, 20) > 3",
    "V[15m].high > V[15m].low + 1",
    "V[5m] > sma(MA, 20)",
    "V enters 190 to 200",
    "V is inside sma(V, 60s) to V.ask",
    "not (V > 200 and MA.close < 100)",
    "no tick from V for 8s",
    "time is after 09:45 and V > 200",
    "account.equity > 1000 and position(MA) > 0 and V > 1",
    "V > 200 using double bid/ask",
    "V > 200 using midpoint",
    "V.high > 200 on bar close 5m",
    "sma(V, 20) > V.low on bar close 5m",
    "sma(V, 10s) > 3 on bar close 5m",
)


FIELDS = (*Field, *[Field.LAST] * len(Field))


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("words", [{}, {"stale_after_s": 30.0}, {"on_gap": OnGap.KEEP}], ids=str)
def test_it_tells_the_same_as_one_that_was_ready_from_the_start(text: str, words: dict[str, Any]) -> None:
    ready, waiting = (Evaluator([plan("one", text, bars_s=300.0, **words)], 0.0) for _ in range(2))
    watch_of(ready).values()
    told = 0
    for number, tick in enumerate(ticks(Random(text))):
        ready.tick(tick)
        waiting.tick(tick)
        if number % 20 == 19:
            assert watch_of(waiting).values() == watch_of(ready).values()
            told += len(watch_of(ready).values())
    judged, aside = watch_of(ready).uses, watch_of(ready)._aside.uses
    assert aside.windows <= judged.windows, "a reload forgets windows that no judge reads"
    assert told or not watch_of(ready).uses.quotes


def watch_of(evaluator: Evaluator) -> Watch:
    (run,) = evaluator._runs.values()
    return run.watches[0]


def ticks(random: Random) -> list[Tick]:
    """Half an hour of all fields of three instruments, half of them trades."""
    prices = {"V": 200.0, "MA": 195.0, "EUR": 1.1}
    found = []
    for number in range(1_000):
        name = random.choice(list(prices))
        prices[name] *= 1 + random.uniform(-0.002, 0.002)
        found.append(Tick(name, float(2 * number), random.choice(FIELDS), round(prices[name], 2)))
    return found


def test_a_price_that_is_told_and_not_judged_is_the_newest_one() -> None:
    """Prints that wake nobody wait in their lane until somebody reads them."""
    evaluator = Evaluator([plan("moves", "V moves 50% in 5m"), plan("quotes", "V > 200 using double bid/ask")], 0.0)
    quotes = evaluator._runs["quotes"].watches[0]
    for number in range(5):
        evaluator.tick(Tick("V", float(number), Field.LAST, 190.0 + number))
    assert quotes.values() == {"V": 194.0}
