"""Whether orders may leave at all: the right kind of account, on a port that does not say otherwise."""

from collections.abc import Sequence

from rules_engine.model.settings import Mode

_PAPER_PREFIX = "DU"  # Accounts of paper logins begin so; every other beginning is taken for real money.
_LIVE_PORTS = frozenset({7496, 4001})
_PAPER_PORTS = frozenset({7497, 4002})


def refusal(*, mode: Mode, account: str, accounts: Sequence[str], port: int, live_flag: bool) -> str | None:
    """Why nothing may be sent on this connection, or None when orders may leave.

    ``account`` is the one of the settings, ``accounts`` those of the login, ``live_flag`` whether `--live` was given.
    """
    if mode is Mode.DRY:
        return "the mode is dry"
    if account and account not in accounts:
        return f"the login has no account {account}: it has {', '.join(accounts) or 'none'}"
    trading = trading_account(account, accounts)
    if not trading:
        return "the settings name no account, and the login has several" if accounts else "the login has no account"
    return _paper(trading, port) if mode is Mode.PAPER else _live(trading, account, port, live_flag)


def trading_account(account: str, accounts: Sequence[str]) -> str:
    """The account that orders go to: the one of the settings, or the only one of the login; empty when undecided."""
    return account or (accounts[0] if len(accounts) == 1 else "")


def _paper(trading: str, port: int) -> str | None:
    if not trading.startswith(_PAPER_PREFIX):
        return f"the mode is paper, but {trading} is not a paper account"
    if port in _LIVE_PORTS:
        return f"the mode is paper, but port {port} is where live logins listen"
    return None


def _live(trading: str, account: str, port: int, live_flag: bool) -> str | None:
    if not live_flag:
        return "the mode is live, but --live was not given"
    if not account:
        return "the mode is live, but the settings do not name the account in full"
    if trading.startswith(_PAPER_PREFIX):
        return f"the mode is live, but {trading} is a paper account"
    if port in _PAPER_PORTS:
        return f"the mode is live, but port {port} is where paper logins listen"
    return None
