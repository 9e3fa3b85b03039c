"""Rules that sleep through prints miss nothing: their twin looks at every print, and says and remembers the same."""

import random
import re
from collections.abc import Iterator
from itertools import product

import pytest

from rules_engine.model.instrument import Field
from rules_engine.model.plan import Plan
from rules_engine.model.rule import OnGap
from rules_engine.model.tick import Tick
from tests.evaluation.market import START_S
from tests.evaluation.sentences import plan
from tests.evaluation.wakeful import Step, compare

SENTENCES = [
    "V > 100",
    "V <= 99.5",
    "V == 100",
    "100.5 < V",
    "not V > 100.2",
    "V crosses above 100",
    "V crosses 100.5",
    "V crosses below 50 + 50",
    "V enters 99 to 101",
    "V leaves 99.5 to 100.5",
    "V is outside 98 to 102",
    "V > 100 for 7s",
    "V crosses above 100 for 5s",
    "V moves 1% in 30s",
    "V moves up 0.5% in 10s",
    "V moves down 1 points in 60s",
    "V changes up 0.5% in 20s",
    "V changes 0.8% in 60s",
    "V changes down 0.3 points in 15s",
    "highest(V, 60s) > 1.01 * lowest(V, 60s)",
    "sma(V, 10s) crosses above sma(V, 60s)",
    "V > sma(V, 60s) + 2 * stdev(V, 60s)",
    "zscore(V, 30s) > 2",
    "zscore(V, 30s) < -1.5 for 3s",
    "V crosses above highest(V, 20s) - 0.5",
    "V / sma(V, 20s) - 1 > 0.3%",
    "V crosses sma(V, 15s)",
    "stdev(V, 10s) > 0.7 * stdev(V, 60s)",
    "highest(V, 30s) - lowest(V, 30s) > 0.5 for 4s",
    "V enters lowest(V, 40s) to sma(V, 40s)",
    "2 / V < 2 / sma(V, 30s) - 0.00001",
    "sma(V, 5s) crosses below highest(V, 60s) - 2 * stdev(V, 60s)",
    "zscore(V, 20s) > 1 and V changes up 0.2% in 10s",
    "not zscore(V, 40s) < 1.2 or sma(V, 8s) > 100.4",
    "V changes 0.4 points in 5s for 3s",
    "-V < 0 - lowest(V, 20s)",
    "abs(V - 100) > 1",
    "V > 100 and V < 101",
    "V > 101 or V changes up 0.5% in 20s",
    "V crosses above 100 and V > sma(V, 30s)",
    "V > MA",
    "V.bid > 99.9",
    "V.mid crosses 100",
    "V > 100 using double last",
    "no tick from V for 8s",
    "sma(V - MA, 20s) > 0.1",
    "V > 100.3 on bar close 10s",
]
RESTING = [
    "V moves 1% in 30s",
    "V moves up 0.5% in 10s",
    "V moves up 0.2% in 5s",
    "V moves down 1 points in 60s",
    "V moves 0.3 points in 4s",
    "V > 100.2 and V moves up 0.1% in 20s",
    "V > 100 and V < 101",
    "V == 100",
]
"""Each of them rests in a band of prices and until a moment, whatever is compared."""
LIVES: list[dict[str, object]] = [
    {},
    {"once": True},
    {"cooldown_s": 20.0},
    {"clears_when": "V < 99.8"},
    {"only_if": "V > 100"},
    {"stale_after_s": 4.0},
]


def plans(chance: random.Random) -> list[Plan]:
    chosen = chance.sample(SENTENCES, 12)
    return [plan(f"r{n}", text, **chance.choice(LIVES)) for n, text in enumerate(chosen)]  # type: ignore[arg-type]


