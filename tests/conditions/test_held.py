"""What becomes of a sentence at IB: `|` stands between branches, and a text in words is why it has no form there."""

from decimal import Decimal

import pytest

from rules_engine.language import parse_condition
from rules_engine.model.condition import Condition
from rules_engine.model.holding import Holding, Terms
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.planning.order_words import condition_words

INSTRUMENTS = {
    instrument.name: instrument
    for instrument in (
        Instrument("ES", Kind.FUTURE, "ES", "CME", expiry="2030-12"),
        Instrument("EUR", Kind.FOREX, "EUR", "IDEALPRO"),
        Instrument("VIX", Kind.INDEX, "VIX", "CBOE"),
        Instrument("put", Kind.OPTION, "AAPL", expiry="2030-12-20", strike=Decimal(250), right="put"),
        Instrument("gold", Kind.CFD, "XAUUSD"),
        Instrument("BTC", Kind.CRYPTO, "BTC", "PAXOS"),
        Instrument("bond", Kind.CONTRACT, contract_id=495512516),
        Instrument("SAP", Kind.STOCK, "SAP", "IBIS", "EUR"),
    )
}
LAST = "(trigger method last)"
PLAIN = Terms()


def condition(text: str) -> Condition:
    return parse_condition(text, INSTRUMENTS, "America/New_York")


def form(text: str, terms: Terms = PLAIN) -> str:
    held = condition(text).held(terms)
    if isinstance(held, Holding):
        return " | ".join(" and ".join(map(condition_words, branch)) for branch in held.branches)
    return "; ".join(map(str, held))


@pytest.mark.parametrize(
    ("sentence", "at_ib"),
    [
        ("V >= 200", f"V >= 200 {LAST}"),
        ("V <= 200.5", f"V <= 200.5 {LAST}"),
        ("200 <= V", f"V >= 200 {LAST}"),
        ("200 > V", f"V <= 199.99 {LAST}"),
        ("V >= 2 * 100 + 0.5", f"V >= 200.5 {LAST}"),
        ("V >= round(200 / 3, 2)", f"V >= 66.67 {LAST}"),
        ("VIX >= 20", f"VIX >= 20 {LAST}"),
        ("ES >= 4980.25", f"ES >= 4980.25 {LAST}"),
        ("gold <= 2000", f"gold <= 2000 {LAST}"),
        ("V >= 200 using double last", "V >= 200 (trigger method double last)"),
        ("V >= 200 using default", "V >= 200 (trigger method default)"),
        ("V >= 200 using midpoint", "V >= 200 (trigger method midpoint)"),
        ("put >= 3 using double bid/ask", "put >= 3 (trigger method double bid/ask)"),
        ("EUR >= 1.1 using bid/ask", "EUR >= 1.1 (trigger method bid/ask)"),
        ("V.bid > 200 using bid/ask", "V >= 200.01 (trigger method bid/ask)"),
        ("V.ask <= 200 using double bid/ask", "V <= 200 (trigger method double bid/ask)"),
        ("V.mid >= 200 using midpoint", "V >= 200 (trigger method midpoint)"),
        ("EUR.bid >= 1.1 using bid/ask", "EUR >= 1.1 (trigger method bid/ask)"),
        ("V.volume >= 500000", "the day's volume of V >= 500000"),
        ("V.change_today <= -3%", "the day's change of V <= -3%"),
        ("V.change_today >= 2.5%", "the day's change of V >= 2.5%"),
        ("account.margin_cushion <= 15%", "the margin cushion <= 15%"),
        ("any execution in AAPL", "anything in AAPL is executed on the account"),
        ("time is after 2030-12-02 09:45", "the time is at or after 2030-12-02 14:45:00 UTC"),
    ],
)
def test_each_of_the_six_conditions_has_its_form(sentence: str, at_ib: str) -> None:
    assert form(sentence) == at_ib


@pytest.mark.parametrize(
    ("sentence", "at_ib"),
    [
        ("V > 200", f"V >= 200.01 {LAST}"),
        ("V < 200", f"V <= 199.99 {LAST}"),
        ("V > 200.005", f"V >= 200.01 {LAST}"),
        ("V < 200.005", f"V <= 200 {LAST}"),
        ("V.volume > 500000", "the day's volume of V >= 500001"),
        ("V.volume < 500000", "the day's volume of V <= 499999"),
        ("V.volume > 499999.5", "the day's volume of V >= 500000"),
        ("V.volume < 500000.5", "the day's volume of V <= 500000"),
        ("V.volume >= 499999.5", "the day's volume of V >= 500000"),
        ("V.volume <= 500000.5", "the day's volume of V <= 500000"),
        ("time is before 2030-12-02 09:45", "the time is at or before 2030-12-02 14:44:59 UTC"),
    ],
)
def test_a_strict_bound_is_the_next_value_because_ib_includes_the_level(sentence: str, at_ib: str) -> None:
    assert form(sentence) == at_ib


def test_price_steps_come_from_the_contract_where_it_is_known() -> None:
    terms = Terms({"ES": Decimal("0.25"), "V": Decimal("0.05"), "EUR": Decimal("0.00005")})
    assert form("ES > 4980", terms) == f"ES >= 4980.25 {LAST}"
    assert form("ES < 4980.1", terms) == f"ES <= 4980 {LAST}"
    assert form("V > 200", terms) == f"V >= 200.05 {LAST}"
    assert form("EUR > 1.1 using bid/ask", terms) == "EUR >= 1.10005 (trigger method bid/ask)"


