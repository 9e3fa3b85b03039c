"""Which of all combinations of port, account, mode and flag may send."""

from itertools import product

import pytest

from rules_engine.execution.guard import refusal, trading_account
from rules_engine.model.settings import Mode

PORTS = (7496, 7497, 4002, 5555)
ACCOUNTS = ("DU1234567", "DF1234567", "U1234567", "XYZ")
REAL = ("DF1234567", "U1234567", "XYZ")

# Every one of the 64 that is not here refuses.
ALLOWED = {(port, "DU1234567", Mode.PAPER, flag) for port in (7497, 4002, 5555) for flag in (False, True)} | {
    (port, account, Mode.LIVE, True) for port in (7496, 5555) for account in REAL
}


@pytest.mark.parametrize(
    ("port", "account", "mode", "flag"), [*product(PORTS, ACCOUNTS, (Mode.PAPER, Mode.LIVE), (False, True))]
)
def test_only_the_allowed_combinations_send(port: int, account: str, mode: Mode, flag: bool) -> None:
    found = refusal(mode=mode, account=account, accounts=(account,), port=port, live_flag=flag)
    assert (found is None) == ((port, account, mode, flag) in ALLOWED)
    assert found is None or len(found) > 10


@pytest.mark.parametrize(("port", "account", "flag"), [*product((*PORTS, 4001), ACCOUNTS, (False, True))])
def test_dry_never_sends(port: int, account: str, flag: bool) -> None:
    assert refusal(mode=Mode.DRY, account=account, accounts=(account,), port=port, live_flag=flag) == "the mode is dry"


def test_the_gateway_s_live_port_refuses_paper() -> None:
    assert refusal(mode=Mode.PAPER, account="DU1", accounts=("DU1",), port=4001, live_flag=True)


def test_an_account_that_the_login_does_not_have_is_refused() -> None:
    found = refusal(mode=Mode.PAPER, account="DU1", accounts=("DU2",), port=7497, live_flag=False)
    assert found == "the login has no account DU1: it has DU2"


def test_live_needs_the_account_in_full_even_where_there_is_only_one() -> None:
    assert refusal(mode=Mode.LIVE, account="", accounts=("U1",), port=7496, live_flag=True)


def test_paper_may_leave_out_the_only_account_but_not_one_of_several() -> None:
    assert refusal(mode=Mode.PAPER, account="", accounts=("DU1",), port=7497, live_flag=False) is None
    assert refusal(mode=Mode.PAPER, account="", accounts=("DU1", "DU2"), port=7497, live_flag=False)
    assert refusal(mode=Mode.PAPER, account="", accounts=(), port=7497, live_flag=False)
    assert trading_account("", ("DU1",)) == "DU1"
