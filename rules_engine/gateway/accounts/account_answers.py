"""Answers to requests about accounts, and the updates that follow them."""

from collections.abc import Callable, Iterator

from rules_engine.gateway.accounts.account_values import Value, ledger_of, summary_of, values_of
from rules_engine.gateway.accounts.ledger import Account, Figures, Holding, Ledger, rate
from rules_engine.gateway.accounts.position_answers import PositionAnswers
from rules_engine.gateway.messages.account_messages import (
    AccountDownloadEnd,
    AccountSummary,
    AccountSummaryEnd,
    AccountTime,
    AccountUpdateMulti,
    AccountUpdateMultiEnd,
    AccountValue,
    CancelAccountSummary,
    CancelAccountUpdatesMulti,
    CancelPnl,
    CancelPnlSingle,
    CancelPositions,
    Pnl,
    PnlSingle,
    Portfolio,
    Position,
    PositionEnd,
    ReqAccountSummary,
    ReqAccountUpdates,
    ReqAccountUpdatesMulti,
    ReqPnl,
    ReqPnlSingle,
    ReqPositions,
)
from rules_engine.gateway.messages.link import SYSTEM, Error, ManagedAccounts, ReqManagedAccounts
from rules_engine.gateway.times import Timers, time_text
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

GROUP_ALL = "All"
PROFIT_EVERY_S = 1.0
VALUES_EVERY_S = 180.0
"""TWS's own rhythm for account values, portfolios and summaries between fills (IB's API reference, account updates)."""


