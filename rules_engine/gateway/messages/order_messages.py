"""Messages that place orders and report them."""

import math
from typing import Annotated

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.wire.items import Block, Fields, Fixed, Identity, Item, Only, Since, equal, given, positive
from rules_engine.gateway.wire.values import UNSET_DOUBLE

CONTRACT_11 = (
    "conId symbol secType lastTradeDateOrContractMonth strike right multiplier exchange currency localSymbol"
    " tradingClass"
)


def _order(names: str) -> Fields:
    return Fields(" ".join(f"order.{name}" for name in names.split()))


_LEGS = _order("comboLegs orderComboLegs smartComboRoutingParams")
_SCALE = Block(
    positive("order.scalePriceIncrement"),
    (
        _order(
            "scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset scaleInitPosition"
            " scaleInitFillQty scaleRandomPercent"
        ),
    ),
)
_HEDGE = Block(given("order.hedgeType"), (_order("hedgeParam"),))
_UNDERLYING = Block(given("order.hasUnderlying"), (_order("underlyingConId underlyingDelta underlyingPrice"),))
_ALGO = Block(given("order.algoStrategy"), (_order("algoParams"),))
_DELTA_NEUTRAL = Block(
    given("order.deltaNeutralOrderType"),
    (
        _order(
            "deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent"
            " deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation"
        ),
    ),
)
_PEG_BENCH = Block(
    equal("order.orderType", "PEG BENCH", "PEGBENCH"),
    (
        _order(
            "referenceContractId isPeggedChangeAmountDecrease peggedChangeAmount referenceChangeAmount"
            " referenceExchangeId"
        ),
    ),
)
_CONDITIONS: tuple[Item, ...] = (
    _order("conditions"),
    Block(given("order.conditions"), (_order("conditionsIgnoreRth conditionsCancelOrder"),)),
)
_MID_OFFSETS = _order("midOffsetAtWhole midOffsetAtHalf")
_PEGS_REPORTED = _order(
    "minTradeQty>=170 minCompeteSize>=170 competeAgainstBestOffset>=170 midOffsetAtWhole>=170 midOffsetAtHalf>=170"
)


@request(
    3,
    layout=(
        Fields("orderId contract secIdType secId"),
        _order(
            "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef transmit"
            " parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden"
        ),
        Block(equal("contract.secType", "BAG"), (_LEGS,)),
        Fixed(),
        _order(
            "discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile<177 modelCode"
            " shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset"
            " eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower"
            " stockRangeUpper overridePercentageConstraints volatility volatilityType deltaNeutralOrderType"
            " deltaNeutralAuxPrice"
        ),
        _DELTA_NEUTRAL,
        _order(
            "continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize"
            " scalePriceIncrement"
        ),
        _SCALE,
        _order("scaleTable activeStartTime activeStopTime hedgeType"),
        _HEDGE,
        _order("optOutSmartRouting clearingAccount clearingIntent notHeld hasUnderlying"),
        _UNDERLYING,
        _order("algoStrategy"),
        _ALGO,
        _order("algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice"),
        _PEG_BENCH,
        *_CONDITIONS,
        _order(
            "adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice"
            " adjustedTrailingAmount adjustableTrailingUnit extOperator softDollarName softDollarValue cashQty"
            " mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo"
            " dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo duration>=158"
            " postToAts>=160 autoCancelParent>=162 advancedErrorOverride>=166 manualOrderTime>=169"
        ),
        Block(equal("contract.exchange", "IBKRATS"), (_order("minTradeQty"),), since=170),
        Block(
            equal("order.orderType", "PEG BEST", "PEGBEST"),
            (
                _order("minCompeteSize competeAgainstBestOffset"),
                Block(equal("order.competeAgainstBestOffset", math.inf), (_MID_OFFSETS,)),
            ),
            since=170,
        ),
        Block(equal("order.orderType", "PEG MID", "PEGMID"), (_MID_OFFSETS,), since=170),
    ),
)
class PlaceOrder:
    """A new order, or the same order id once more: a modification."""

    orderId: Annotated[int, Identity()]
    contract: Contract
    secIdType: str
    secId: str
    order: OrderForm


@request(4, version=1)
class CancelOrder:
    orderId: Annotated[int, Identity()]
    manualCancelTime: Annotated[str, Since(169)] = ""


@request(5, version=1)
class ReqOpenOrders:
    pass


@request(16, version=1)
class ReqAllOpenOrders:
    pass


@request(15, version=1)
class ReqAutoOpenOrders:
    bind: bool


@request(58, version=1)
class ReqGlobalCancel:
    pass


@request(99)
class ReqCompletedOrders:
    apiOnly: bool


@request(7, version=3)
class ReqExecutions:
    reqId: Annotated[int, Identity()]
    clientId: int
    account: str
    time: str
    symbol: str
    secType: str
    exchange: str
    side: str


