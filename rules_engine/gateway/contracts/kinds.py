"""What an entry of a catalogue file becomes, one function for each kind of contract."""

from collections.abc import Callable, Iterator

from rules_engine.gateway.contracts.catalogue_file import Fields, Steps, entries
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.expiries import LAST_TRADING_DAY, MONTH_LETTERS
from rules_engine.gateway.contracts.futures import FutureRoot
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.contracts.venues import (
    BOND_ORDERS,
    CFD_ORDERS,
    CRYPTO_ORDERS,
    FOREX_ORDERS,
    STOCK_ORDERS,
    VENUES,
)
from rules_engine.gateway.files import Node

COMMON_KEYS = ("name", "price", "conId", "tick", "rule", "hours", "currency", "industry", "category", "subcategory")
FUTURE_KEYS = (*COMMON_KEYS, "exchange", "class", "multiplier", "months", "expiry", "magnifier", "lastTradeTime")
_CRYPTO_VENUES = ("PAXOS", "ZEROHASH")


def read_listings(root: Node) -> Iterator[tuple[Fields, Listing]]:
    """Every listing of a catalogue file but futures and options, which are made on demand."""
    for section, (build, keys) in BUILDERS.items():
        for fields in entries(root, section, (*COMMON_KEYS, *keys)):
            yield fields, build(fields)


def read_roots(root: Node) -> Iterator[tuple[Fields, FutureRoot]]:
    """The futures of a catalogue file."""
    for fields in entries(root, "futures", FUTURE_KEYS):
        yield fields, _future_root(fields)


def us_stock(symbol: str, price: float = 100.0) -> Listing:
    """The listing of a symbol that only a market source knows."""
    node = Node("", {"name": Node("", symbol), "price": Node("", repr(price))})
    return _stock(Fields(symbol, node, node.mapping()))


def _listing(
    fields: Fields,
    contract: Contract,
    steps: Steps,
    calendar: str,
    *,
    exchanges: tuple[str, ...],
    orders: tuple[str, ...] = (),
    name: str = "",
    marketName: str = "",
    industry: str = "",
    category: str = "",
    underSymbol: str = "",
    underSecType: str = "",
    aggGroup: int = 1,
    stockType: str = "",
    size: float = 1.0,
    lot: float = 1.0,
) -> Listing:
    """What all kinds have in common."""
    return Listing(
        contract=contract,
        longName=fields.text("name", name or fields.symbol),
        minTick=steps.minTick,
        marketName=marketName or contract.tradingClass,
        validExchanges=exchanges,
        orderTypes=orders,
        timeZoneId=CALENDARS[calendar].wire_zone,
        underSymbol=underSymbol,
        underSecType=underSecType,
        industry=fields.text("industry", industry),
        category=fields.text("category", category),
        subcategory=fields.text("subcategory"),
        aggGroup=aggGroup,
        marketRuleIds=",".join([str(steps.rule)] * len(exchanges)),
        stockType=stockType,
        secIds=fields.secIds(),
        issuerId=fields.text("issuer"),
        minSize=size,
        sizeIncrement=size,
        suggestedSizeIncrement=lot,
        calendar=calendar,
        reference_price=fields.price(),
    )


def _stock(fields: Fields) -> Listing:
    primary = fields.choice("primary", "NASDAQ", tuple(VENUES))
    venue = VENUES[primary]
    currency = fields.text("currency", venue.currency)
    trading_class = fields.text("class", venue.tradingClass or fields.symbol)
    lot = fields.number("lot", 1.0)
    contract = Contract(
        conId=fields.conId(f"STK:{fields.symbol}:{primary}:{currency}"),
        symbol=fields.symbol,
        secType="STK",
        exchange=venue.exchanges[0],
        primaryExchange=primary,
        currency=currency,
        localSymbol=fields.text("local", fields.symbol),
        tradingClass=trading_class,
    )
    return _listing(
        fields,
        contract,
        fields.steps(0.01, venue.rule),
        fields.calendar(venue.hours),
        exchanges=venue.exchanges,
        orders=STOCK_ORDERS,
        aggGroup=venue.aggGroup,
        stockType=fields.text("type", "COMMON"),
        size=lot,
        lot=max(lot, 100.0),
    )


def _forex(fields: Fields) -> Listing:
    symbol, _, currency = fields.symbol.partition(".")
    if not (symbol and currency):
        raise fields.node.problem(f"'{fields.symbol}' is not a currency pair; write it like EUR.USD")
    contract = Contract(
        conId=fields.conId(f"CASH:{fields.symbol}"),
        symbol=symbol,
        secType="CASH",
        exchange="IDEALPRO",
        currency=currency,
        localSymbol=fields.symbol,
        tradingClass=fields.symbol,
    )
    return _listing(
        fields,
        contract,
        fields.steps(0.005 if currency == "JPY" else 0.00005),
        fields.calendar("forex"),
        exchanges=("IDEALPRO",),
        orders=FOREX_ORDERS,
        name=f"{symbol}/{currency} currency pair",
        aggGroup=4,
    )


