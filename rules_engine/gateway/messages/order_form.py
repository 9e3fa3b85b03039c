"""What an order says: every field that placing, reporting or completing it carries, and its conditions."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from rules_engine.gateway.wire.items import Infinite, OneOf

Conjunction = Annotated[str, OneOf("a", "o")]


@dataclass(frozen=True, slots=True)
class PriceCondition:
    """An instrument's price, by a trigger method, is at or beyond a level."""

    number: ClassVar[int] = 1
    conjunction: Conjunction
    isMore: bool
    price: float
    conId: int
    exchange: str
    triggerMethod: int


@dataclass(frozen=True, slots=True)
class TimeCondition:
    """The time is at or past (or not past) a moment."""

    number: ClassVar[int] = 3
    conjunction: Conjunction
    isMore: bool
    time: str


@dataclass(frozen=True, slots=True)
class MarginCondition:
    """The account's margin cushion, in percent, is at or beyond a level."""

    number: ClassVar[int] = 4
    conjunction: Conjunction
    isMore: bool
    percent: int


@dataclass(frozen=True, slots=True)
class ExecutionCondition:
    """The account traded a symbol."""

    number: ClassVar[int] = 5
    conjunction: Conjunction
    secType: str
    exchange: str
    symbol: str


@dataclass(frozen=True, slots=True)
class VolumeCondition:
    """An instrument's volume of the day is at or beyond a level."""

    number: ClassVar[int] = 6
    conjunction: Conjunction
    isMore: bool
    volume: int
    conId: int
    exchange: str


@dataclass(frozen=True, slots=True)
class PercentChangeCondition:
    """An instrument's change since the last close, in percent, is at or beyond a level."""

    number: ClassVar[int] = 7
    conjunction: Conjunction
    isMore: bool
    changePercent: float
    conId: int
    exchange: str


Condition = (
    PriceCondition | TimeCondition | MarginCondition | ExecutionCondition | VolumeCondition | PercentChangeCondition
)


@dataclass(frozen=True, slots=True)
class ComboLeg:
    """One leg of a combination order."""

    conId: int
    ratio: int
    action: str
    exchange: str
    openClose: int
    shortSaleSlot: int
    designatedLocation: str
    exemptCode: int


@dataclass(frozen=True, slots=True)
class LegPrice:
    """The price of one leg of a combination order."""

    price: float | None


@dataclass(frozen=True, slots=True)
class TagValue:
    """One named parameter."""

    tag: str
    value: str


