"""Messages about what surrounds trading: exchanges, news, scanners, advisors' data and the user."""

from dataclasses import dataclass
from typing import Annotated

from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.wire.items import Identity


@request(12, version=1)
class ReqNewsBulletins:
    all: bool


@request(13, version=1)
class CancelNewsBulletins:
    pass


@request(18, version=1)
class ReqFa:
    dataType: int


@request(24, version=1)
class ReqScannerParameters:
    pass


@request(79)
class ReqSoftDollarTiers:
    reqId: Annotated[int, Identity()]


@request(80)
class ReqFamilyCodes:
    pass


@request(82)
class ReqMktDepthExchanges:
    pass


@request(83)
class ReqSmartComponents:
    reqId: Annotated[int, Identity()]
    bboExchange: str


@request(85)
class ReqNewsProviders:
    pass


@request(86)
class ReqHistoricalNews:
    reqId: Annotated[int, Identity()]
    conId: int
    providerCodes: str
    startDateTime: str
    endDateTime: str
    totalResults: int
    options: str


@request(104)
class ReqUserInfo:
    reqId: Annotated[int, Identity()]


@reply(16, version=1)
class ReceiveFa:
    dataType: int
    xml: str


@reply(19, version=1)
class ScannerParameters:
    xml: str


@dataclass(frozen=True, slots=True)
class SoftDollarTier:
    """Somebody to whom part of a commission is promised."""

    name: str
    value: str
    displayName: str


@reply(77)
class SoftDollarTiers:
    reqId: int
    tiers: tuple[SoftDollarTier, ...]


@dataclass(frozen=True, slots=True)
class FamilyCode:
    """The family of accounts that an account belongs to; empty when to none."""

    account: str
    code: str


@reply(78)
class FamilyCodes:
    codes: tuple[FamilyCode, ...]


@dataclass(frozen=True, slots=True)
class DepthExchange:
    """An exchange whose book can be asked for."""

    exchange: str
    secType: str
    listingExchange: str
    service: str
    aggGroup: int


@reply(80)
class MktDepthExchanges:
    exchanges: tuple[DepthExchange, ...]


@dataclass(frozen=True, slots=True)
class SmartComponent:
    """One exchange of a consolidated quote, and the letter it is called by."""

    bit: int
    exchange: str
    letter: str


@reply(82)
class SmartComponents:
    reqId: int
    components: tuple[SmartComponent, ...]


@dataclass(frozen=True, slots=True)
class NewsProvider:
    """A source of news."""

    code: str
    name: str


@reply(85)
class NewsProviders:
    providers: tuple[NewsProvider, ...]


@reply(87)
class HistoricalNewsEnd:
    reqId: int
    hasMore: bool


@reply(107)
class UserInfo:
    reqId: int
    whiteBrandingId: str
