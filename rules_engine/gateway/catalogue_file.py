"""Catalogue files (the built-in `listings.yaml`, a user's own) into listings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from rules_engine.gateway.contracts import Contract, Listing
from rules_engine.gateway.expiries import LAST_TRADING_DAY, MONTH_LETTERS
from rules_engine.gateway.files import Node, read_yaml
from rules_engine.gateway.futures import FutureRoot
from rules_engine.gateway.hours import CALENDARS
from rules_engine.gateway.market_rules import rule_of_tick

BUILT_IN = Path(__file__).with_name("listings.yaml")
_STOCK_ORDERS = (
    "LMT",
    "LOC",
    "MKT",
    "MOC",
    "STP",
    "STPLMT",
    "TRAIL",
    "TRAILLIMIT",
    "COND",
    "OCA",
    "BRACKET",
    "GTC",
    "IOC",
)
_US_VENUES = ("AMEX", "NYSE", "CBOE", "ISLAND", "NASDAQ", "ARCA", "BATS", "IEX")
_COMMON_KEYS = ("name", "price", "conId", "tick", "hours", "currency", "exchange")


@dataclass(frozen=True, slots=True)
class Fields:
    """One entry of a catalogue file with its symbol."""

    symbol: str
    node: Node
    entries: dict[str, Node]

    def text(self, key: str, default: str = "") -> str:
        return self.entries[key].text() if key in self.entries else default

    def number(self, key: str, default: float) -> float:
        return self.entries[key].positive() if key in self.entries else default

    def price(self) -> float:
        """Where a random walk begins; always written."""
        if "price" not in self.entries:
            raise self.node.problem(f"'{self.symbol}' needs a price")
        return self.entries["price"].positive()

    def conId(self, derived_from: str) -> int:
        if "conId" in self.entries:
            return _contract_number(self.entries["conId"])
        return derived_id(derived_from)

    def calendar(self, default: str) -> str:
        name = self.text("hours", default)
        if name not in CALENDARS:
            raise self.entries["hours"].problem(f"unknown hours '{name}'; known: {', '.join(CALENDARS)}")
        return name


def _contract_number(node: Node) -> int:
    text = node.text()
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 29):
        raise node.problem(f"conId '{text}' must be a whole number from 1 to {(1 << 29) - 1}")
    return int(text)


def derived_id(key: str) -> int:
    """The contract number of a contract that has none written: the same on every machine and in every run."""
    return 0x1000_0000 | crc32(key.encode()) & 0x0FFF_FFFF


def read_listings(root: Node) -> list[Listing]:
    """Every listing of a catalogue file but futures and options, which are made on demand."""
    return [
        _ruled(build(fields))
        for section, (build, keys) in _BUILDERS.items()
        for fields in _entries(root, section, (*_COMMON_KEYS, *keys))
    ]


def _ruled(listing: Listing) -> Listing:
    rules = ",".join([str(rule_of_tick(listing.minTick))] * len(listing.validExchanges))
    return replace(listing, marketRuleIds=rules)


def read_catalogue(path: Path) -> Node:
    """The document of a catalogue file; its sections are known ones."""
    root = read_yaml(path)
    root.mapping((*_BUILDERS, "futures", "options"))
    return root


def read_roots(root: Node) -> list[FutureRoot]:
    """The futures of a catalogue file."""
    keys = (*_COMMON_KEYS, "class", "multiplier", "months", "expiry", "magnifier")
    return [_future_root(fields) for fields in _entries(root, "futures", keys)]


def read_chain_steps(root: Node) -> list[tuple[Fields, float]]:
    """The underlyings that have options, with the distance of their strikes."""
    return [(fields, fields.number("step", 5.0)) for fields in _entries(root, "options", ("step",))]


def us_stock(symbol: str, price: float = 100.0) -> Listing:
    """The listing of a symbol that only a market source knows."""
    entries = {"name": Node("", symbol), "price": Node("", repr(price))}
    return _ruled(_stock(Fields(symbol, Node("", entries), entries)))


def _entries(root: Node, section: str, keys: tuple[str, ...]) -> Iterable[Fields]:
    if section not in root.mapping():
        return
    for symbol, node in root.mapping()[section].mapping().items():
        # A symbol that is listed in several places has a list of entries.
        for entry in node.value if isinstance(node.value, tuple) else (node,):
            yield Fields(symbol, entry, entry.mapping(keys))


def _stock(fields: Fields) -> Listing:
    currency = fields.text("currency", "USD")
    primary = fields.text("primary", "NASDAQ")
    american = currency == "USD"
    calendar = fields.calendar("us_stock")
    return Listing(
        contract=Contract(
            conId=fields.conId(f"STK:{fields.symbol}:{primary}:{currency}"),
            symbol=fields.symbol,
            secType="STK",
            exchange="SMART",
            primaryExchange=primary,
            currency=currency,
            localSymbol=fields.symbol,
            tradingClass="NMS" if primary == "NASDAQ" else fields.symbol,
        ),
        longName=fields.text("name", fields.symbol),
        minTick=fields.number("tick", 0.01),
        marketName="NMS" if primary == "NASDAQ" else fields.symbol,
        validExchanges=("SMART", *_US_VENUES) if american else ("SMART", primary),
        orderTypes=_STOCK_ORDERS,
        timeZoneId=CALENDARS[calendar].wire_zone,
        industry=fields.text("industry"),
        stockType=fields.text("type", "COMMON"),
        calendar=calendar,
        reference_price=fields.price(),
    )


def _future_root(fields: Fields) -> FutureRoot:
    months = fields.text("months", "HMUZ")
    if not months or set(months) - set(MONTH_LETTERS):
        raise fields.node.problem(f"months '{months}' must be letters of {MONTH_LETTERS}")
    expiry = fields.text("expiry")
    if expiry not in LAST_TRADING_DAY:
        raise fields.node.problem(f"expiry '{expiry}' is unknown; known: {', '.join(LAST_TRADING_DAY)}")
    return FutureRoot(
        symbol=fields.symbol,
        tradingClass=fields.text("class", fields.symbol),
        name=fields.text("name", fields.symbol),
        exchange=fields.text("exchange", "CME"),
        multiplier=fields.text("multiplier", "1"),
        tick=fields.number("tick", 0.01),
        months=months,
        expiry=expiry,
        price=fields.price(),
        calendar=fields.calendar("globex"),
        currency=fields.text("currency", "USD"),
        magnifier=int(fields.number("magnifier", 1)),
    )


def _forex(fields: Fields) -> Listing:
    symbol, _, currency = fields.symbol.partition(".")
    if not (symbol and currency):
        raise fields.node.problem(f"'{fields.symbol}' is not a currency pair; write it like EUR.USD")
    return Listing(
        contract=Contract(
            conId=fields.conId(f"CASH:{fields.symbol}"),
            symbol=symbol,
            secType="CASH",
            exchange="IDEALPRO",
            currency=currency,
            localSymbol=fields.symbol,
            tradingClass=fields.symbol,
        ),
        longName=fields.text("name", f"{symbol}/{currency} currency pair"),
        minTick=fields.number("tick", 0.005 if currency == "JPY" else 0.00005),
        marketName=fields.symbol,
        validExchanges=("IDEALPRO",),
        orderTypes=_STOCK_ORDERS,
        calendar=fields.calendar("forex"),
        suggestedSizeIncrement=1.0,
        aggGroup=4,
        reference_price=fields.price(),
    )


def _index(fields: Fields) -> Listing:
    exchange = fields.text("exchange", "CBOE")
    calendar = fields.calendar("us_index")
    return Listing(
        contract=Contract(
            conId=fields.conId(f"IND:{fields.symbol}:{exchange}"),
            symbol=fields.symbol,
            secType="IND",
            exchange=exchange,
            currency=fields.text("currency", "USD"),
            localSymbol=fields.symbol,
            tradingClass=fields.symbol,
        ),
        longName=fields.text("name", fields.symbol),
        minTick=fields.number("tick", 0.01),
        marketName=fields.symbol,
        validExchanges=(exchange,),
        timeZoneId=CALENDARS[calendar].wire_zone,
        industry="Indices",
        category="Broad Range Equity Index",
        calendar=calendar,
        suggestedSizeIncrement=1.0,
        reference_price=fields.price(),
    )


def _cfd(fields: Fields) -> Listing:
    calendar = fields.calendar("us_stock" if "of" in fields.entries else "metal")
    currency = fields.text("currency", "USD")
    return Listing(
        contract=Contract(
            conId=fields.conId(f"CFD:{fields.symbol}:{currency}"),
            symbol=fields.symbol,
            secType="CFD",
            exchange="SMART",
            currency=currency,
            localSymbol=f"{fields.symbol}n" if "of" in fields.entries else fields.symbol,
            tradingClass=fields.symbol,
        ),
        longName=fields.text("name", fields.symbol),
        minTick=fields.number("tick", 0.01),
        marketName=fields.symbol,
        orderTypes=_STOCK_ORDERS,
        timeZoneId=CALENDARS[calendar].wire_zone,
        underSymbol=fields.text("of"),
        underSecType="STK" if "of" in fields.entries else "",
        calendar=calendar,
        suggestedSizeIncrement=1.0,
        reference_price=fields.price(),
    )


def _crypto(fields: Fields) -> Listing:
    exchange = fields.text("exchange", "PAXOS")
    currency = fields.text("currency", "USD")
    return Listing(
        contract=Contract(
            conId=fields.conId(f"CRYPTO:{fields.symbol}:{exchange}:{currency}"),
            symbol=fields.symbol,
            secType="CRYPTO",
            exchange=exchange,
            currency=currency,
            localSymbol=f"{fields.symbol}.{currency}",
            tradingClass=fields.symbol,
        ),
        longName=fields.text("name", fields.symbol),
        minTick=fields.number("tick", 0.01),
        marketName=fields.symbol,
        validExchanges=(exchange,),
        orderTypes=("LMT", "MKT", "IOC", "GTC"),
        timeZoneId=CALENDARS["crypto"].wire_zone,
        calendar=fields.calendar("crypto"),
        minSize=0.00000001,
        sizeIncrement=0.00000001,
        suggestedSizeIncrement=0.00000001,
        reference_price=fields.price(),
    )


def _bond(fields: Fields) -> Listing:
    return Listing(
        contract=Contract(
            conId=fields.conId(f"BOND:{fields.symbol}:{fields.text('name')}"),
            symbol=fields.symbol,
            secType="BOND",
            exchange="SMART",
            currency=fields.text("currency", "USD"),
            localSymbol=fields.symbol,
            tradingClass=fields.symbol,
        ),
        longName=fields.text("name", fields.symbol),
        minTick=fields.number("tick", 0.001),
        marketName=fields.symbol,
        orderTypes=("LMT", "MKT", "GTC"),
        calendar=fields.calendar("us_bond"),
        minSize=1000.0,
        sizeIncrement=1000.0,
        suggestedSizeIncrement=1000.0,
        reference_price=fields.price(),
    )


_Builder = tuple[Callable[[Fields], Listing], tuple[str, ...]]
_BUILDERS: dict[str, _Builder] = {
    "stocks": (_stock, ("primary", "industry", "type")),
    "forex": (_forex, ()),
    "indexes": (_index, ()),
    "cfds": (_cfd, ("of",)),
    "cryptos": (_crypto, ()),
    "bonds": (_bond, ()),
}