def market(chance: random.Random, count: int) -> Iterator[Step]:
    """A walk of cents around 100, with everything that can happen to a feed."""
    time_s, cents, other = START_S, 10_000, 10_000
    jump = chance.choice([1, 5, 30])
    for _ in range(count):
        time_s += chance.choice([0.0, 0.05, 0.1, 0.2, 0.2, 1.0, chance.choice([0.3, 5.0])])
        cents += chance.choice([0, 0, 1, -1, jump, -jump]) + (cents < 9_900) - (cents > 10_100)
        kind = chance.random()
        if kind < 0.9:
            yield "tick", (Tick("V", time_s, Field.LAST, cents / 100, 1.0),)
        elif kind < 0.93:
            other += chance.choice([-5, 5])
            yield "tick", (Tick("MA", time_s, Field.LAST, other / 100, 1.0),)
        elif kind < 0.96:
            side = chance.choice([Field.BID, Field.ASK])
            yield "tick", (Tick("V", time_s, side, cents / 100, 1.0),)
        elif kind < 0.97:
            yield "tick", (Tick("V", time_s, Field.LAST, chance.choice([None, float("nan"), -1.0]), 1.0),)
        elif kind < 0.975:
            yield "tick", (Tick("V", time_s - 3.0, Field.LAST, 150.0, 1.0),)
        elif kind < 0.98:
            yield "tick", (Tick("V", time_s, Field.LAST, cents / 100, 1.0, True),)
        elif kind < 0.99:
            yield "advance", (time_s + 0.01,)
            time_s += 0.01
        elif kind < 0.993:
            yield "feed_down", (time_s, "V")
            yield "feed_up", (time_s + 0.5, "V")
            time_s += 0.5
        elif kind < 0.995:
            yield "not_used", (f"r{chance.randrange(12)}",)
        elif kind < 0.997:
            name = f"r{chance.randrange(12)}"
            yield "pause", (name, time_s)
            yield "resume", (name, time_s)
        else:
            past = [Tick("V", START_S - 60 + n, Field.LAST, (10_000 + n % 7) / 100) for n in range(60)]
            yield "backfill", ("V", Field.LAST, past, START_S - 60)


@pytest.mark.parametrize("seed", range(24))
def test_sleeping_rules_fire_as_wakeful_ones(seed: int) -> None:
    chance = random.Random(seed)
    rules, steps = plans(chance), list(market(chance, 1_500))
    assert any(compare(seed, rules, steps)), "nothing fired: this market shows nothing"


@pytest.mark.parametrize("lag_s", [0.02, 0.15, 1.5, 6.0])
@pytest.mark.parametrize("seed", range(8))
def test_so_they_do_while_the_clock_is_ahead_of_the_exchange(seed: int, lag_s: float) -> None:
    chance = random.Random(seed)
    rules, steps = plans(chance), list(behind(market(chance, 1_000), chance, lag_s))
    assert any(compare(seed, rules, steps)), "nothing fired: this market shows nothing"


@pytest.mark.parametrize("seed", range(4))
def test_so_they_do_where_very_many_values_are_compared(seed: int) -> None:
    chance = random.Random(seed)
    texts = [text for text in SENTENCES if "(" in text and "MA" not in text]
    rules = []
    for text, on_gap in product(texts, (OnGap.KEEP, OnGap.RESET)):
        other = re.sub(r"\b\d+s", lambda _: f"{chance.choice([2, 5, 9, 30, 75])}s", text)
        rules.append(plan(f"r{len(rules)}", other, on_gap=on_gap))
    assert any(compare(seed, rules, list(market(chance, 600)))), "nothing fired: this market shows nothing"


@pytest.mark.parametrize("seed", range(8))
def test_so_they_do_where_each_rests_in_a_band_of_its_own(seed: int) -> None:
    chance = random.Random(seed)
    rules = [plan(f"r{number}", text) for number, text in enumerate(chance.sample(RESTING, 4))]
    time_s, cents = START_S, 10_000
    steps: list[Step] = []
    for _ in range(1_500):
        time_s += chance.choice([0.05, 0.2, 0.2, 1.0, 3.0])
        cents += chance.choice([0, 1, -1, 6, -6, 15, -15]) + 9 * ((cents < 9_900) - (cents > 10_100))
        steps.append(("tick", (Tick("V", time_s, Field.LAST, cents / 100, 1.0),)))
        if chance.random() < 0.02:  # One of them is judged anew, while the others rest on.
            name = f"r{chance.randrange(4)}"
            steps += [("pause", (name, time_s)), ("resume", (name, time_s))]
    assert any(compare(seed, rules, steps)), "nothing fired: this market shows nothing"


def behind(steps: Iterator[Step], chance: random.Random, lag_s: float) -> Iterator[Step]:
    """The same market, its trades told with times that our clock has passed."""
    for what, words in steps:
        tick = words[0]
        if isinstance(tick, Tick) and tick.field is Field.LAST:
            if chance.random() < 0.5:
                yield "advance", (tick.time_s,)
            yield what, (tick._replace(time_s=tick.time_s - lag_s),)
        else:
            yield what, words
