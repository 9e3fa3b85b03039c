"""Finds contracts: everything the gateway lists, by query, by number, by name."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from rules_engine.gateway.catalogue_file import (
    BUILT_IN,
    read_catalogue,
    read_chain_steps,
    read_listings,
    read_roots,
    us_stock,
)
from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.files import MarketError, Node
from rules_engine.gateway.futures import FutureRoot, root_id_of, trading_class_of
from rules_engine.gateway.hours import CALENDARS
from rules_engine.gateway.options import OptionChain, chain_number_of, underlying_of
from rules_engine.model.clock import Clock, SystemClock

_NAME_ORDER = ("STK", "IND", "CASH", "FUT", "CRYPTO", "CFD", "BOND")
_SAME_VENUE = {"ISLAND": "NASDAQ"}
_NO_RIGHT = ("", "?", "0")
MATCHES_MAX = 16
"""So many answers TWS gives to a search."""


class Catalogue:
    """The contracts of one gateway. ``extra`` is a user's own catalogue file, read after the built-in one."""

    def __init__(self, extra: Path | None = None, *, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self._by_id: dict[int, Listing] = {}
        self._by_symbol: dict[str, list[Listing]] = {}
        self._by_name: dict[str, list[Listing]] = {}
        self._roots: dict[int, FutureRoot] = {}
        self._chains: list[OptionChain] = []
        self._made: dict[int, Listing] = {}
        for path in (BUILT_IN, extra):
            if path is not None:
                self._read(read_catalogue(path))

    def find(self, query: Contract, *, include_expired: bool = False) -> tuple[Listing, ...]:
        """What a query can mean: () is unknown, several are ambiguous.

        Empty fields match anything and a conId wins over all other fields. The answer bears the query's exchange.
        """
        if query.conId > 0:
            known = self.undated(query.conId)
            candidates: Iterable[Listing] = (
                [] if known is None or query.exchange not in ("", *known.validExchanges) else [known]
            )
        else:
            candidates = (one for one in self._candidates(query, include_expired) if _answers(one, query))
        today = f"{self._today():%Y%m%d}"
        found = [
            one
            for one in candidates
            if include_expired or not one.realExpirationDate or one.realExpirationDate >= today
        ]
        return tuple(self._dated(one, query.exchange) for one in found)

    def listing(self, conId: int) -> Listing | None:
        """The listing behind a contract number, expired ones included, with the trading hours of today."""
        listing = self.undated(conId)
        return None if listing is None else self._dated(listing, "")

    def undated(self, conId: int) -> Listing | None:
        """The listing without the trading hours of today, which cost a moment to write."""
        if conId not in self._by_id and conId not in self._made:
            made = self._numbered(conId)
            if made is None:
                return None
            self._made[conId] = made
        return self._by_id.get(conId) or self._made[conId]

    def matching(self, pattern: str) -> tuple[Listing, ...]:
        """Stocks, indexes and the like whose symbol begins with the pattern, then those whose name contains it."""
        wanted = pattern.upper().strip()
        if not wanted:
            return ()
        by_symbol = [one for one in self._by_id.values() if one.contract.symbol.startswith(wanted)]
        by_name = [one for one in self._by_id.values() if wanted in one.longName.upper() and one not in by_symbol]
        return tuple((by_symbol + by_name)[:MATCHES_MAX])

    def named(self, name: str) -> Listing | None:
        """The instrument that people mean by a name: V, SPX, USDJPY, ESZ0, ES (its front month), BTC, a conId."""
        if name.isascii() and name.isdigit():
            return self.listing(int(name))
        candidates = [*self._by_name.get(name, []), *self._futures_named(name)]
        ranked = sorted(
            candidates, key=lambda one: (_NAME_ORDER.index(one.contract.secType), one.contract.currency != "USD")
        )
        return ranked[0] if ranked else None

    def front_month(self, symbol: str) -> Listing | None:
        """The future of a root that is next to expire."""
        return next(
            (one for root in self._roots_of(symbol) for one in root.listings(self._today(), include_expired=False)),
            None,
        )

    def chain(self, conId: int) -> OptionChain | None:
        """The options on an underlying."""
        return next((chain for chain in self._chains if chain.underlying.conId == conId), None)

    def expiries(self, chain: OptionChain) -> tuple[str, ...]:
        """The last trading days that a chain has today."""
        return chain.expiries(self._today())

    def add_stock(self, symbol: str, price: float = 100.0) -> Listing:
        """Lists a US stock that only a market source knows."""
        listing = us_stock(symbol, price)
        self._add(listing)
        return listing

    def _read(self, root: Node) -> None:
        for listing in read_listings(root):
            self._add(listing)
        for future in read_roots(root):
            if future.root_id in self._roots:
                raise root.problem(f"future '{future.symbol}' on {future.exchange} is listed already")
            self._roots[future.root_id] = future
        for fields, step in read_chain_steps(root):
            underlying = self._underlying(fields.symbol)
            if underlying is None:
                raise fields.node.problem(f"options on '{fields.symbol}', which is no listed US stock or index")
            self._chains.append(OptionChain(len(self._chains), underlying, step))

    def _add(self, listing: Listing) -> None:
        contract = listing.contract
        if contract.conId in self._by_id:
            taken = self._by_id[contract.conId].contract
            raise MarketError(f"'{contract.symbol}': conId {contract.conId} is {taken.secType} {taken.symbol} already")
        if listing.underSymbol:
            underlying = self._underlying(listing.underSymbol)
            listing = replace(listing, underConId=underlying.conId if underlying is not None else 0)
        self._by_id[contract.conId] = listing
        self._by_symbol.setdefault(contract.symbol, []).append(listing)
        names = {contract.localSymbol, contract.localSymbol.replace(".", "")}
        for name in names if contract.secType == "CASH" else {contract.symbol, contract.localSymbol}:
            self._by_name.setdefault(name, []).append(listing)

    def _underlying(self, symbol: str) -> Listing | None:
        return next((one for one in self._by_symbol.get(symbol, []) if one.contract.secType in ("STK", "IND")), None)

    def _candidates(self, query: Contract, include_expired: bool) -> Iterator[Listing]:
        today = self._today()
        local = query.localSymbol
        symbol = query.symbol
        if query.secType not in ("FUT", "OPT"):
            yield from self._by_symbol.get(symbol, []) if symbol else self._by_name.get(local, [])
        if query.secType in ("", "FUT"):
            for root in self._roots_of(symbol) if symbol else self._classed(trading_class_of(local)):
                yield from root.listings(today, include_expired=include_expired)
        if query.secType == "OPT":
            for chain in self._chains:
                if chain.symbol == (symbol or underlying_of(local)):
                    yield from chain.listings(query, today, include_expired=include_expired)

    def _roots_of(self, symbol: str) -> list[FutureRoot]:
        return [root for root in self._roots.values() if root.symbol == symbol]

    def _classed(self, trading_class: str) -> list[FutureRoot]:
        return [root for root in self._roots.values() if root.tradingClass == trading_class]

    def _futures_named(self, name: str) -> list[Listing]:
        front = self.front_month(name)
        if front is not None:
            return [front]
        found = self.find(Contract(secType="FUT", localSymbol=name))
        return [*found][:1]

    def _numbered(self, conId: int) -> Listing | None:
        root = self._roots.get(root_id) if (root_id := root_id_of(conId)) is not None else None
        if root is not None:
            return root.numbered(conId)
        number = chain_number_of(conId)
        return self._chains[number].numbered(conId) if number is not None and number < len(self._chains) else None

    def _today(self) -> date:
        return CALENDARS["us_stock"].trade_date(self.clock.now_s())

    def _dated(self, listing: Listing, exchange: str) -> Listing:
        hours = CALENDARS[listing.calendar]
        now_s = self.clock.now_s()
        return replace(
            listing,
            contract=replace(listing.contract, exchange=exchange or listing.contract.exchange),
            tradingHours=hours.wire(now_s, liquid=False),
            liquidHours=hours.wire(now_s, liquid=True),
        )


def _answers(listing: Listing, query: Contract) -> bool:
    contract = listing.contract
    return (
        query.symbol in ("", contract.symbol)
        and query.secType in ("", contract.secType)
        and query.currency in ("", contract.currency)
        and query.exchange in ("", *listing.validExchanges)
        and _SAME_VENUE.get(query.primaryExchange, query.primaryExchange)
        in ("", contract.primaryExchange, contract.exchange)
        and query.localSymbol in ("", contract.localSymbol)
        and query.tradingClass in ("", contract.tradingClass)
        and query.multiplier in ("", contract.multiplier)
        and query.strike in (0.0, contract.strike)
        and (query.right in _NO_RIGHT or query.right[:1].upper() == contract.right)
        and _expires(listing, query.lastTradeDateOrContractMonth)
    )


def _expires(listing: Listing, wanted: str) -> bool:
    """Six digits are the contract's month, eight its last trading day."""
    if len(wanted) == len("203012"):
        return listing.contractMonth == wanted
    return wanted[:8] in ("", listing.contract.lastTradeDateOrContractMonth)
