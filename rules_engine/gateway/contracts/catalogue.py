"""Finds contracts: everything the gateway lists, by query, by number, by name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from rules_engine.gateway.contracts.catalogue_file import BUILT_IN, Fields, derived_id, entries, read_catalogue
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.futures import FutureRoot, root_id_of, trading_class_of
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.contracts.kinds import SECTIONS, read_listings, read_roots, us_stock
from rules_engine.gateway.contracts.market_rules import BANDED
from rules_engine.gateway.contracts.options import (
    INDEX_VENUES,
    US_VENUES,
    OptionChain,
    chain_number_of,
)
from rules_engine.gateway.contracts.options import trading_class_of as option_class_of
from rules_engine.gateway.contracts.venues import SAME_EXCHANGE
from rules_engine.gateway.files import MarketError, Node
from rules_engine.model.clock import Clock, SystemClock

_NAME_ORDER = ("STK", "IND", "CASH", "FUT", "CRYPTO", "CFD", "CMDTY", "BOND")
_UNDERLYINGS = ("STK", "IND")
_NO_RIGHT = ("", "?", "0")
MATCHES_MAX = 16
"""So many answers TWS gives to a search."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request for details may say besides the contract: a number of another register, or an issuer."""

    secIdType: str = ""
    secId: str = ""
    issuerId: str = ""

    def fits(self, listing: Listing) -> bool:
        """Whether a listing bears what is said."""
        if self.issuerId and listing.issuerId != self.issuerId:
            return False
        return not self.secId or (self.secIdType.upper(), self.secId) in listing.secIds


ANY = Identity()


