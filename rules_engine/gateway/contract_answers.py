"""Answers to requests that look up contracts."""

from rules_engine.gateway.contracts import Listing
from rules_engine.gateway.lookup import UNKNOWN, as_query
from rules_engine.gateway.market import Market
from rules_engine.gateway.market_rules import tick_of_rule
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
)
from rules_engine.gateway.messages.link import SYSTEM, Error
from rules_engine.gateway.router import Router
from rules_engine.gateway.session import Session


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
        found = self._catalogue.find(as_query(request.contract), include_expired=request.includeExpired)
        if not found:
            session.send(Error(request.reqId, 200, UNKNOWN))
            return
        for listing in found:
            session.send(_details_of(request.reqId, self._market.with_hours(listing)))
        session.send(ContractDetailsEnd(request.reqId))

    def _symbols(self, session: Session, request: ReqMatchingSymbols) -> None:
        samples = tuple(_sample(listing) for listing in self._catalogue.matching(request.pattern))
        session.send(SymbolSamples(request.reqId, samples))

    def _market_rule(self, session: Session, request: ReqMarketRule) -> None:
        tick = tick_of_rule(request.ruleId)
        if tick is None:
            text = f"Error validating request.-'cM' : cause - No market rule {request.ruleId}"
            session.send(Error(SYSTEM, 321, text))
        else:
            session.send(MarketRule(request.ruleId, (PriceIncrement(0.0, tick),)))

    def _option_chain(self, session: Session, request: ReqSecDefOptParams) -> None:
        chain = self._catalogue.chain(request.underlyingConId)
        if chain is not None and chain.symbol == request.underlyingSymbol:
            expiries, strikes = self._catalogue.expiries(chain), chain.strikes()
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
                            strikes,
                        )
                    )
        session.send(SecDefOptParamEnd(request.reqId))


def _details_of(reqId: int, listing: Listing) -> ContractDetails:
    contract = listing.contract
    expiry = contract.lastTradeDateOrContractMonth
    if expiry and listing.lastTradeTime:
        expiry = f"{expiry} {listing.lastTradeTime}"
    return ContractDetails(
        reqId=reqId,
        contract=contract,
        lastTradeDate=expiry,
        marketName=listing.marketName or contract.tradingClass,
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
        tradingHours=listing.tradingHours,
        liquidHours=listing.liquidHours,
        evRule="",
        evMultiplier=None,
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


def _sample(listing: Listing) -> SymbolSample:
    contract = listing.contract
    kinds = ("OPT",) if contract.secType == "STK" else ()
    return SymbolSample(
        contract.conId,
        contract.symbol,
        contract.secType,
        contract.primaryExchange or contract.exchange,
        contract.currency,
        kinds,
        listing.longName,
    )
