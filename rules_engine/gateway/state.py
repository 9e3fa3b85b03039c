"""The gateway's memory in a SQLite file: orders, fills, positions, cash and numbers survive a restart."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rules_engine.gateway.accounts.ledger import Account, Execution, Ledger
from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.order import Order
from rules_engine.gateway.records import (
    Unlisted,
    account_of,
    account_record,
    execution_of,
    execution_record,
    order_of,
    order_record,
)

_APPLICATION_ID = 0x52544753
"""Marks the file as ours."""
_SCHEMA_VERSION = 3

_SCHEMA = """
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE next_ids (clientId INTEGER PRIMARY KEY, orderId INTEGER NOT NULL) STRICT;
CREATE TABLE orders (permId INTEGER PRIMARY KEY, ended_s REAL, record TEXT NOT NULL) STRICT;
CREATE TABLE executions (trade TEXT PRIMARY KEY, time_s REAL NOT NULL, record TEXT NOT NULL) STRICT;
CREATE TABLE accounts (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
"""
# A corrected execution takes the place of what it corrects, so that fills stay in order.
_WRITE_EXECUTION = """
INSERT INTO executions VALUES (?, ?, ?) ON CONFLICT (trade) DO UPDATE SET record = excluded.record
"""


class StateError(Exception):
    """The state file cannot be used as it is."""


class State:
    """One file. What changed is collected and written as one transaction before any client hears of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders: dict[int, Order] = {}
        self._executions: list[Execution] = []
        self._accounts: dict[str, None] = {}
        with self._readable():
            self._file = _opened(path)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def order_changed(self, order: Order) -> None:
        """Write this order with the next commit."""
        self._orders[order.permId] = order

    def executed(self, execution: Execution) -> None:
        """Write this fill, and what it did to its account, with the next commit."""
        self._executions.append(execution)
        self._accounts[execution.account] = None

    def account_changed(self, name: str) -> None:
        """Write this account with the next commit."""
        self._accounts[name] = None

    def commit(self, book: OrderBook, ledger: Ledger) -> None:
        """Write everything that changed since the last time, or nothing."""
        if not (self._orders or self._executions or self._accounts or book.numbers_moved):
            return
        self._file.execute("BEGIN IMMEDIATE")
        orders = [(order.permId, order.ended_s, order_record(order)) for order in self._orders.values()]
        self._file.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", orders)
        executions = [(_trade(one), one.time_s, execution_record(one)) for one in self._executions]
        self._file.executemany(_WRITE_EXECUTION, executions)
        self._write_accounts(ledger.accounts[name] for name in self._accounts)
        self._write_numbers(book)
        self._file.execute("COMMIT")
        self._orders.clear()
        self._executions.clear()
        self._accounts.clear()
        book.numbers_moved = False

    def forget_before(self, time_s: float, ledger: Ledger) -> None:
        """Drop orders that ended, and fills, before this moment; a day has begun for every account."""
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute("DELETE FROM orders WHERE ended_s < ?", (time_s,))
        self._file.execute("DELETE FROM executions WHERE time_s < ?", (time_s,))
        self._write_accounts(ledger.accounts.values())
        self._file.execute("COMMIT")

    def load(self, book: OrderBook, ledger: Ledger, catalogue: Catalogue) -> list[Order]:
        """Fill book and ledger with what the file remembers; the orders are returned for the desk to restore."""
        with self._readable():
            numbers = dict(self._file.execute("SELECT name, value FROM numbers"))
            book.next_perm_id = numbers.get("permId", book.next_perm_id)
            book.next_execution = numbers.get("execution", book.next_execution)
            for clientId, orderId in self._file.execute("SELECT clientId, orderId FROM next_ids"):
                book.saw_id(clientId, orderId - 1)
            for (record,) in self._file.execute("SELECT record FROM accounts"):
                account = account_of(record, catalogue)
                ledger.accounts[account.name] = account
            rows = self._file.execute("SELECT record FROM executions ORDER BY rowid")
            book.executions = [execution_of(record, catalogue) for (record,) in rows]
            rows = self._file.execute("SELECT record FROM orders ORDER BY permId")
            return [order_of(record, catalogue) for (record,) in rows]

    def _write_accounts(self, accounts: Iterable[Account]) -> None:
        rows = [(account.name, account_record(account)) for account in accounts]
        self._file.executemany("INSERT OR REPLACE INTO accounts VALUES (?, ?)", rows)

    def _write_numbers(self, book: OrderBook) -> None:
        numbers = [("permId", book.next_perm_id), ("execution", book.next_execution)]
        self._file.executemany("INSERT OR REPLACE INTO numbers VALUES (?, ?)", numbers)
        self._file.executemany("INSERT OR REPLACE INTO next_ids VALUES (?, ?)", list(book.next_ids().items()))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Whatever is wrong with the file is said with its name."""
        try:
            yield
        except Unlisted as missing:
            raise StateError(f"{self._path}: {missing}") from missing
        except sqlite3.Error as error:
            raise StateError(f"{self._path}: cannot be used as a state file: {error}") from error
        except (ValueError, TypeError, KeyError, AssertionError) as error:
            raise StateError(f"{self._path}: is damaged, or was written by another program: {error}") from error


def _trade(execution: Execution) -> str:
    """What an execution and its corrections have in common."""
    return execution.execId.rpartition(".")[0]


def _opened(path: Path) -> sqlite3.Connection:
    with ExitStack() as undo:
        file = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        undo.callback(file.close)
        # One gateway, one file: a second gateway on the same file fails at once.
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        is_new = _is_new(file)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        if is_new:
            marks = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_SCHEMA_VERSION};"
            file.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {marks} COMMIT;")
        else:
            # Takes the lock before anything is read.
            file.executescript("BEGIN IMMEDIATE; COMMIT;")
        undo.pop_all()
        return file


def _is_new(file: sqlite3.Connection) -> bool:
    """Whether the file is empty. One that is not ours, or not of this version, is refused and left as it is."""
    (tables,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = file.execute("PRAGMA application_id").fetchone()
    (version,) = file.execute("PRAGMA user_version").fetchone()
    if not tables and not application:
        return True
    if application != _APPLICATION_ID:
        raise sqlite3.DatabaseError("it is a database of something else")
    if version != _SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"it has version {version}, this gateway reads {_SCHEMA_VERSION}: name a new file")
    (found,) = file.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {found}")
    return False