@pytest.mark.parametrize(
    ("sentence", "at_ib"),
    [
        ("V crosses above 200", f"V >= 200 {LAST}"),
        ("V crosses below 200", f"V <= 200 {LAST}"),
        ("V.volume crosses above 1000000", "the day's volume of V >= 1000000"),
        ("V crosses above 200 using double last", "V >= 200 (trigger method double last)"),
        ("V enters 190 to 200", f"V >= 190 {LAST} and V <= 200 {LAST}"),
        ("V leaves 190 to 200", f"V <= 189.99 {LAST} | V >= 200.01 {LAST}"),
    ],
)
def test_an_event_is_held_as_the_level_that_it_leads_to(sentence: str, at_ib: str) -> None:
    assert form(sentence) == at_ib


@pytest.mark.parametrize(
    ("sentence", "at_ib"),
    [
        ("V >= 200 and MA <= 400", f"V >= 200 {LAST} and MA <= 400 {LAST}"),
        ("V >= 200 or MA <= 400", f"V >= 200 {LAST} | MA <= 400 {LAST}"),
        ("V is inside 190 to 200", f"V >= 190 {LAST} and V <= 200 {LAST}"),
        ("V is outside 190 to 200", f"V <= 189.99 {LAST} | V >= 200.01 {LAST}"),
        (
            "V >= 200 and (MA <= 400 or MA >= 500)",
            f"V >= 200 {LAST} and MA <= 400 {LAST} | V >= 200 {LAST} and MA >= 500 {LAST}",
        ),
        ("not V >= 200", f"V <= 199.99 {LAST}"),
        ("not (V > 200 or MA > 400)", f"V <= 200 {LAST} and MA <= 400 {LAST}"),
        ("not (V > 200 and MA > 400)", f"V <= 200 {LAST} | MA <= 400 {LAST}"),
        ("not not V >= 200", f"V >= 200 {LAST}"),
        ("not V is outside 190 to 200", f"V >= 190 {LAST} and V <= 200 {LAST}"),
        ("not time is before 2030-12-02 09:45", "the time is at or after 2030-12-02 14:45:00 UTC"),
    ],
)
def test_logic_becomes_branches_of_conditions_joined_by_and(sentence: str, at_ib: str) -> None:
    assert form(sentence) == at_ib


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("V == 200", "one exact value"),
        ("V crosses 200", "either way"),
        ("V crosses above MA", "a level that moves"),
        ("V >= MA", "a level that moves"),
        ("V.bid >= 200", "add `using`"),
        ("V.mark >= 200", "add `using`"),
        ("V.bid <= 200 using bid/ask", "for a fall IB's 'bid/ask' watches the ask"),
        ("EUR >= 1.1", "add `using`"),
        ("put >= 3", "add `using`"),
        ("EUR >= 1.1 using last", "does not offer for forex"),
        ("VIX >= 20 using midpoint", "does not offer for indexes"),
        ("BTC >= 50000", "crypto"),
        ("BTC >= 50000 using bid/ask", "does not offer for crypto"),
        ("bond >= 3", "a bare contract number"),
        ("ES > 4980", "the price step of ES"),
        ("SAP > 100", "the price step of SAP"),
        ("V > 200 using midpoint", "between two price steps"),
        ("V.high >= 200", "reads V.high"),
        ("VIX.volume >= 5", "no volume condition"),
        ("EUR.change_today >= 1%", "only for last prices"),
        ("V.change_today > 3%", "no next step"),
        ("account.margin_cushion < 15%", "whole percents"),
        ("account.margin_cushion <= 12.5%", "a fraction of a percent"),
        ("account.equity <= 5000", "reads account.equity"),
        ("position(MA) > 0", "reads position(MA)"),
        ("V - MA >= 5", "computes a value"),
        ("sma(V, 1h) >= 200", "looks back"),
        ("V moves up 5% in 5m", "looks back over a window"),
        ("V changes 5% in 5m", "looks back over a window"),
        ("V >= 200 for 30s", "has to last"),
        ("V >= 200 on bar close 5m", "when a bar closes"),
        ("no tick from V for 90s", "our own feed"),
        ("time is after 09:45", "every day"),
        ("time is between 09:45 and 15:30", "every day"),
        ("any execution in ES", "knows only the symbol"),
        ("V crosses above 200 and MA >= 400", "an event under `and`"),
        ("not any execution in AAPL", "no opposite"),
        ("not V == 200", "one exact value"),
        ("not V > 200 using bid/ask", "no opposite"),
    ],
)
def test_what_ib_cannot_hold_says_so_in_the_words_of_the_user(sentence: str, word: str) -> None:
    told = form(sentence)
    assert told.startswith(f"'{condition(sentence)}'" if " and " not in sentence else "'")
    assert word in told


def test_every_word_that_prevents_it_is_named() -> None:
    told = condition("V moves up 5% in 5m and MA == 400 or EUR >= 1.1").held(Terms())
    assert isinstance(told, tuple)
    assert [obstacle.words for obstacle in told] == ["V moves up 5% in 5m", "MA == 400", "EUR >= 1.1"]


def test_more_than_eight_branches_are_not_multiplied_out() -> None:
    pairs = " and ".join(f"({name} >= 2 or {name} <= 1)" for name in ("V", "MA", "AXP", "PYPL"))
    assert "more than 8 ways" in form(pairs)