def _index(fields: Fields) -> Listing:
    exchange = fields.text("exchange", "CBOE")
    contract = Contract(
        conId=fields.conId(f"IND:{fields.symbol}:{exchange}"),
        symbol=fields.symbol,
        secType="IND",
        exchange=exchange,
        currency=fields.text("currency", "USD"),
        localSymbol=fields.symbol,
        tradingClass=fields.symbol,
    )
    return _listing(
        fields,
        contract,
        fields.steps(0.01),
        fields.calendar("us_index"),
        exchanges=(exchange,),
        industry="Indices",
        category="Broad Range Equity Index",
    )


def _cfd(fields: Fields) -> Listing:
    on_stock = "of" in fields.entries
    currency = fields.text("currency", "USD")
    contract = Contract(
        conId=fields.conId(f"CFD:{fields.symbol}:{currency}"),
        symbol=fields.symbol,
        secType="CFD",
        exchange="SMART",
        currency=currency,
        localSymbol=f"{fields.symbol}n" if on_stock else fields.symbol,
        tradingClass=fields.symbol,
    )
    return _listing(
        fields,
        contract,
        fields.steps(0.01),
        fields.calendar("us_stock" if on_stock else "metal"),
        exchanges=("SMART",),
        orders=CFD_ORDERS,
        underSymbol=fields.text("of"),
        underSecType="STK" if on_stock else "",
    )


def _crypto(fields: Fields) -> Listing:
    exchange = fields.choice("exchange", "PAXOS", _CRYPTO_VENUES)
    currency = fields.text("currency", "USD")
    contract = Contract(
        conId=fields.conId(f"CRYPTO:{fields.symbol}:{exchange}:{currency}"),
        symbol=fields.symbol,
        secType="CRYPTO",
        exchange=exchange,
        currency=currency,
        localSymbol=f"{fields.symbol}.{currency}",
        tradingClass=fields.symbol,
    )
    smallest = 1e-8
    return _listing(
        fields,
        contract,
        fields.steps(0.01),
        fields.calendar("crypto"),
        exchanges=(exchange,),
        orders=CRYPTO_ORDERS,
        size=smallest,
        lot=smallest,
    )


def _bond(fields: Fields) -> Listing:
    contract = Contract(
        conId=fields.conId(f"BOND:{fields.symbol}:{fields.text('name')}"),
        symbol=fields.symbol,
        secType="BOND",
        exchange="SMART",
        currency=fields.text("currency", "USD"),
        localSymbol=fields.symbol,
        tradingClass=fields.symbol,
    )
    return _listing(
        fields,
        contract,
        fields.steps(0.001),
        fields.calendar("us_bond"),
        exchanges=("SMART",),
        orders=BOND_ORDERS,
        size=1000.0,
        lot=1000.0,
    )


def _commodity(fields: Fields) -> Listing:
    currency = fields.text("currency", "USD")
    contract = Contract(
        conId=fields.conId(f"CMDTY:{fields.symbol}:{currency}"),
        symbol=fields.symbol,
        secType="CMDTY",
        exchange="SMART",
        currency=currency,
        localSymbol=fields.symbol,
        tradingClass=fields.symbol,
    )
    return _listing(
        fields, contract, fields.steps(0.01), fields.calendar("metal"), exchanges=("SMART",), orders=CFD_ORDERS
    )


def _future_root(fields: Fields) -> FutureRoot:
    months = fields.text("months", "HMUZ")
    if not months or set(months) - set(MONTH_LETTERS):
        raise fields.entries["months"].problem(f"months '{months}' must be letters of {MONTH_LETTERS}")
    if "expiry" not in fields.entries:
        raise fields.node.problem(f"'{fields.symbol}' needs an expiry; known: {', '.join(LAST_TRADING_DAY)}")
    return FutureRoot(
        symbol=fields.symbol,
        tradingClass=fields.text("class", fields.symbol),
        name=fields.text("name", fields.symbol),
        exchange=fields.text("exchange", "CME"),
        multiplier=fields.text("multiplier", "1"),
        tick=fields.number("tick", 0.01),
        months="".join(sorted(months)),
        expiry=fields.choice("expiry", "", tuple(LAST_TRADING_DAY)),
        price=fields.price(),
        calendar=fields.calendar("globex"),
        currency=fields.text("currency", "USD"),
        magnifier=int(fields.number("magnifier", 1)),
        lastTradeTime=fields.text("lastTradeTime"),
    )


BUILDERS: dict[str, tuple[Callable[[Fields], Listing], tuple[str, ...]]] = {
    "stocks": (_stock, ("primary", "type", "class", "local", "lot", "isin", "cusip")),
    "forex": (_forex, ()),
    "indexes": (_index, ("exchange",)),
    "cfds": (_cfd, ("of",)),
    "cryptos": (_crypto, ("exchange",)),
    "bonds": (_bond, ("isin", "cusip", "issuer")),
    "commodities": (_commodity, ()),
}
"""Of each section of a catalogue file: what makes a listing of an entry, and the keys that others do not have."""
SECTIONS = (*BUILDERS, "futures", "options", "future_options")
