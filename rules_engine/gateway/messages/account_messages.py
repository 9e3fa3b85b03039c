"""Messages about accounts, positions and profit."""

from typing import Annotated

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.wire.items import Identity, Only, Size

_HELD = "conId symbol secType lastTradeDateOrContractMonth strike right multiplier"


@request(6, version=2)
class ReqAccountUpdates:
    subscribe: bool
    account: str


@request(61, version=1)
class ReqPositions:
    pass


@request(64, version=1)
class CancelPositions:
    pass


@request(62, version=1)
class ReqAccountSummary:
    reqId: Annotated[int, Identity()]
    group: str
    tags: str


@request(63, version=1)
class CancelAccountSummary:
    reqId: Annotated[int, Identity()]


@request(76, version=1)
class ReqAccountUpdatesMulti:
    reqId: Annotated[int, Identity()]
    account: str
    model: str
    ledgerAndNlv: bool


@request(77, version=1)
class CancelAccountUpdatesMulti:
    reqId: Annotated[int, Identity()]


@request(74, version=1)
class ReqPositionsMulti:
    reqId: Annotated[int, Identity()]
    account: str
    model: str


@request(75, version=1)
class CancelPositionsMulti:
    reqId: Annotated[int, Identity()]


@request(92)
class ReqPnl:
    reqId: Annotated[int, Identity()]
    account: str
    model: str


@request(93)
class CancelPnl:
    reqId: Annotated[int, Identity()]


@request(94)
class ReqPnlSingle:
    reqId: Annotated[int, Identity()]
    account: str
    model: str
    conId: int


@request(95)
class CancelPnlSingle:
    reqId: Annotated[int, Identity()]


@reply(6, version=2)
class AccountValue:
    key: str
    value: str
    currency: str
    account: str


@reply(7, version=8)
class Portfolio:
    contract: Annotated[Contract, Only(f"{_HELD} primaryExchange currency localSymbol tradingClass")]
    position: float
    marketPrice: float
    marketValue: float
    averageCost: float
    unrealizedPnl: float
    realizedPnl: float
    account: str


@reply(8, version=1)
class AccountTime:
    time: str


@reply(54, version=1)
class AccountDownloadEnd:
    account: str


@reply(61, version=3)
class Position:
    account: str
    contract: Annotated[Contract, Only(f"{_HELD} exchange currency localSymbol tradingClass")]
    position: float
    averageCost: float


@reply(62, version=1)
class PositionEnd:
    pass


@reply(63, version=1)
class AccountSummary:
    reqId: int
    account: str
    tag: str
    value: str
    currency: str


@reply(64, version=1)
class AccountSummaryEnd:
    reqId: int


@reply(71, version=1)
class PositionMulti:
    reqId: int
    account: str
    contract: Annotated[Contract, Only(f"{_HELD} exchange currency localSymbol tradingClass")]
    position: float
    averageCost: float
    model: str


@reply(72, version=1)
class PositionMultiEnd:
    reqId: int


@reply(73, version=1)
class AccountUpdateMulti:
    reqId: int
    account: str
    model: str
    key: str
    value: str
    currency: str


@reply(74, version=1)
class AccountUpdateMultiEnd:
    reqId: int


@reply(94)
class Pnl:
    reqId: int
    daily: float
    unrealized: float
    realized: float


@reply(95)
class PnlSingle:
    reqId: int
    position: Size
    daily: float
    unrealized: float
    realized: float
    value: float
