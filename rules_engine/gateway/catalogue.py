"""Finds contracts: everything the gateway lists, by query, by number, by name."""

from dataclasses import replace
from pathlib import Path

from rules_engine.gateway.catalogue_file import BUILT_IN, read_catalogue, read_listings, us_stock
from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.hours import CALENDARS
from rules_engine.model.clock import Clock, SystemClock

_NAME_ORDER = ("STK", "IND", "CASH", "FUT", "CRYPTO", "CFD", "BOND", "OPT")
_SAME_VENUE = {"ISLAND": "NASDAQ"}


class Catalogue:
    """The contracts of one gateway. ``extra`` is a user's own catalogue file, read after the built-in one."""

    def __init__(self, extra: Path | None = None, *, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self._by_id: dict[int, Listing] = {}
        self._by_symbol: dict[str, list[Listing]] = {}
        for path in (BUILT_IN, extra):
            if path is not None:
                for listing in read_listings(read_catalogue(path)):
                    self._add(listing)

    def find(self, query: Contract, *, include_expired: bool = False) -> tuple[Listing, ...]:
        """What a query can mean: () is unknown, several are ambiguous.

        Empty fields match anything and a conId wins over all other fields. The answer bears the query's exchange.
        """
        if query.conId > 0:
            known = self.listing(query.conId)
            found = [known] if known is not None else []
        else:
            found = [listing for listing in self._candidates(query) if _answers(listing, query)]
        return tuple(self._present(listing, query.exchange) for listing in found)

    def listing(self, conId: int) -> Listing | None:
        """The listing behind a contract number, with the trading hours of today."""
        listing = self.undated(conId)
        return None if listing is None else self._present(listing, "")

    def undated(self, conId: int) -> Listing | None:
        """The listing without the trading hours of today, which cost a moment to write."""
        return self._by_id.get(conId)

    def matching(self, pattern: str) -> tuple[Listing, ...]:
        """Listings whose symbol begins with the pattern or whose name contains it, at most 16 as in TWS."""
        wanted = pattern.upper()
        found = [one for one in self._by_id.values() if one.contract.symbol.startswith(wanted)]
        found += [one for one in self._by_id.values() if wanted in one.longName.upper() and one not in found]
        return tuple(found[:16]) if wanted else ()

    def named(self, name: str) -> Listing | None:
        """The instrument that people mean by a name: V, SPX, USDJPY, USD.JPY, ESZ0, BTC, or a contract number."""
        if name.isdigit():
            return self.listing(int(name))
        candidates = self._by_symbol.get(name) or self._by_symbol.get(name.replace(".", "")) or []
        ranked = sorted(candidates, key=lambda one: (_NAME_ORDER.index(one.contract.secType), _foreign(one)))
        return ranked[0] if ranked else None

    def add_stock(self, symbol: str, price: float = 100.0) -> Listing:
        """Lists a US stock that only a market source knows."""
        listing = us_stock(symbol, price)
        self._add(listing)
        return listing

    def _candidates(self, query: Contract) -> list[Listing]:
        if query.symbol or query.localSymbol:
            return self._by_symbol.get(query.symbol or query.localSymbol, [])
        return []

    def _add(self, listing: Listing) -> None:
        self._by_id[listing.conId] = listing
        contract = listing.contract
        names = {contract.symbol, contract.localSymbol, contract.localSymbol.replace(".", "")}
        for name in names:
            self._by_symbol.setdefault(name, []).append(listing)

    def _present(self, listing: Listing, exchange: str) -> Listing:
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
        and _SAME_VENUE.get(query.primaryExchange, query.primaryExchange) in ("", contract.primaryExchange)
        and query.localSymbol in ("", contract.localSymbol)
        and query.tradingClass in ("", contract.tradingClass)
    )


def _foreign(listing: Listing) -> bool:
    return listing.contract.currency != "USD"
