"""The gateway's memory in a SQLite file: orders, fills, positions, cash and numbers survive a restart."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rules_engine.gateway.book import OrderBook
from rules_engine.gateway.catalogue import Catalogue
from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.ledger import Account, Execution, Holding, Ledger
from rules_engine.gateway.lookup import NotFound, the_one
from rules_engine.gateway.messages.form import read_request, request_fields
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.orders import Order, Status

_PLACE_ORDER = 3
# Orders are kept in their own wire form, so that what was parsed is what comes back. This version has every field.
_STORED_VERSION = 176

_SCHEMA = """
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS next_ids (clientId INTEGER PRIMARY KEY, orderId INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    permId INTEGER PRIMARY KEY, clientId INTEGER NOT NULL, request TEXT NOT NULL, placed_s REAL NOT NULL,
    status TEXT NOT NULL, staged INTEGER NOT NULL, elected INTEGER NOT NULL, triggered INTEGER NOT NULL,
    stop_price REAL, reduced REAL NOT NULL, filled REAL NOT NULL, avgFillPrice REAL NOT NULL,
    lastFillPrice REAL NOT NULL, ended_s REAL, ended_because TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS executions (
    execId TEXT PRIMARY KEY, time_s REAL NOT NULL, account TEXT NOT NULL, conId INTEGER NOT NULL,
    contractExchange TEXT NOT NULL, exchange TEXT NOT NULL, side TEXT NOT NULL, shares REAL NOT NULL,
    price REAL NOT NULL, orderId INTEGER NOT NULL, clientId INTEGER NOT NULL, permId INTEGER NOT NULL,
    cumQty REAL NOT NULL, avgPrice REAL NOT NULL, orderRef TEXT NOT NULL, commission REAL NOT NULL,
    realizedPnl REAL) STRICT;
CREATE TABLE IF NOT EXISTS cash (
    account TEXT NOT NULL, currency TEXT NOT NULL, amount REAL NOT NULL, PRIMARY KEY (account, currency)) STRICT;
CREATE TABLE IF NOT EXISTS holdings (
    account TEXT NOT NULL, conId INTEGER NOT NULL, exchange TEXT NOT NULL, size REAL NOT NULL, price REAL NOT NULL,
    realized REAL NOT NULL, PRIMARY KEY (account, conId)) STRICT;
"""
_ORDER_COLUMNS = (
    "permId, clientId, request, placed_s, status, staged, elected, triggered, stop_price, reduced, filled,"
    " avgFillPrice, lastFillPrice, ended_s, ended_because"
)
_EXECUTION_COLUMNS = (
    "execId, time_s, account, conId, contractExchange, exchange, side, shares, price, orderId, clientId, permId,"
    " cumQty, avgPrice, orderRef, commission, realizedPnl"
)


Row = tuple[Any, ...]
"""What SQLite gives back; the columns are as strict as the table that declares them."""


class StateError(Exception):
    """The state file cannot be used as it is."""


class State:
    """One file. What changed is collected and written as one transaction before any client hears of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed: dict[int, Order] = {}
        self._executions: list[Execution] = []
        try:
            self._file = _opened(path)
        except sqlite3.Error as error:
            raise StateError(f"{path}: cannot be used as a state file: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def order_changed(self, order: Order) -> None:
        """Write this order with the next commit."""
        self._changed[order.permId] = order

    def executed(self, execution: Execution) -> None:
        """Write this fill, and what it did to its account, with the next commit."""
        self._executions.append(execution)

    def commit(self, book: OrderBook, ledger: Ledger) -> None:
        """Write everything that changed since the last time, or nothing."""
        if not self._changed and not self._executions:
            return
        self._file.execute("BEGIN IMMEDIATE")
        self._write_orders(self._changed.values())
        self._write_numbers(book)
        for execution in self._executions:
            self._write_execution(execution)
            self._write_account(ledger.accounts[execution.account], execution.contract.conId)
        self._file.execute("COMMIT")
        self._changed.clear()
        self._executions.clear()

    def forget_before(self, time_s: float) -> None:
        """Drop orders that ended, and fills, before this moment."""
        self._file.execute("DELETE FROM orders WHERE ended_s < ?", (time_s,))
        self._file.execute("DELETE FROM executions WHERE time_s < ?", (time_s,))

    def load(self, book: OrderBook, ledger: Ledger, catalogue: Catalogue) -> list[Order]:
        """Fill book and ledger with what the file remembers; the orders are returned for the desk to restore."""
        numbers = dict(self._file.execute("SELECT name, value FROM numbers"))
        book.next_perm_id = numbers.get("permId", book.next_perm_id)
        book.next_execution = numbers.get("execution", book.next_execution)
        for clientId, orderId in self._file.execute("SELECT clientId, orderId FROM next_ids"):
            book.saw_id(clientId, orderId - 1)
        self._load_accounts(ledger, catalogue)
        rows = self._file.execute(f"SELECT {_EXECUTION_COLUMNS} FROM executions ORDER BY rowid")
        book.executions = [self._execution(row, catalogue) for row in rows]
        rows = self._file.execute(f"SELECT {_ORDER_COLUMNS} FROM orders ORDER BY permId")
        return [self._order(row, catalogue) for row in rows]

    def _write_orders(self, orders: Iterable[Order]) -> None:
        marks = ", ".join("?" * len(_ORDER_COLUMNS.split(",")))
        self._file.executemany(
            f"INSERT OR REPLACE INTO orders ({_ORDER_COLUMNS}) VALUES ({marks})",
            [
                (
                    order.permId,
                    order.clientId,
                    json.dumps(request_fields(_PLACE_ORDER, order.request, _STORED_VERSION)),
                    order.placed_s,
                    str(order.status),
                    order.staged,
                    order.elected,
                    order.triggered,
                    order.stop_price,
                    order.reduced,
                    order.filled,
                    order.avgFillPrice,
                    order.lastFillPrice,
                    order.ended_s,
                    order.ended_because,
                )
                for order in orders
            ],
        )

    def _write_numbers(self, book: OrderBook) -> None:
        numbers = [("permId", book.next_perm_id), ("execution", book.next_execution)]
        self._file.executemany("INSERT OR REPLACE INTO numbers VALUES (?, ?)", numbers)
        self._file.executemany("INSERT OR REPLACE INTO next_ids VALUES (?, ?)", list(book.next_ids().items()))

    def _write_execution(self, one: Execution) -> None:
        row = (
            one.execId,
            one.time_s,
            one.account,
            one.contract.conId,
            one.contract.exchange,
            one.exchange,
            one.side,
            one.shares,
            one.price,
            one.orderId,
            one.clientId,
            one.permId,
            one.cumQty,
            one.avgPrice,
            one.orderRef,
            one.commission,
            one.realizedPnl,
        )
        marks = ", ".join("?" * len(row))
        self._file.execute(f"INSERT OR REPLACE INTO executions ({_EXECUTION_COLUMNS}) VALUES ({marks})", row)

    def _write_account(self, account: Account, conId: int) -> None:
        cash = [(account.name, currency, amount) for currency, amount in account.cash.items()]
        self._file.executemany("INSERT OR REPLACE INTO cash VALUES (?, ?, ?)", cash)
        holding = account.holdings[conId]
        self._file.execute(
            "INSERT OR REPLACE INTO holdings VALUES (?, ?, ?, ?, ?, ?)",
            (account.name, conId, holding.contract.exchange, holding.size, holding.price, holding.realized),
        )

    def _load_accounts(self, ledger: Ledger, catalogue: Catalogue) -> None:
        for name, currency, amount in self._file.execute("SELECT account, currency, amount FROM cash"):
            ledger.accounts.setdefault(name, Account(name)).cash[currency] = amount
        for name, conId, exchange, size, price, realized in self._file.execute("SELECT * FROM holdings"):
            contract = self._listing(catalogue, conId, exchange).contract
            account = ledger.accounts.setdefault(name, Account(name))
            account.holdings[conId] = Holding(contract, size, price, realized)

    def _execution(self, row: Row, catalogue: Catalogue) -> Execution:
        execId, time_s, account, conId, contract_exchange, *rest = row
        contract = self._listing(catalogue, conId, contract_exchange).contract
        return Execution(execId, time_s, account, contract, *rest)

    def _order(self, row: Row, catalogue: Catalogue) -> Order:
        permId, clientId, text, placed_s, status, staged, elected, triggered, *rest = row
        request = read_request(json.loads(text), _STORED_VERSION)
        assert isinstance(request, PlaceOrder)
        try:
            listing = the_one(catalogue, request.contract)
        except NotFound as unclear:
            raise StateError(f"{self._path}: order {permId} trades {request.contract.symbol!r}: {unclear}") from unclear
        order = Order(clientId, permId, request, listing, placed_s, Status(status))
        order.staged, order.elected, order.triggered = bool(staged), bool(elected), bool(triggered)
        order.stop_price, order.reduced, order.filled, order.avgFillPrice, order.lastFillPrice, *ended = rest
        order.ended_s, order.ended_because = ended
        return order

    def _listing(self, catalogue: Catalogue, conId: int, exchange: str) -> Listing:
        listing = catalogue.listing(conId)
        if listing is None:
            raise StateError(f"{self._path}: contract {conId} is not listed in this market")
        return replace(listing, contract=replace(listing.contract, exchange=exchange))


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=0.0, isolation_level=None)
    try:
        # One gateway, one file: a second gateway on the same file fails at once.
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        file.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    except sqlite3.Error:
        file.close()
        raise
    return file
