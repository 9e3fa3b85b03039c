"""When IB's answers show more than one order for one intent, by every number under which it may show them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.evidence import finding
from rules_engine.execution.keys import Naming
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.reports import BrokerStatus, Evidence, ExecutionReport, OrderReport
from rules_engine.model.slices import at_once
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, draft

KEY = "key"
Seen = tuple[str, int, int]
"""Where an order is seen, its permanent number, and the number under which it was sent: 0 is none."""

OPEN, OVER, FILL = "open", "completed", "execution"
OURS, TWIN, SENT, TWIN_SENT = 9001, 777, 5, 6

CASES: list[tuple[str, int | None, list[Seen], str]] = [
    ("nothing but the order itself", OURS, [(OPEN, OURS, SENT)], ""),
    ("its own fill besides", OURS, [(OPEN, OURS, SENT), (FILL, OURS, SENT)], ""),
    ("its end, which names no sent number", OURS, [(OVER, OURS, 0)], ""),
    ("its end without any number", OURS, [(OVER, 0, 0)], ""),
    ("itself before IB gave it a number", None, [(OPEN, 0, SENT)], ""),
    ("itself with a number that we did not know", None, [(OPEN, OURS, SENT)], ""),
    ("itself once without and once with its number", None, [(OPEN, 0, SENT), (OPEN, OURS, SENT)], ""),
    ("the same when we knew the number", OURS, [(OPEN, 0, SENT), (OPEN, OURS, SENT)], ""),
    ("itself without a number though we knew it", OURS, [(OPEN, 0, SENT)], ""),
    ("another living order", OURS, [(OPEN, OURS, SENT), (OPEN, TWIN, TWIN_SENT)], "alive"),
    ("another living order of the same sent number", OURS, [(OPEN, OURS, SENT), (OPEN, TWIN, SENT)], "alive"),
    ("two living orders, none of which we knew", None, [(OPEN, OURS, SENT), (OPEN, TWIN, TWIN_SENT)], "alive"),
    ("only a living stranger where ours was", OURS, [(OPEN, TWIN, TWIN_SENT)], "had"),
    ("another one that is over", OURS, [(OPEN, OURS, SENT), (OVER, TWIN, 0)], "had"),
    ("a fill of another one", OURS, [(OPEN, OURS, SENT), (FILL, TWIN, TWIN_SENT)], "had"),
    ("a fill of another one, ours not seen", OURS, [(FILL, TWIN, TWIN_SENT)], "had"),
    ("another living order that has no number yet", OURS, [(OPEN, OURS, SENT), (OPEN, 0, TWIN_SENT)], "alive"),
    ("two living orders that have no number yet", None, [(OPEN, 0, SENT), (OPEN, 0, TWIN_SENT)], "alive"),
    ("only a living order without number, sent as another", OURS, [(OPEN, 0, TWIN_SENT)], "had"),
    ("a fill without number, sent as another", OURS, [(OPEN, OURS, SENT), (FILL, 0, TWIN_SENT)], "had"),
    ("a twin once without and once with its number", OURS, [(OPEN, 0, TWIN_SENT), (OPEN, TWIN, TWIN_SENT)], "had"),
]


def evidence(seen: list[Seen]) -> Evidence:
    none, hundred = Decimal(0), Decimal(100)
    orders = {
        place: tuple(
            OrderReport(KEY, perm_id, sent, 17, status, none, hundred, None, completed=place == OVER)
            for where, perm_id, sent in seen
            if where == place
        )
        for place, status in ((OPEN, BrokerStatus.WORKING), (OVER, BrokerStatus.CANCELLED))
    }
    fills = tuple(
        ExecutionReport(f"e.{number}", KEY, perm_id, sent, 17, "MA", 7, "buy", hundred, hundred, NOW_S)
        for number, (where, perm_id, sent) in enumerate(seen)
        if where == FILL
    )
    return Evidence(orders[OPEN], orders[OVER], fills, (), 100)


@pytest.mark.parametrize(("perm_id", "seen", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_two_orders_for_one_intent(perm_id: int | None, seen: list[Seen], expected: str) -> None:
    intent = Intent(KEY, "r", 1, 0, draft(), NOW_S, IntentState.WORKING, order_id=SENT, perm_id=perm_id)

    def known(reference: str, number: int) -> Intent | None:
        return intent if reference == KEY else None

    for order in (seen, seen[::-1]):
        found = at_once(finding(evidence(order), [intent], Naming("abcd", "123"), known, 17)).doubles
        assert ["alive" if one.alive else "had" for one in found] == ([expected] if expected else [])


async def test_a_twin_that_ib_has_not_numbered_yet_halts_its_rule_and_does_not_end_the_order(bench: Bench) -> None:
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.dispatch()
    twin = replace(bench.ib.orders[key], perm_id=0, order_id=900)
    bench.ib.orders["a twin"] = twin
    bench.desk.on_report(replace(twin, status=BrokerStatus.CANCELLED))
    assert bench.intent(key).state is IntentState.WORKING
    assert "second order" in bench.desk.waiting_for
    await bench.desk.step()
    assert "r" in bench.desk.halted_rules
    assert "9001 and none yet, sent as 900" in bench.texts("desk")[0]
    assert bench.intent(key).order_id == bench.ib.wire[0].order_id
