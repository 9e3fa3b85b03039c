"""Which contracts the settings allow is a matter of what IB trades under a name, not of what a rule file calls it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.risk import RiskGate
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Reason
from rules_engine.model.reports import Traded
from rules_engine.model.settings import Limits
from tests.execution.doubles import NOW_S, FakeMarket, V, draft, stock

ES = stock("V", kind="future", symbol="ES", contract_id=11)
EUR = stock("V", kind="forex", symbol="EUR", contract_id=12)
PUT = stock("V", kind="option", symbol="AAPL", contract_id=13)
SAP = stock("V", symbol="SAP", currency="EUR", contract_id=14)
BRK_B = stock("V", symbol="BRK B", contract_id=15)


def check(*allowed: str, traded: Traded | None) -> Refusal | None:
    """An order in what a rule file calls V, and IB says is ``traded``."""
    market = FakeMarket(contracts={"V": traded}, rates={"USD": Decimal(1), "EUR": Decimal(1)})
    limits = Limits(price_collar=None, max_spread=None, instruments=frozenset(allowed))
    return RiskGate(limits, market, SteppedClock(NOW_S)).check((draft(instrument=V),), Book())


@pytest.mark.parametrize(
    ("written", "traded"),
    [
        ("V", stock("V")),
        ("stock V", stock("V")),
        ("stock BRK B", BRK_B),
        ("future ES", ES),
        ("forex EURUSD", EUR),
        ("option AAPL", PUT),
        ("conId 14", SAP),
        ("conId 11", ES),
    ],
)
def test_a_contract_is_allowed_as_what_it_is(written: str, traded: Traded) -> None:
    assert check(written, traded=traded) is None
    assert check("MA", written, traded=traded) is None


@pytest.mark.parametrize(
    ("written", "traded", "instead"),
    [
        ("V", stock("MA"), "stock MA"),
        ("V", ES, "future ES"),
        ("ES", ES, "future ES"),
        ("EUR", EUR, "forex EURUSD"),
        ("AAPL", PUT, "option AAPL"),
        ("stock AAPL", PUT, "option AAPL"),
        ("SAP", SAP, "conId 14"),
        ("stock SAP", SAP, "conId 14"),
        ("conId 15", ES, "future ES"),
    ],
)
def test_any_other_contract_is_refused_whatever_it_is_called_and_the_message_says_what_to_write(
    written: str, traded: Traded, instead: str
) -> None:
    refused = check(written, traded=traded)
    assert refused == Refusal(Reason.OVER_LIMIT, f"limits.instruments does not allow V, which is '{instead}'")


def test_an_empty_list_allows_nothing_and_an_unconfirmed_contract_is_never_allowed() -> None:
    assert check(traded=stock("V")) is not None
    refused = check("V", traded=None)
    assert refused is not None and refused.reason is Reason.NO_PRICE


def test_one_leg_that_is_not_allowed_refuses_the_unit() -> None:
    market = FakeMarket(contracts={"MA": replace(stock("MA"), symbol="MA")})
    limits = Limits(price_collar=None, max_spread=None, instruments=frozenset({"V"}))
    gate = RiskGate(limits, market, SteppedClock(NOW_S))
    refused = gate.check((draft(instrument=V), draft()), Book())
    assert refused is not None and "does not allow MA" in refused.detail
