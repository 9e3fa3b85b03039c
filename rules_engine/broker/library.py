"""The library that speaks IB's protocol: ib_insync, or ib_async where only that is installed.

Nothing else in the product names either of them. What they have in common is enough: the differences are kept out by
leaving order state, request bookkeeping and reconnection to us.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING or find_spec("ib_insync") is not None:
    from ib_insync import (
        IB,
        BarData,
        Client,
        CommissionReport,
        Contract,
        ContractDetails,
        Execution,
        ExecutionCondition,
        ExecutionFilter,
        HistoricalTick,
        HistoricalTickBidAsk,
        HistoricalTickLast,
        MarginCondition,
        Order,
        OrderCondition,
        OrderState,
        PercentChangeCondition,
        PriceCondition,
        PriceIncrement,
        RequestError,
        TimeCondition,
        VolumeCondition,
        Wrapper,
    )
    from ib_insync.util import UNSET_DOUBLE

    NAME = "ib_insync"
else:
    from ib_async import (
        IB,
        BarData,
        Client,
        CommissionReport,
        Contract,
        ContractDetails,
        Execution,
        ExecutionCondition,
        ExecutionFilter,
        HistoricalTick,
        HistoricalTickBidAsk,
        HistoricalTickLast,
        MarginCondition,
        Order,
        OrderCondition,
        OrderState,
        PercentChangeCondition,
        PriceCondition,
        PriceIncrement,
        RequestError,
        TimeCondition,
        VolumeCondition,
        Wrapper,
    )
    from ib_async.util import UNSET_DOUBLE

    NAME = "ib_async"

__all__ = [
    "IB",
    "NAME",
    "UNSET_DOUBLE",
    "BarData",
    "Client",
    "CommissionReport",
    "Contract",
    "ContractDetails",
    "Execution",
    "ExecutionCondition",
    "ExecutionFilter",
    "HistoricalTick",
    "HistoricalTickBidAsk",
    "HistoricalTickLast",
    "MarginCondition",
    "Order",
    "OrderCondition",
    "OrderState",
    "PercentChangeCondition",
    "PriceCondition",
    "PriceIncrement",
    "RequestError",
    "TimeCondition",
    "VolumeCondition",
    "Wrapper",
]
