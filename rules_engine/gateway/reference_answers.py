"""Answers about what surrounds trading: exchanges and accounts as they are, no news, no scanners, no advisor."""

from collections.abc import Sequence

from rules_engine.gateway.messages.link import SYSTEM, Error
from rules_engine.gateway.messages.reference_messages import (
    CancelNewsBulletins,
    DepthExchange,
    FamilyCode,
    FamilyCodes,
    HistoricalNewsEnd,
    MktDepthExchanges,
    NewsProviders,
    ReceiveFa,
    ReqFa,
    ReqFamilyCodes,
    ReqHistoricalNews,
    ReqMktDepthExchanges,
    ReqNewsBulletins,
    ReqNewsProviders,
    ReqScannerParameters,
    ReqSmartComponents,
    ReqSoftDollarTiers,
    ReqUserInfo,
    ScannerParameters,
    SmartComponent,
    SmartComponents,
    SoftDollarTiers,
    UserInfo,
)
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session
from rules_engine.gateway.wire.values import UNSET_INTEGER

DEPTH_EXCHANGES = (
    *(DepthExchange(name, "STK", "", "Deep2", 1) for name in ("ISLAND", "NYSE", "ARCA", "BATS", "IEX", "MEMX")),
    *(DepthExchange(name, "FUT", "", "Deep", UNSET_INTEGER) for name in ("CME", "CBOT", "NYMEX", "COMEX", "EUREX")),
    DepthExchange("IDEALPRO", "CASH", "", "Deep", 4),
)
"""Where books are deep, and the service that shows each; Deep2 shows who quotes."""

_LETTERS = {"NASDAQ": "Q", "NYSE": "N", "ARCA": "P", "BATS": "Z", "IEX": "V", "MEMX": "U", "AMEX": "A", "EDGX": "K"}
_NO_ADVISOR = "Error validating request.-'bL' : cause - FA data operations ignored for non FA customers."
_SCANNERS = '<?xml version="1.0" encoding="UTF-8"?><ScanParameterResponse></ScanParameterResponse>'


class ReferenceAnswers:
    """Answers that stay the same while the gateway runs."""

    def __init__(self, accounts: Sequence[str], router: Router) -> None:
        components = tuple(SmartComponent(bit, name, letter) for bit, (name, letter) in enumerate(_LETTERS.items()))
        families = FamilyCodes(tuple(FamilyCode(account, "") for account in accounts))
        router.on(ReqFamilyCodes, lambda session, request: session.send(families))
        router.on(ReqMktDepthExchanges, lambda session, request: session.send(MktDepthExchanges(DEPTH_EXCHANGES)))
        router.on(ReqSmartComponents, lambda session, request: session.send(SmartComponents(request.reqId, components)))
        router.on(ReqSoftDollarTiers, lambda session, request: session.send(SoftDollarTiers(request.reqId, ())))
        router.on(ReqUserInfo, lambda session, request: session.send(UserInfo(request.reqId, "")))
        router.on(ReqNewsProviders, lambda session, request: session.send(NewsProviders(())))
        router.on(ReqHistoricalNews, lambda session, request: session.send(HistoricalNewsEnd(request.reqId, False)))
        router.on(ReqNewsBulletins, lambda session, request: None)
        router.on(CancelNewsBulletins, lambda session, request: None)
        router.on(ReqScannerParameters, lambda session, request: session.send(ScannerParameters(_SCANNERS)))
        router.on(ReqFa, self._advisor)

    def _advisor(self, session: Session, request: ReqFa) -> None:
        """Refused; the empty document is for clients that wait for one, whatever they are told."""
        session.send(Error(SYSTEM, 321, _NO_ADVISOR))
        session.send(ReceiveFa(request.dataType, ""))
