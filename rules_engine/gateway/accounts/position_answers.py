"""Answers to requests for the positions of one account, and what follows them."""

from rules_engine.gateway.accounts.ledger import Holding, Ledger
from rules_engine.gateway.messages.account_messages import (
    CancelPositionsMulti,
    PositionMulti,
    PositionMultiEnd,
    ReqPositionsMulti,
)
from rules_engine.gateway.messages.link import Error
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session


class PositionAnswers:
    """Tells the positions of an account, once and again when one of them changes. No account means all."""

    def __init__(self, ledger: Ledger, router: Router) -> None:
        self._ledger = ledger
        self._followers: dict[tuple[Session, int], ReqPositionsMulti] = {}
        router.on(ReqPositionsMulti, self._positions)
        router.on(CancelPositionsMulti, lambda session, request: self._forget(session, request.reqId))

    def changed(self, account: str, holding: Holding) -> None:
        """A fill moved a position."""
        for (session, _), request in self._followers.items():
            if request.account in ("", account):
                session.send(_position(request, account, holding))

    def left(self, session: Session) -> None:
        """Nobody follows over this connection any more."""
        for of, reqId in list(self._followers):
            if of is session:
                self._forget(of, reqId)

    def _positions(self, session: Session, request: ReqPositionsMulti) -> None:
        if request.account and request.account not in self._ledger.accounts:
            text = f"Error validating request.-'bX' : cause - Unknown account {request.account!r}"
            session.send(Error(request.reqId, 321, text))
            return
        self._followers[session, request.reqId] = request
        for account in (request.account,) if request.account else tuple(self._ledger.accounts):
            for holding in self._ledger.holdings(account):
                if holding.size:
                    session.send(_position(request, account, holding))
        session.send(PositionMultiEnd(request.reqId))

    def _forget(self, session: Session, reqId: int) -> None:
        self._followers.pop((session, reqId), None)


def _position(request: ReqPositionsMulti, account: str, holding: Holding) -> PositionMulti:
    return PositionMulti(request.reqId, account, holding.contract, holding.size, holding.averageCost, request.model)