@dataclass(frozen=True, slots=True)
class OrderForm:
    """An order as its client wrote it. None is what the client left unset; it is reported unset, not as a default."""

    action: Annotated[str, OneOf("BUY", "SELL", "SSHORT")] = "BUY"
    totalQuantity: float = 0.0
    orderType: str = ""
    lmtPrice: float | None = None
    auxPrice: float | None = None
    tif: str = ""
    ocaGroup: str = ""
    account: str = ""
    openClose: str = ""
    origin: int = 0
    orderRef: str = ""
    transmit: bool = True
    parentId: int = 0
    blockOrder: bool = False
    sweepToFill: bool = False
    displaySize: int | None = None
    triggerMethod: int = 0
    outsideRth: bool = False
    hidden: bool = False
    comboLegs: tuple[ComboLeg, ...] = ()
    orderComboLegs: tuple[LegPrice, ...] = ()
    smartComboRoutingParams: tuple[TagValue, ...] = ()
    discretionaryAmt: float | None = None
    goodAfterTime: str = ""
    goodTillDate: str = ""
    faGroup: str = ""
    faMethod: str = ""
    faPercentage: str = ""
    faProfile: str = ""
    modelCode: str = ""
    shortSaleSlot: int = 0
    designatedLocation: str = ""
    exemptCode: int = -1
    ocaType: int = 0
    rule80A: str = ""
    settlingFirm: str = ""
    allOrNone: bool = False
    minQty: int | None = None
    percentOffset: float | None = None
    eTradeOnly: bool = False
    firmQuoteOnly: bool = False
    nbboPriceCap: float | None = None
    auctionStrategy: int = 0
    startingPrice: float | None = None
    stockRefPrice: float | None = None
    delta: float | None = None
    stockRangeLower: float | None = None
    stockRangeUpper: float | None = None
    overridePercentageConstraints: bool = False
    volatility: float | None = None
    volatilityType: int | None = None
    deltaNeutralOrderType: str = ""
    deltaNeutralAuxPrice: float | None = None
    deltaNeutralConId: int = 0
    deltaNeutralSettlingFirm: str = ""
    deltaNeutralClearingAccount: str = ""
    deltaNeutralClearingIntent: str = ""
    deltaNeutralOpenClose: str = ""
    deltaNeutralShortSale: bool = False
    deltaNeutralShortSaleSlot: int = 0
    deltaNeutralDesignatedLocation: str = ""
    continuousUpdate: bool = False
    referencePriceType: int | None = None
    trailStopPrice: float | None = None
    trailingPercent: float | None = None
    basisPoints: float | None = None
    basisPointsType: int | None = None
    comboLegsDescrip: str = ""
    scaleInitLevelSize: int | None = None
    scaleSubsLevelSize: int | None = None
    scalePriceIncrement: float | None = None
    scalePriceAdjustValue: float | None = None
    scalePriceAdjustInterval: int | None = None
    scaleProfitOffset: float | None = None
    scaleAutoReset: bool = False
    scaleInitPosition: int | None = None
    scaleInitFillQty: int | None = None
    scaleRandomPercent: bool = False
    scaleTable: str = ""
    activeStartTime: str = ""
    activeStopTime: str = ""
    hedgeType: str = ""
    hedgeParam: str = ""
    optOutSmartRouting: bool = False
    clearingAccount: str = ""
    clearingIntent: str = ""
    notHeld: bool = False
    hasUnderlying: bool = False
    underlyingConId: int = 0
    underlyingDelta: float = 0.0
    underlyingPrice: float = 0.0
    algoStrategy: str = ""
    algoParams: tuple[TagValue, ...] = ()
    algoId: str = ""
    whatIf: bool = False
    orderMiscOptions: str = ""
    solicited: bool = False
    randomizeSize: bool = False
    randomizePrice: bool = False
    referenceContractId: int = 0
    isPeggedChangeAmountDecrease: bool = False
    peggedChangeAmount: float = 0.0
    referenceChangeAmount: float = 0.0
    referenceExchangeId: str = ""
    conditions: tuple[Condition, ...] = ()
    conditionsIgnoreRth: bool = False
    conditionsCancelOrder: bool = False
    adjustedOrderType: str = ""
    triggerPrice: float | None = None
    lmtPriceOffset: float | None = None
    adjustedStopPrice: float | None = None
    adjustedStopLimitPrice: float | None = None
    adjustedTrailingAmount: float | None = None
    adjustableTrailingUnit: int = 0
    extOperator: str = ""
    softDollarName: str = ""
    softDollarValue: str = ""
    softDollarDisplayName: str = ""
    cashQty: float | None = None
    mifid2DecisionMaker: str = ""
    mifid2DecisionAlgo: str = ""
    mifid2ExecutionTrader: str = ""
    mifid2ExecutionAlgo: str = ""
    dontUseAutoPriceForHedge: bool = False
    isOmsContainer: bool = False
    discretionaryUpToLimitPrice: bool = False
    usePriceMgmtAlgo: bool | None = None
    duration: int | None = None
    postToAts: int | None = None
    autoCancelParent: bool = False
    advancedErrorOverride: str = ""
    manualOrderTime: str = ""
    minTradeQty: int | None = None
    minCompeteSize: int | None = None
    competeAgainstBestOffset: Annotated[float | None, Infinite()] = None
    midOffsetAtWhole: float | None = None
    midOffsetAtHalf: float | None = None