@reply(
    5,
    layout=(
        Fields("orderId " + " ".join(f"contract.{name}" for name in CONTRACT_11.split())),
        _order("action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef"),
        Fields("clientId permId"),
        _order("outsideRth hidden discretionaryAmt goodAfterTime"),
        Fixed(),
        _order(
            "faGroup faMethod faPercentage faProfile<177 modelCode goodTillDate rule80A percentOffset settlingFirm"
            " shortSaleSlot designatedLocation exemptCode auctionStrategy startingPrice stockRefPrice delta"
            " stockRangeLower stockRangeUpper displaySize blockOrder sweepToFill allOrNone minQty ocaType eTradeOnly"
            " firmQuoteOnly nbboPriceCap parentId triggerMethod volatility volatilityType deltaNeutralOrderType"
            " deltaNeutralAuxPrice"
        ),
        _DELTA_NEUTRAL,
        _order(
            "continuousUpdate referencePriceType trailStopPrice trailingPercent basisPoints basisPointsType"
            " comboLegsDescrip"
        ),
        _LEGS,
        _order("scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement"),
        _SCALE,
        _order("hedgeType"),
        _HEDGE,
        _order("optOutSmartRouting clearingAccount clearingIntent notHeld hasUnderlying"),
        _UNDERLYING,
        _order("algoStrategy"),
        _ALGO,
        _order("solicited whatIf"),
        Fields(
            "status initMarginBefore maintMarginBefore equityBefore initMarginChange maintMarginChange equityChange"
            " initMarginAfter maintMarginAfter equityAfter commission minCommission maxCommission commissionCurrency"
            " warningText"
        ),
        _order("randomizeSize randomizePrice"),
        _PEG_BENCH,
        *_CONDITIONS,
        _order(
            "adjustedOrderType triggerPrice trailStopPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice"
            " adjustedTrailingAmount adjustableTrailingUnit softDollarName softDollarValue softDollarDisplayName"
            " cashQty dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice usePriceMgmtAlgo"
            " duration>=158 postToAts>=160 autoCancelParent>=162"
        ),
        _PEGS_REPORTED,
    ),
)
class OpenOrder:
    """An order that lives, or the margins that a what-if order would need."""

    orderId: int
    contract: Contract
    order: OrderForm
    clientId: int
    permId: int
    status: str
    initMarginBefore: str = UNSET_DOUBLE
    maintMarginBefore: str = UNSET_DOUBLE
    equityBefore: str = UNSET_DOUBLE
    initMarginChange: str = UNSET_DOUBLE
    maintMarginChange: str = UNSET_DOUBLE
    equityChange: str = UNSET_DOUBLE
    initMarginAfter: str = UNSET_DOUBLE
    maintMarginAfter: str = UNSET_DOUBLE
    equityAfter: str = UNSET_DOUBLE
    commission: float | None = None
    minCommission: float | None = None
    maxCommission: float | None = None
    commissionCurrency: str = ""
    warningText: str = ""


@reply(
    101,
    layout=(
        Fields(" ".join(f"contract.{name}" for name in CONTRACT_11.split())),
        _order("action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef"),
        Fields("permId"),
        _order(
            "outsideRth hidden discretionaryAmt goodAfterTime faGroup faMethod faPercentage faProfile<177 modelCode"
            " goodTillDate rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode"
            " startingPrice stockRefPrice delta stockRangeLower stockRangeUpper displaySize sweepToFill allOrNone"
            " minQty ocaType triggerMethod volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice"
        ),
        Block(
            given("order.deltaNeutralOrderType"),
            (
                _order(
                    "deltaNeutralConId deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation"
                ),
            ),
        ),
        _order("continuousUpdate referencePriceType trailStopPrice trailingPercent comboLegsDescrip"),
        _LEGS,
        _order("scaleInitLevelSize scaleSubsLevelSize scalePriceIncrement"),
        _SCALE,
        _order("hedgeType"),
        _HEDGE,
        _order("clearingAccount clearingIntent notHeld hasUnderlying"),
        _UNDERLYING,
        _order("algoStrategy"),
        _ALGO,
        _order("solicited"),
        Fields("status"),
        _order("randomizeSize randomizePrice"),
        _PEG_BENCH,
        *_CONDITIONS,
        _order("trailStopPrice lmtPriceOffset cashQty dontUseAutoPriceForHedge isOmsContainer"),
        Fields("autoCancelDate filledQuantity refFuturesConId"),
        _order("autoCancelParent"),
        Fields("shareholder imbalanceOnly routeMarketableToBbo parentPermId completedTime completedStatus"),
        _PEGS_REPORTED,
    ),
)
class CompletedOrder:
    """An order of today that has ended. It tells neither order id nor client id."""

    contract: Contract
    order: OrderForm
    permId: int
    status: str
    filledQuantity: float
    parentPermId: int | None
    completedTime: str
    completedStatus: str
    autoCancelDate: str = ""
    refFuturesConId: int | None = None
    shareholder: str = "Not an insider or substantial shareholder"
    imbalanceOnly: bool = False
    routeMarketableToBbo: bool = False


@reply(3)
class OrderStatus:
    orderId: int
    status: str
    filled: float
    remaining: float
    avgFillPrice: float
    permId: int
    parentId: int
    lastFillPrice: float
    clientId: int
    whyHeld: str
    mktCapPrice: float = 0.0


@reply(100)
class OrderBound:
    """An order of TWS's own window has an order id from now on."""

    permId: int
    clientId: int
    orderId: int


@reply(53, version=1)
class OpenOrderEnd:
    pass


@reply(102)
class CompletedOrdersEnd:
    pass


@reply(11)
class ExecDetails:
    """One fill; reqId is -1 when it is told as it happens."""

    reqId: int
    orderId: int
    contract: Annotated[Contract, Only(CONTRACT_11)]
    execId: str
    time: str
    account: str
    exchange: str
    side: str
    shares: float
    price: float
    permId: int
    clientId: int
    liquidation: int
    cumQty: float
    avgPrice: float
    orderRef: str
    evRule: str = ""
    evMultiplier: float | None = None
    modelCode: str = ""
    lastLiquidity: int = 1
    pendingPriceRevision: Annotated[bool, Since(178)] = False


@reply(55, version=1)
class ExecDetailsEnd:
    reqId: int


@reply(59, version=1)
class CommissionReport:
    execId: str
    commission: float
    currency: str
    realizedPnl: float | None
    yieldAmount: float | None = None
    yieldRedemptionDate: int | None = None
