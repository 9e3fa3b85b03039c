"""What people read on their phones."""

from dataclasses import replace

import pytest

from rules_engine.conditions.crossing import Crossing
from rules_engine.conditions.move import Move
from rules_engine.model.action import Notify, PlaceOrder, Quantity, Side
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.expression import Number, Reading
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.instrument import Field, us_stock
from rules_engine.model.notice import NoticeKind
from rules_engine.model.place import Place, Problem
from rules_engine.model.rule import Case, Rule
from rules_engine.notifying import messages

HERE = Place("visa.yaml", 5, 3)
V, MA = us_stock("V"), us_stock("MA")
LAST = Reading(V, Field.LAST)
BUY = PlaceOrder(Side.BUY, Quantity(Number(100)), MA)
RULE = Rule(
    "ma-follows-v",
    (
        Case(Crossing(LAST, Direction.UP, Number(200)), (BUY,), "V crosses above 200", HERE),
        Case(Move(LAST, Direction.DOWN, Amount(0.05, True), 300), (BUY, Notify("desk")), "V moves down 5% in 5m", HERE),
    ),
    HERE,
    "America/New_York",
    notify=("phone",),
)
AT_S = 1922020203.0  # 2030-11-27 09:30:03 in New York.
FIRING = Firing("ma-follows-v", 0, AT_S, {"V": 200.1}, ("buy 100 MA at market",))


def test_a_firing_says_what_became_true_what_was_read_what_is_done_and_when() -> None:
    notice = messages.firing_notice(RULE, FIRING)
    assert notice.title == "ma-follows-v fired"
    assert notice.text == "V crosses above 200\nV 200.1\nbuy 100 MA at market\n09:30:03 EST"
    assert (notice.kind, notice.rule, notice.channels) == (NoticeKind.FIRED, "ma-follows-v", ("phone",))


def test_a_dry_run_says_so() -> None:
    notice = messages.firing_notice(RULE, FIRING, dry=True)
    assert notice.title == "ma-follows-v fired (dry)"
    assert "dry run, nothing is sent: buy 100 MA at market" in notice.text


def test_channels_that_the_action_names_are_told_too_each_once() -> None:
    rule = replace(RULE, notify=("phone", "desk"))
    firing = FIRING._replace(case=1, actions=("buy 100 MA at market", "notify desk"))
    assert messages.firing_notice(rule, firing).channels == ("phone", "desk")
    assert messages.firing_notice(RULE, firing).channels == ("phone", "desk")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("{rule}/{case}: V {V:.2f} = {V.last} = {price}", "ma-follows-v/0: V 200.10 = 200.1 = 200.1"),
        ("{order} at {time}", "buy 100 MA at market at 09:30:03 EST"),
        ("{move:+.1%} {V.ask} {spread}", "+5.1% 200.2 ?"),
    ],
)
def test_the_rule_s_own_words(message: str, text: str) -> None:
    firing = FIRING._replace(values={"V": 200.1, "move": 0.0512})
    assert messages.firing_notice(replace(RULE, message=message), firing, readings={"V.ask": 200.2}).text == text


def test_a_firing_held_back_says_why_nothing_was_sent() -> None:
    notice = messages.held_back_notice(
        RULE, HeldBack(FIRING, Reason.OVER_LIMIT, "500 MA is over max_order_quantity 100")
    )
    assert notice.kind is NoticeKind.HELD_BACK
    assert notice.text.startswith(
        "Nothing is sent: a limit would be exceeded: 500 MA is over max_order_quantity 100.\nV crosses above 200\n"
    )
    assert messages.held_back_notice(RULE, HeldBack(FIRING, Reason.MISSED)).kind is NoticeKind.MISSED


def test_a_refused_reload_quotes_the_first_problems_and_counts_the_rest() -> None:
    problems = [Problem(Place("visa.yaml", line, 1), "R102", f"unknown key 'k{line}'") for line in range(1, 6)]
    notice = messages.reload_failed_notice(problems, ("phone", "phone"), 5.0)
    assert notice.channels == ("phone",)
    assert notice.text.splitlines() == [
        "The rules that ran before go on unchanged.",
        "visa.yaml:1: unknown key 'k1'",
        "visa.yaml:2: unknown key 'k2'",
        "visa.yaml:3: unknown key 'k3'",
        "and 2 more",
    ]


def test_news_of_the_engine() -> None:
    lost = messages.connection_lost_notice("TWS does not answer on port 7497.", ("phone",), 5.0)
    back = messages.connection_back_notice(95.4, ("phone",), 100.0)
    assert lost.text.startswith("TWS does not answer on port 7497.\nNo order is sent")
    assert back.text == "After 1m35s. Orders and positions are compared before anything is sent."
    assert messages.broken_notice(RULE, "IB rejected it.", 5.0).text.endswith("rules rearm ma-follows-v")
    assert messages.data_paused_notice("", "competing session", (), 5.0).title == "No data for any instrument"
    assert messages.reloaded_notice(["+ a", "- b"], (), 5.0).text == "+ a\n- b"
    assert messages.started_notice("3 rules", (), 5.0).kind is NoticeKind.STARTED
    assert messages.stopped_notice("1 order stays at IB", (), 5.0).kind is NoticeKind.STOPPED


def test_each_outage_is_an_event_of_its_own() -> None:
    first, again, later = (messages.connection_lost_notice("x", (), at_s).dedup for at_s in (5.0, 5.0, 6.0))
    assert first == again != later