class Catalogue:
    """The contracts of one gateway. ``extra`` is a user's own catalogue file, read after the built-in one."""

    def __init__(self, extra: Path | None = None, *, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self._by_id: dict[int, Listing] = {}
        self._by_symbol: dict[str, list[Listing]] = {}
        self._by_name: dict[str, list[Listing]] = {}
        self._by_sec_id: dict[str, list[Listing]] = {}
        self._by_issuer: dict[str, list[Listing]] = {}
        self._roots: dict[int, FutureRoot] = {}
        self._chains: list[OptionChain] = []
        self._made: dict[int, Listing] = {}
        for path in (BUILT_IN, extra):
            if path is not None:
                self._read(read_catalogue(path, SECTIONS))

    def find(self, query: Contract, identity: Identity = ANY, *, include_expired: bool = False) -> tuple[Listing, ...]:
        """What a query can mean: () is unknown, several are ambiguous.

        Empty fields match anything and a conId wins over all other fields. The answer bears the query's exchange.
        A continuous future (CONTFUT) is the contract that is next to expire.
        """
        candidates: Iterable[Listing]
        if query.conId > 0:
            candidates = self._by_number(query)
        else:
            candidates = (
                one for one in self._candidates(query, identity, include_expired) if _answers(one, query, identity)
            )
        today = f"{self._today():%Y%m%d}"
        return tuple(
            one
            if query.exchange in ("", one.contract.exchange)
            else replace(one, contract=replace(one.contract, exchange=query.exchange))
            for one in candidates
            if include_expired or not one.realExpirationDate or one.realExpirationDate >= today
        )

    def listing(self, conId: int) -> Listing | None:
        """The listing behind a contract number, expired ones included."""
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
        by_symbol.sort(key=lambda one: one.contract.symbol != wanted)
        by_name = [one for one in self._by_id.values() if wanted in one.longName.upper() and one not in by_symbol]
        return tuple((by_symbol + by_name)[:MATCHES_MAX])

    def derivatives(self, conId: int) -> tuple[str, ...]:
        """The security types of what is listed on a contract."""
        futures = [root for root in self._roots.values() if root.underConId == conId]
        contracts = {one.contract.secType for one in self._by_id.values() if one.underConId == conId}
        chains = {chain.secType for chain in self._chains if self._is_on(chain, conId, futures)}
        kinds = contracts | chains | ({"FUT"} if futures else set())
        return tuple(kind for kind in ("CFD", "FUT", "FOP", "OPT") if kind in kinds) + (("BAG",) if kinds else ())

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
        """The future of a root that is next to expire; of several roots with this symbol the first listed."""
        now_s = self.clock.now_s()
        return next((_front(root, now_s) for root in self._roots_of(symbol)), None)

    def playing(self, conId: int, at_s: float) -> Listing:
        """The contract that a continuous future was at an instant; ``conId`` is the number of any of its contracts."""
        root_id = root_id_of(conId)
        assert root_id is not None and root_id in self._roots, conId
        return _front(self._roots[root_id], at_s)

    def chains(self, conId: int) -> Iterator[OptionChain]:
        """The options on an underlying: a stock, an index, or a future."""
        root_id = root_id_of(conId)
        root = self._roots.get(root_id) if root_id is not None else None
        for chain in self._chains:
            if self._is_on(chain, conId, [] if root is None else [root]):
                yield chain

    def expiries(self, chain: OptionChain, underConId: int) -> tuple[str, ...]:
        """The last trading days that a chain has today on one underlying."""
        return chain.expiries(self._today(), underConId)

    def add_stock(self, symbol: str, price: float = 100.0) -> Listing:
        """Lists a US stock that only a market source knows."""
        listing = us_stock(symbol, price)
        self._add(listing)
        return listing

    def _read(self, root: Node) -> None:
        for fields, listing in read_listings(root):
            try:
                self._add(listing)
            except MarketError as taken:
                raise fields.node.problem(str(taken)) from taken
        for fields, future in read_roots(root):
            self._add_root(fields, future)
        for fields in entries(root, "options", ("step", "rule", "class")):
            self._chains.append(self._chain(fields))
        for fields in entries(root, "future_options", ("step", "rule", "class", "exchange")):
            self._chains.append(self._future_chain(fields))

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
        for _, number in listing.secIds:
            self._by_sec_id.setdefault(number, []).append(listing)
        if listing.issuerId:
            self._by_issuer.setdefault(listing.issuerId, []).append(listing)
        names = {contract.localSymbol, contract.localSymbol.replace(".", "")}
        for name in names if contract.secType == "CASH" else {contract.symbol, contract.localSymbol}:
            self._by_name.setdefault(name, []).append(listing)

    def _add_root(self, fields: Fields, future: FutureRoot) -> None:
        if future.root_id in self._roots:
            raise fields.node.problem(
                f"future '{future.symbol}' on {future.exchange} with multiplier {future.multiplier} is listed already"
            )
        index = next((one for one in self._by_symbol.get(future.symbol, []) if one.contract.secType == "IND"), None)
        if index is None:
            index = _index_of(future, derived_id(f"IND:{future.symbol}:{future.exchange}"))
            # Found by number and by search, as at IB; the name alone means the future.
            self._by_id[index.conId] = index
            self._by_symbol.setdefault(future.symbol, []).append(index)
        self._roots[future.root_id] = replace(future, underConId=index.conId)

    def _chain(self, fields: Fields) -> OptionChain:
        underlying = self._underlying(fields.symbol)
        if underlying is None:
            raise fields.node.problem(f"options on '{fields.symbol}', which is no listed US stock or index")
        on_index = underlying.contract.secType == "IND"
        return OptionChain(
            number=len(self._chains),
            secType="OPT",
            symbol=fields.symbol,
            longName=underlying.longName,
            price=underlying.reference_price,
            step=fields.number("step", 5.0),
            tradingClass=fields.text("class", fields.symbol.replace(" ", "")),
            multiplier="100",
            currency=underlying.contract.currency,
            exchanges=INDEX_VENUES if on_index else US_VENUES,
            rule=fields.choice("rule", "nickel" if on_index else "penny", tuple(BANDED)),
            calendar="us_option",
            underSecType=underlying.contract.secType,
            industry=underlying.industry,
            category=underlying.category,
            underlying=lambda day: underlying.conId,
        )

    def _future_chain(self, fields: Fields) -> OptionChain:
        exchange = fields.text("exchange")
        root = next((one for one in self._roots_of(fields.symbol) if exchange in ("", one.exchange)), None)
        if root is None:
            raise fields.node.problem(f"options on '{fields.symbol}', which is no listed future")
        return OptionChain(
            number=len(self._chains),
            secType="FOP",
            symbol=root.symbol,
            longName=root.name,
            price=root.price,
            step=fields.number("step", 5.0),
            tradingClass=fields.text("class", root.tradingClass),
            multiplier=root.multiplier,
            currency=root.currency,
            exchanges=(root.exchange,),
            rule=fields.choice("rule", "nickel", tuple(BANDED)),
            calendar=root.calendar,
            underSecType="FUT",
            underlying=lambda day: root.front(day).conId,
        )

    def _underlying(self, symbol: str) -> Listing | None:
        listed = [one for one in self._by_symbol.get(symbol, []) if one.contract.secType in _UNDERLYINGS]
        return min(listed, key=lambda one: one.contract.currency != "USD", default=None)

    def _is_on(self, chain: OptionChain, conId: int, futures: list[FutureRoot]) -> bool:
        if chain.secType == "FOP":
            return any((chain.symbol, chain.multiplier) == (root.symbol, root.multiplier) for root in futures)
        return chain.underlying(self._today()) == conId

    def _by_number(self, query: Contract) -> Iterator[Listing]:
        known = self.listing(query.conId)
        if known is None or query.exchange not in ("", *known.validExchanges):
            return
        if query.secType != "CONTFUT":
            yield known
        elif known.contract.secType == "FUT" and self.playing(query.conId, self.clock.now_s()).conId == query.conId:
            yield _continuous(known)

    def _candidates(self, query: Contract, identity: Identity, include_expired: bool) -> Iterator[Listing]:
        today = self._today()
        local = query.localSymbol
        symbol = query.symbol
        if identity.secId:
            yield from self._by_sec_id.get(identity.secId, [])
        elif identity.issuerId:
            yield from self._by_issuer.get(identity.issuerId, [])
        else:
            yield from self._by_symbol.get(symbol, []) if symbol else self._by_name.get(local, [])
        kinds = query.secType.split("+")
        roots = self._roots_of(symbol) if symbol else self._classed(trading_class_of(local))
        for root in roots if {"", "FUT"} & {*kinds} else ():
            yield from root.listings(today, include_expired=include_expired)
        for root in roots if "CONTFUT" in kinds else ():
            yield _continuous(_front(root, self.clock.now_s()))
        if query.secType in ("OPT", "FOP"):
            option_class = option_class_of(local)
            for chain in self._chains:
                if chain.symbol == symbol or (not symbol and chain.tradingClass == option_class):
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


def _front(root: FutureRoot, at_s: float) -> Listing:
    return root.front(CALENDARS[root.calendar].trade_date(at_s))


def _continuous(future: Listing) -> Listing:
    return replace(future, contract=replace(future.contract, secType="CONTFUT"))


def _index_of(future: FutureRoot, conId: int) -> Listing:
    """What a future is a future on, where nobody lists it as an index."""
    return Listing(
        contract=Contract(
            conId=conId,
            symbol=future.symbol,
            secType="IND",
            exchange=future.exchange,
            currency=future.currency,
            localSymbol=future.tradingClass,
            tradingClass=future.tradingClass,
        ),
        longName=future.name,
        minTick=future.tick,
        marketName=future.tradingClass,
        validExchanges=(future.exchange,),
        timeZoneId=CALENDARS[future.calendar].wire_zone,
        industry="Indices",
        suggestedSizeIncrement=1.0,
        calendar=future.calendar,
        reference_price=future.price,
    )


def _answers(listing: Listing, query: Contract, identity: Identity) -> bool:
    contract = listing.contract
    return (
        query.symbol in ("", contract.symbol)
        and (not query.secType or contract.secType in query.secType.split("+"))
        and query.currency in ("", contract.currency)
        and query.exchange in ("", *listing.validExchanges)
        and SAME_EXCHANGE.get(query.primaryExchange, query.primaryExchange)
        in ("", contract.primaryExchange, contract.exchange)
        and query.localSymbol in ("", contract.localSymbol)
        and query.tradingClass in ("", contract.tradingClass)
        and query.multiplier in ("", contract.multiplier)
        and query.strike in (0.0, contract.strike)
        and (query.right in _NO_RIGHT or query.right[:1].upper() == contract.right)
        and _expires(listing, query.lastTradeDateOrContractMonth)
        and identity.fits(listing)
    )


def _expires(listing: Listing, wanted: str) -> bool:
    """Six digits are the contract's month, eight its last trading day."""
    if len(wanted) == len("203012"):
        return listing.contractMonth == wanted
    return wanted[:8] in ("", listing.contract.lastTradeDateOrContractMonth)