class AccountAnswers:
    """Tells what accounts hold and are worth, once and again when it changes."""

    def __init__(self, ledger: Ledger, timers: Timers, now_s: Callable[[], float], router: Router) -> None:
        self._ledger = ledger
        self._now_s = now_s
        self._updates: dict[Session, str] = {}
        self._positions: dict[Session, None] = {}
        self._timers = timers
        # In the order of the requests, which a set would not keep from run to run.
        self._profits: dict[tuple[Session, int], None] = {}
        self._profits_due = False
        self._values_due = False
        self._by_request: dict[tuple[Session, int], Callable[[], None]] = {}
        self.logged_in = ""
        self._multi = PositionAnswers(ledger, router)
        router.on(ReqManagedAccounts, lambda session, _: session.send(self.managed()))
        router.on(ReqAccountUpdates, self._account_updates)
        router.on(ReqAccountUpdatesMulti, self._updates_multi)
        router.on(ReqAccountSummary, self._summary)
        router.on(ReqPositions, self._all_positions)
        router.on(ReqPnl, self._pnl)
        router.on(ReqPnlSingle, self._pnl_single)
        router.on(CancelPositions, lambda session, _: self._positions.pop(session, None))
        router.on(CancelAccountUpdatesMulti, lambda session, request: self._forget(session, request.reqId))
        router.on(CancelAccountSummary, lambda session, request: self._forget(session, request.reqId))
        router.on(CancelPnl, lambda session, request: self._forget(session, request.reqId))
        router.on(CancelPnlSingle, lambda session, request: self._forget(session, request.reqId))

    def managed(self) -> ManagedAccounts:
        """The accounts of this gateway, or those of somebody else who has logged in."""
        return ManagedAccounts(self.logged_in or ",".join(self._ledger.accounts))

    def changed(self, account: str, conId: int) -> None:
        """A fill moved an account: tell everyone who follows it."""
        holding = self._ledger.accounts[account].holdings[conId]
        for session in self._positions:
            session.send(_position(account, holding))
        for session, followed in self._updates.items():
            if followed == account:
                session.send(self._portfolio(account, holding))
                self._tell_values(session, account)
        self._multi.changed(account, holding)
        self.refresh()

    def refresh(self) -> None:
        """Bring summaries, profits and multi-account updates up to date."""
        for tell in list(self._by_request.values()):
            tell()

    def left(self, session: Session) -> None:
        """Nobody follows over this connection any more."""
        self._updates.pop(session, None)
        self._positions.pop(session, None)
        self._multi.left(session)
        for of, reqId in list(self._by_request):
            if of is session:
                self._forget(session, reqId)

    def _account_updates(self, session: Session, request: ReqAccountUpdates) -> None:
        account = request.account or next(iter(self._ledger.accounts))
        if not request.subscribe:
            self._updates.pop(session, None)
            return
        if account not in self._ledger.accounts:
            session.send(Error(SYSTEM, 321, f"Error validating request.-'bA' : cause - Unknown account {account!r}"))
            return
        self._updates[session] = account
        self._tell_account(session, account)
        self._schedule_values()

    def _tell_account(self, session: Session, account: str) -> None:
        self._tell_values(session, account)
        for holding in self._ledger.holdings(account):
            session.send(self._portfolio(account, holding))
        session.send(AccountTime(time_text(self._now_s())[9:14]))
        session.send(AccountDownloadEnd(account))

    def _tell_values(self, session: Session, name: str) -> None:
        for value in values_of(self._ledger.accounts[name], self._ledger.figures(name)):
            session.send(AccountValue(value.key, value.value, value.currency, name))

    def _portfolio(self, account: str, holding: Holding) -> Portfolio:
        mark = self._ledger.mark(holding)
        return Portfolio(
            contract=holding.contract,
            position=holding.size,
            marketPrice=mark,
            marketValue=holding.size * holding.multiplier * mark,
            averageCost=holding.averageCost,
            unrealizedPnl=self._ledger.unrealized(holding),
            realizedPnl=holding.realized,
            account=account,
        )

    def _all_positions(self, session: Session, request: ReqPositions) -> None:
        self._positions[session] = None
        for account in self._ledger.accounts:
            for holding in self._ledger.holdings(account):
                if holding.size:
                    session.send(_position(account, holding))
        session.send(PositionEnd())

    def _updates_multi(self, session: Session, request: ReqAccountUpdatesMulti) -> None:
        if not self._known(session, request.reqId, request.account):
            return

        def tell() -> None:
            name = request.account
            told = _ledger_and_worth if request.ledgerAndNlv else values_of
            for value in told(self._ledger.accounts[name], self._ledger.figures(name)):
                session.send(
                    AccountUpdateMulti(request.reqId, name, request.model, value.key, value.value, value.currency)
                )

        self._follow(session, request.reqId, tell)
        session.send(AccountUpdateMultiEnd(request.reqId))

    def _summary(self, session: Session, request: ReqAccountSummary) -> None:
        if request.group != GROUP_ALL:
            text = f"Error validating request.-'bW' : cause - Account groups are not simulated: {request.group!r}"
            session.send(Error(request.reqId, 321, text))
            return

        def tell() -> None:
            for name, account in self._ledger.accounts.items():
                for value in summary_of(account, self._ledger.figures(name), request.tags):
                    session.send(AccountSummary(request.reqId, name, value.key, value.value, value.currency))

        self._follow(session, request.reqId, tell)
        session.send(AccountSummaryEnd(request.reqId))

    def _pnl(self, session: Session, request: ReqPnl) -> None:
        if not self._known(session, request.reqId, request.account):
            return

        def tell() -> None:
            figures = self._ledger.figures(request.account)
            session.send(Pnl(request.reqId, figures.daily, figures.unrealized, figures.realized))

        self._follow_profit(session, request.reqId, tell)

    def _pnl_single(self, session: Session, request: ReqPnlSingle) -> None:
        if not self._known(session, request.reqId, request.account):
            return

        def tell() -> None:
            holding = self._ledger.accounts[request.account].holdings.get(request.conId)
            if holding is None:
                session.send(PnlSingle(request.reqId, 0.0, 0.0, 0.0, 0.0, 0.0))
                return
            into_base = rate(holding.contract.currency)
            unrealized = self._ledger.unrealized(holding) * into_base
            realized = holding.realized * into_base
            daily = self._ledger.daily(holding) * into_base
            value = holding.size * holding.multiplier * self._ledger.mark(holding) * into_base
            session.send(PnlSingle(request.reqId, holding.size, daily, unrealized, realized, value))

        self._follow_profit(session, request.reqId, tell)

    def _known(self, session: Session, reqId: int, account: str) -> bool:
        if account in self._ledger.accounts:
            return True
        session.send(Error(reqId, 321, f"Error validating request.-'bX' : cause - Unknown account {account!r}"))
        return False

    def _follow(self, session: Session, reqId: int, tell: Callable[[], None]) -> None:
        self._by_request[session, reqId] = tell
        tell()
        self._schedule_values()

    def _forget(self, session: Session, reqId: int) -> None:
        self._by_request.pop((session, reqId), None)
        self._profits.pop((session, reqId), None)

    def _follow_profit(self, session: Session, reqId: int, tell: Callable[[], None]) -> None:
        """Profits move with prices, so they are told every second."""
        self._follow(session, reqId, tell)
        self._profits[session, reqId] = None
        self._schedule_profits()

    def _schedule_profits(self) -> None:
        if self._profits and not self._profits_due:
            self._profits_due = True
            self._timers.at(self._now_s() + PROFIT_EVERY_S, self._tell_profits)

    def _tell_profits(self) -> None:
        self._profits_due = False
        for key in self._profits:
            self._by_request[key]()
        self._schedule_profits()

    def _schedule_values(self) -> None:
        if (self._updates or self._by_request) and not self._values_due:
            self._values_due = True
            self._timers.at(self._now_s() + VALUES_EVERY_S, self._tell_everything)

    def _tell_everything(self) -> None:
        """Prices have moved what accounts are worth, though nothing was traded."""
        self._values_due = False
        for session, account in self._updates.items():
            self._tell_account(session, account)
        self.refresh()
        self._schedule_values()


def _ledger_and_worth(account: Account, figures: Figures) -> Iterator[Value]:
    """What a multi-account update tells when only balances and net liquidation are asked for."""
    yield from (value for value in values_of(account, figures) if value.key == "NetLiquidation")
    yield from ledger_of(account, figures)


def _position(account: str, holding: Holding) -> Position:
    return Position(account, holding.contract, holding.size, holding.averageCost)
