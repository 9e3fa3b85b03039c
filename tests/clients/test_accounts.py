"""Every client sees what its account holds and is worth, and how that changes."""

import pytest

from tests.clients.conftest import order, stock
from tests.clients.process import Session
from tests.clients.stage import Stage


@pytest.fixture
def v(session: Session) -> int:
    """The contract number of V, of which the account holds ten."""
    session.ask("place", contract=stock("V"), order=order("MKT"))
    session.wait("status", status="Filled")
    return session.ask("details", contract=stock("V"))[0]["conId"]


def test_a_position_follows_from_its_fill(session: Session, v: int) -> None:
    (position,) = session.ask("positions")
    assert (position["account"], position["conId"], position["position"]) == ("DU1", v, 10)
    assert position["avgCost"] == pytest.approx(199.0, abs=0.2)
    session.ask("place", contract=stock("V"), order=order("MKT", "SELL", 4))
    session.wait("position", conId=v, position=6)


def test_account_values_and_summary_agree(session: Session, v: int) -> None:
    values = session.ask("account", account="DU1")
    assert float(values["NetLiquidation"]) == pytest.approx(1_000_000 - 1, abs=0.01)
    assert float(values["TotalCashValue"]) == pytest.approx(1_000_000 - 10 * 199 - 1, abs=0.01)
    names = ["NetLiquidation", "BuyingPower", "AvailableFunds"]
    summary = session.ask("summary", tags=names)
    assert {name: float(summary[name]) for name in names} == {name: float(values[name]) for name in names}


def test_profits_move_with_prices(session: Session, stage: Stage, v: int) -> None:
    session.ask("pnl", account="DU1")
    session.ask("pnl_single", account="DU1", conId=v)
    session.wait("pnl_single", conId=v, position=10, value=1990.0)
    stage.push("V", 209.0)
    stage.pass_time(2)
    single = session.wait("pnl_single", conId=v, value=2090.0)
    assert single["unrealized"] == pytest.approx(100.0, abs=2.0)
    assert session.wait("pnl", unrealized=single["unrealized"])


def test_an_account_that_is_not_there_is_refused(session: Session) -> None:
    session.ask("pnl", account="DU9")
    session.settle()
    assert session.codes() == [321]
