"""Answers to requests that look up contracts."""

from rules_engine.gateway.contracts.catalogue import Identity
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.lookup import UNKNOWN, as_query
from rules_engine.gateway.contracts.market_rules import bands_of_rule
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.messages.contract_messages import (
    ContractDetails,
    ContractDetailsEnd,
    MarketRule,
    PriceIncrement,
    ReqContractDetails,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqSecDefOptParams,
    SecDefOptParam,
    SecDefOptParamEnd,
    SymbolSample,
    SymbolSamples,
    Tag,
)
from rules_engine.gateway.messages.link import SYSTEM, Error
from rules_engine.gateway.wire.refusals import invalid
from rules_engine.gateway.wire.router import Router
from rules_engine.gateway.wire.session import Session

SEC_TYPES = frozenset(
    {"STK", "OPT", "FUT", "CONTFUT", "FUT+CONTFUT", "IND", "FOP", "CASH", "BAG", "WAR", "IOPT", "BOND", "BILL", "FIXED"}
    | {"CMDTY", "NEWS", "FUND", "CFD", "CRYPTO", "EVENT", "SLB"}
)
"""What TWS takes for a security type."""


class ContractAnswers:
    """Finds what a client describes."""

    def __init__(self, market: Market, router: Router) -> None:
        self._market = market
        self._catalogue = market.catalogue
        router.on(ReqContractDetails, self._details)
        router.on(ReqMatchingSymbols, self._symbols)
        router.on(ReqMarketRule, self._market_rule)
        router.on(ReqSecDefOptParams, self._option_chain)

    def _details(self, session: Session, request: ReqContractDetails) -> None:
        query = as_query(request.contract)
        if query.secType and query.secType not in SEC_TYPES:
            session.send(Error(request.reqId, 321, str(invalid("Please enter a valid security type"))))
            return
        identity = Identity(request.secIdType, request.secId, request.issuerId)
        found = self._catalogue.find(query, identity, include_expired=request.includeExpired)
        if not found:
            session.send(Error(request.reqId, 200, UNKNOWN))
            return
        for listing in found:
            session.send(self._details_of(request.reqId, listing))
        session.send(ContractDetailsEnd(request.reqId))

    def _symbols(self, session: Session, request: ReqMatchingSymbols) -> None:
        samples = tuple(self._sample(listing) for listing in self._catalogue.matching(request.pattern))
        session.send(SymbolSamples(request.reqId, samples))

    def _market_rule(self, session: Session, request: ReqMarketRule) -> None:
        bands = bands_of_rule(request.ruleId)
        if bands is None:
            session.send(Error(SYSTEM, 321, str(invalid(f"No market rule {request.ruleId}"))))
        else:
            session.send(MarketRule(request.ruleId, tuple(PriceIncrement(edge, step) for edge, step in bands)))

    def _option_chain(self, session: Session, request: ReqSecDefOptParams) -> None:
        for chain in self._catalogue.chains(request.underlyingConId):
            if chain.symbol != request.underlyingSymbol:
                continue
            expiries = self._catalogue.expiries(chain, request.underlyingConId)
            for exchange in chain.exchanges:
                if request.futFopExchange in ("", exchange):
                    session.send(
                        SecDefOptParam(
                            request.reqId,
                            exchange,
                            request.underlyingConId,
                            chain.tradingClass,
                            chain.multiplier,
                            expiries,
                            chain.strikes(),
                        )
                    )
        session.send(SecDefOptParamEnd(request.reqId))

    def _details_of(self, reqId: int, listing: Listing) -> ContractDetails:
        contract = listing.contract
        return ContractDetails(
            reqId=reqId,
            contract=contract,
            lastTradeDate=_last_trade(listing),
            marketName=listing.marketName,
            minTick=listing.minTick,
            orderTypes=",".join(listing.orderTypes),
            validExchanges=",".join(listing.validExchanges),
            priceMagnifier=listing.priceMagnifier,
            underConId=listing.underConId,
            longName=listing.longName,
            contractMonth=listing.contractMonth,
            industry=listing.industry,
            category=listing.category,
            subcategory=listing.subcategory,
            timeZoneId=listing.timeZoneId,
            tradingHours=self._market.hours_text(listing, liquid=False),
            liquidHours=self._market.hours_text(listing, liquid=True),
            evRule="",
            evMultiplier=0,
            secIds=tuple(Tag(*one) for one in listing.secIds),
            aggGroup=listing.aggGroup,
            underSymbol=listing.underSymbol,
            underSecType=listing.underSecType,
            marketRuleIds=listing.marketRuleIds,
            realExpirationDate=listing.realExpirationDate,
            stockType=listing.stockType,
            minSize=listing.minSize,
            sizeIncrement=listing.sizeIncrement,
            suggestedSizeIncrement=listing.suggestedSizeIncrement,
        )

    def _sample(self, listing: Listing) -> SymbolSample:
        contract = listing.contract
        return SymbolSample(
            contract.conId,
            contract.symbol,
            contract.secType,
            contract.primaryExchange or contract.exchange,
            contract.currency,
            self._catalogue.derivatives(contract.conId),
            listing.longName,
            listing.issuerId,
        )


def _last_trade(listing: Listing) -> str:
    """`20301220 08:30:00 US/Central`; the hour only where it is not the end of the session."""
    day = listing.contract.lastTradeDateOrContractMonth
    return f"{day} {listing.lastTradeTime} {listing.timeZoneId}" if listing.lastTradeTime else day
