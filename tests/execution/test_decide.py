"""A firing's way into the journal: resolved, checked, worded, with the right memory of who is told."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.conditions.comparison import Comparison, Relation
from rules_engine.execution.book import Book
from rules_engine.execution.decide import SEND_WITHIN_S, decide, decide_arming, hold_back
from rules_engine.execution.decision import Decision
from rules_engine.execution.risk import RiskGate
from rules_engine.model.action import Action, AtLimit, CancelOrders, ClosePosition, Notify, PlaceOrder, Quantity, Side
from rules_engine.model.clock import SteppedClock
from rules_engine.model.expression import Number, Reading
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.instrument import Field
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.life import Arming
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.order import OrderDraft
from rules_engine.model.place import Place
from rules_engine.model.rule import Case, IfMissed, Rule
from rules_engine.model.settings import Limits
from tests.execution.doubles import MA, NOW_S, FakeMarket, V, draft, firing, stock

BUY = PlaceOrder(Side.BUY, Quantity(Number(100)), MA, AtLimit(Reading(MA, Field.ASK)))
PLACE = Place("r.yaml", 1, 1)


def rule(*actions: Action, **changes: object) -> Rule:
    when = Comparison(Reading(V, Field.LAST), Relation.ABOVE, Number(200))
    case = Case(when, actions or (BUY,), "V > 200", PLACE)
    return replace(Rule("r", (case,), PLACE, "UTC", "digest", notify=("phone",)), **changes)  # type: ignore[arg-type]  # By name.


def wording(outcome: Firing | HeldBack) -> Notice:
    if isinstance(outcome, HeldBack):
        return Notice(NoticeKind.HELD_BACK, f"{outcome.reason}: {outcome.detail}", "held back", NOW_S, ("phone",))
    return Notice(NoticeKind.FIRED, "fired", "fired", NOW_S, ("phone", "desk"))


def decided(
    one: Rule,
    limits: Limits | None = None,
    market: FakeMarket | None = None,
    *,
    dry: bool = False,
    working: Sequence[OrderDraft] = (),
) -> Decision:
    market = market or FakeMarket()
    gate = RiskGate(limits or Limits(), market, SteppedClock(NOW_S))
    ours = [
        Intent(f"a.{number}.0", "a", number, 0, draft, NOW_S, IntentState.WORKING)
        for number, draft in enumerate(working)
    ]
    return decide(firing(), one, market, gate, Book(ours), wording, now_s=NOW_S, dry=dry)


def test_a_firing_becomes_legs_and_one_message() -> None:
    made = decided(rule())
    assert [(leg.quantity, leg.limit) for leg in made.unit] == [(Decimal(100), Decimal("400.05"))]
    assert [notice.text for notice in made.notices] == ["fired"]
    assert (made.channels, made.digest, made.held) == (("phone",), "digest", False)


def test_dry_says_what_it_would_have_sent() -> None:
    [notice] = decided(rule(), dry=True).notices
    assert notice.text == "fired\nDry run, would send: buy 100 MA at limit 400.05 day"
    assert [notice.text for notice in decided(rule(Notify("desk")), dry=True).notices] == ["fired"]


@pytest.mark.parametrize(
    ("limits", "market", "reason"),
    [
        (Limits(max_order_quantity=Decimal(1)), None, Reason.OVER_LIMIT),
        (Limits(), FakeMarket(values={"MA.ask": None}), Reason.UNKNOWN_DATA),
        (Limits(), FakeMarket(quotes={"MA": None}, values={"MA.ask": 400.0}), Reason.NO_PRICE),
    ],
)
def test_a_guard_turns_the_firing_into_one_held_back_message(
    limits: Limits, market: FakeMarket | None, reason: Reason
) -> None:
    made = decided(rule(BUY, CancelOrders(rule="other")), limits, market)
    assert isinstance(made.outcome, HeldBack)
    assert made.outcome.reason is reason
    assert made.outcome.detail
    assert (made.unit, made.cancels) == ((), ()), "all of it or nothing"
    assert [notice.kind for notice in made.notices] == [NoticeKind.HELD_BACK]


def test_a_rule_that_only_tells_or_cancels_needs_no_price() -> None:
    made = decided(rule(Notify("desk"), CancelOrders(instrument=MA)), market=FakeMarket(quotes={"MA": None}))
    assert (made.unit, made.cancels) == ((), (CancelOrders(instrument=MA),))


@pytest.mark.parametrize(
    ("changes", "expires_s"),
    [
        ({}, NOW_S + 60),
        ({"if_missed": IfMissed(True, 5.0)}, NOW_S + 5),
        ({"if_missed": IfMissed(True, None)}, None),
        ({"if_missed": IfMissed(False)}, NOW_S + SEND_WITHIN_S),
        ({"expires_s": NOW_S + 7.0}, NOW_S + 7),
        ({"expires_s": NOW_S + 7.0, "if_missed": IfMissed(True, None)}, NOW_S + 7),
    ],
)
def test_orders_wait_for_the_link_as_long_as_a_missed_edge_counts(
    changes: dict[str, object], expires_s: float | None
) -> None:
    assert decided(rule(**changes)).expires_s == expires_s


def test_what_the_evaluator_held_back_is_recorded_as_such() -> None:
    made = hold_back(HeldBack(firing(), Reason.COOLING_DOWN), rule(), wording)
    assert (made.unit, [notice.kind for notice in made.notices]) == ((), [NoticeKind.HELD_BACK])


def test_an_arming_sends_its_plan_s_unit_and_tells_nobody_yet() -> None:
    unit = (draft(),)
    made = decide_arming(Arming("r", 0, NOW_S), unit, rule(BUY, Notify("desk")), now_s=NOW_S)
    assert (made.unit, made.held, made.notices) == (unit, True, ())
    assert made.channels == ("phone", "desk")


def test_what_a_firing_cancels_does_not_stand_against_what_it_orders() -> None:
    held, resting = FakeMarket(positions={"MA": Decimal(100)}), [draft(side=Side.SELL)]
    flat = (CancelOrders(instrument=MA), ClosePosition(MA))
    made = decided(rule(*flat), market=held, working=resting)
    assert ([leg.quantity for leg in made.unit], len(made.cancels)) == ([Decimal(100)], 1)
    kept = decided(rule(CancelOrders(rule="b"), ClosePosition(MA)), market=held, working=resting)
    assert isinstance(kept.outcome, HeldBack) and kept.outcome.reason is Reason.NOTHING_TO_CLOSE
    full = [draft(quantity=Decimal(1))] * 20
    assert decided(rule(CancelOrders(instrument=MA), BUY), working=full).unit
    assert not decided(rule(CancelOrders(rule="b"), BUY), working=full).unit


def test_what_closing_leaves_is_said_with_the_firing() -> None:
    whole = stock("MA", size_step=Decimal(1))
    market = FakeMarket(positions={"MA": Decimal("300.5")}, contracts={"MA": whole})
    made = decided(rule(ClosePosition(MA)), market=market)
    assert made.notices[0].text == "fired\n0.5 MA cannot be closed and stay: IB takes steps of 1."
    assert [leg.quantity for leg in made.unit] == [Decimal(300)]
