"""One account is the same whether the settings name it or leave it to be the login's only one."""

from rules_engine.execution.database import Database

_TABLES = ("rule_state", "firing", "intent", "holding")
UNNAMED = ""
"""The account of settings that name none: orders go to the login's only one."""


def take_over(database: Database, mode: str, account: str) -> None:
    """What settings without a name, or with one where these have none, left in the journal is this account's too: its
    open orders would else be nobody's, neither counted nor cancelled, and what has fired once fire again.

    Where settings of that mode have named several accounts and these name none, nobody knows whose it is.
    """
    before = UNNAMED if account else _only_account(database, mode)
    if before is None:
        return
    with database.transaction():
        for table in _TABLES:
            statement = f"UPDATE OR IGNORE {table} SET account = ? WHERE mode = ? AND account = ?"
            database.execute(statement, account, mode, before)
        # Values that each mode and account has for itself end with both.
        ending = f" {mode} {before}"
        database.execute(
            "UPDATE OR IGNORE kv SET k = substr(k, 1, length(k) - length(?)) || ? WHERE substr(k, -length(?)) = ?",
            *(ending, f" {mode} {account}", ending, ending),
        )


def _only_account(database: Database, mode: str) -> str | None:
    """The only account that settings of this mode have named; None where there is none, or are several."""
    rows = database.rows(
        "SELECT account FROM firing WHERE mode = ? AND account != ?"
        " UNION SELECT account FROM rule_state WHERE mode = ? AND account != ?",
        *(mode, UNNAMED, mode, UNNAMED),
    )
    return rows[0]["account"] if len(rows) == 1 else None
