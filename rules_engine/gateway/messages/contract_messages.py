"""Messages that look up contracts."""

from dataclasses import dataclass
from typing import Annotated

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.wire.items import Fields, Fixed, Identity, Since


@request(9, version=8)
class ReqContractDetails:
    reqId: Annotated[int, Identity()]
    contract: Contract
    includeExpired: bool
    secIdType: str
    secId: str
    issuerId: Annotated[str, Since(176)] = ""


@request(81)
class ReqMatchingSymbols:
    reqId: Annotated[int, Identity()]
    pattern: str


@request(91)
class ReqMarketRule:
    ruleId: int


@request(78)
class ReqSecDefOptParams:
    reqId: Annotated[int, Identity()]
    underlyingSymbol: str
    futFopExchange: str
    underlyingSecType: str
    underlyingConId: int


@dataclass(frozen=True, slots=True)
class Tag:
    """One name with its value, such as ISIN and US0378331005."""

    tag: str
    value: str


@reply(
    10,
    layout=(
        Fixed("8", until=164),
        Fields(
            "reqId contract.symbol contract.secType lastTradeDate contract.strike contract.right contract.exchange"
            " contract.currency contract.localSymbol marketName contract.tradingClass contract.conId minTick"
        ),
        Fixed("", until=164),
        Fields(
            "contract.multiplier orderTypes validExchanges priceMagnifier underConId longName contract.primaryExchange"
            " contractMonth industry category subcategory timeZoneId tradingHours liquidHours evRule evMultiplier"
        ),
        Fields(
            "secIds aggGroup underSymbol underSecType marketRuleIds realExpirationDate stockType"
            " suggestedSizeIncrement<164 minSize>=164 sizeIncrement>=164 suggestedSizeIncrement>=164"
        ),
    ),
)
class ContractDetails:
    """One contract that a query found."""

    reqId: int
    contract: Contract
    lastTradeDate: str
    marketName: str
    minTick: float
    orderTypes: str
    validExchanges: str
    priceMagnifier: int
    underConId: int
    longName: str
    contractMonth: str
    industry: str
    category: str
    subcategory: str
    timeZoneId: str
    tradingHours: str
    liquidHours: str
    evRule: str
    evMultiplier: int | None
    secIds: tuple[Tag, ...]
    aggGroup: int
    underSymbol: str
    underSecType: str
    marketRuleIds: str
    realExpirationDate: str
    stockType: str
    minSize: float
    sizeIncrement: float
    suggestedSizeIncrement: Annotated[float, Since(163)]


@reply(52, version=1)
class ContractDetailsEnd:
    reqId: int


@dataclass(frozen=True, slots=True)
class PriceIncrement:
    """From this price on, prices move in these steps."""

    lowEdge: float
    increment: float


@reply(93)
class MarketRule:
    ruleId: int
    increments: tuple[PriceIncrement, ...]


@dataclass(frozen=True, slots=True)
class SymbolSample:
    """One contract whose symbol or name resembles a pattern."""

    conId: int
    symbol: str
    secType: str
    primaryExchange: str
    currency: str
    derivatives: tuple[str, ...]
    description: Annotated[str, Since(176)] = ""
    issuerId: Annotated[str, Since(176)] = ""


@reply(79)
class SymbolSamples:
    reqId: int
    samples: tuple[SymbolSample, ...]


@reply(75)
class SecDefOptParam:
    """The options that one exchange lists on an underlying."""

    reqId: int
    exchange: str
    underlyingConId: int
    tradingClass: str
    multiplier: str
    expirations: tuple[str, ...]
    strikes: tuple[float, ...]


@reply(76)
class SecDefOptParamEnd:
    reqId: int
