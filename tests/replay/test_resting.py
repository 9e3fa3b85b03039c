"""Orders that wait are passed over until the price comes that they wait for, against orders that hear every price."""

import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.replay.assumptions import Charge
from rules_engine.replay.orders import Order
from rules_engine.replay.resting import answers, bests
from rules_engine.replay.touch import Touch, part, touch_of
from tests.replay.comparing import compare
from tests.replay.playing import START_S, play, prices
from tests.replay.walks import walk

V = Instrument("V", Kind.STOCK, "V", "SMART", "USD")


def drafts(source: random.Random) -> OrderDraft:
    """Any order that may wait."""
    level, other = (Decimal(source.randrange(9_900, 10_100)) / 100 for _ in range(2))
    plain = OrderDraft(V, source.choice(list(Side)), Decimal(1), OrderKind.LIMIT, TimeInForce(Duration.DAY), level)
    return source.choice(
        (
            plain,
            replace(plain, kind=OrderKind.STOP, limit=None, stop=level),
            replace(plain, kind=OrderKind.STOP_LIMIT, stop=other),
            replace(plain, kind=OrderKind.TRAILING, limit=None, trail_percent=Decimal(source.choice(("0.2", "1")))),
            replace(plain, kind=OrderKind.TRAILING, limit=None, trail_amount=Decimal(source.choice(("0.05", "0.5")))),
        )
    )


def waiting(source: random.Random, touch: Touch[float]) -> Order:
    """One that such a price does not fill."""
    while True:
        order = Order(Intent("one", "one", 1, 0, drafts(source), 0.0, IntentState.WORKING), 0.0, np.inf)
        if order.meet(touch) is None:
            return order


@pytest.mark.parametrize("seed", range(200))
def test_columns_find_the_price_by_which_something_comes_of_an_order(seed: int) -> None:
    source = random.Random(seed)
    spread, quoted = Charge(0.001, True) if seed % 2 else Charge(0.03), seed % 3 == 0
    walked = np.round(100 + np.cumsum([source.choice((-0.05, 0, 0.01, 0.04)) for _ in range(80)]), 2)
    second = walked + 0.02
    order = waiting(source, touch_of(float(walked[0]), float(second[0]), spread, quoted))
    ahead = part(touch_of(walked, second, spread, quoted), 1, 80)
    found = np.flatnonzero(answers(order, ahead))
    best_before = bests(order, ahead) if order.draft.kind is OrderKind.TRAILING else None

    first = None
    for place, (one, other) in enumerate(zip(walked[1:].tolist(), second[1:].tolist(), strict=True)):
        was_elected = order.elected
        price = order.meet(touch_of(one, other, spread, quoted))
        if price is not None or order.elected != was_elected:
            first = place
            break
        if best_before is not None:
            assert order.best == best_before[place + 1]
    assert first == (int(found[0]) if len(found) else None)


@pytest.mark.parametrize("first", [0, 60])
@pytest.mark.parametrize("kind", [{}, {"apart": True}, {"holds": True}])
def test_random_orders_that_wait_come_to_the_same(first: int, kind: dict[str, bool], tmp_path: Path) -> None:
    assert sum(compare(seed, tmp_path, rests=True, **kind) for seed in range(first, first + 60)) > 40


@pytest.mark.parametrize(
    "do",
    [
        "buy 1 V at limit V - 0.5",
        "sell 1 V at limit V + 0.5 good till 2030-11-22 10:30",
        "buy 3 V at stop V + 0.3",
        "sell 1 V at stop V - 0.3 limit V - 0.4",
        "sell 1 V trailing 1%",
        "{buy: 3 V, take_profit: +1%, stop: -1%}",
        "{one_cancels_all: [buy 1 V at limit 98, sell 2 V at limit 102], remaining: reduce}",
    ],
)
@pytest.mark.parametrize("slice_rows", [1_000, 1 << 20])
def test_hardly_a_price_is_heard_while_orders_wait(do: str, slice_rows: int, tmp_path: Path, heard: list[str]) -> None:
    rules = f"rules:\n  - {{name: one, when: V moves 1% in 60s, do: {do}}}\n"
    files = {"V": walk(20_000, 5)}
    expected = play(tmp_path, rules, files, engine="streaming")
    found = play(tmp_path, rules, files, engine="columns", slice_rows=slice_rows)
    assert found.outcomes == expected.outcomes
    assert repr(found.summary) == repr(expected.summary)
    assert expected.orders
    assert len(heard) < 20_000 / 100


@pytest.mark.parametrize("engine", ["streaming", "columns"])
def test_an_order_that_is_good_till_a_moment_ends_with_the_first_price_after_it(engine: str, tmp_path: Path) -> None:
    rules = """
rules:
  - {name: one, when: V crosses above 100, do: buy 1 V at limit 98 good till 2030-11-22 10:00:04, once: true}
  - {name: gone, when: working_orders(V) == 0, do: notify desk}
"""
    found = play(tmp_path, rules, {"V": prices(99, 101, 101, 101, 101, 101, 97)}, engine=engine)
    assert found.orders == [("buy 1 limit", "expired", None, None)]
    assert [firing.at_s - START_S for firing in found.firings if firing.rule == "gone"] == [4]
