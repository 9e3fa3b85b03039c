"""IB's spellings of what an order says: the one table that `explain` prints and the broker sends."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rules_engine.model.action import Duration, Remaining, Side
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.order import (
    HeldCondition,
    HeldExecution,
    HeldMargin,
    HeldPercentChange,
    HeldPrice,
    HeldTime,
    HeldVolume,
    OrderDraft,
    OrderKind,
    Unit,
    transmits,
)
from rules_engine.model.trigger_method import TriggerMethod

Word = str | float | int | bool | None
Fields = dict[str, Word]

ACTIONS = {Side.BUY: "BUY", Side.SELL: "SELL"}
ORDER_TYPES = {
    OrderKind.MARKET: "MKT",
    OrderKind.LIMIT: "LMT",
    OrderKind.STOP: "STP",
    OrderKind.STOP_LIMIT: "STP LMT",
    OrderKind.TRAILING: "TRAIL",
    OrderKind.MIDPRICE: "MIDPRICE",
}
DURATIONS = {
    Duration.DAY: "DAY",
    Duration.GOOD_TILL_CANCELLED: "GTC",
    Duration.GOOD_TILL_DATE: "GTD",
    Duration.IMMEDIATE_OR_CANCEL: "IOC",
    Duration.FILL_OR_KILL: "FOK",
}
OCA_TYPES = {Remaining.CANCEL: 1, Remaining.REDUCE: 2}
"""Both with block: IB routes one order of the group at a time, so two cannot fill at once."""
TRIGGER_METHODS = {
    TriggerMethod.DEFAULT: 0,
    TriggerMethod.DOUBLE_BID_ASK: 1,
    TriggerMethod.LAST: 2,
    TriggerMethod.DOUBLE_LAST: 3,
    TriggerMethod.BID_ASK: 4,
    TriggerMethod.MIDPOINT: 8,
}
"""Source: https://interactivebrokers.github.io/tws-api/trigger_method_limit.html"""
CONDITION_TYPES: dict[type[HeldCondition], int] = {
    HeldPrice: 1,
    HeldTime: 3,
    HeldMargin: 4,
    HeldExecution: 5,
    HeldVolume: 6,
    HeldPercentChange: 7,
}
AND = "a"
SECURITY_TYPES = {
    Kind.STOCK: "STK",
    Kind.FUTURE: "FUT",
    Kind.OPTION: "OPT",
    Kind.FOREX: "CASH",
    Kind.INDEX: "IND",
    Kind.CFD: "CFD",
    Kind.CRYPTO: "CRYPTO",
    Kind.CONTRACT: "",
}


def ib_time(time_s: float) -> str:
    """An instant as IB reads it, with the zone written out: without one it would be TWS's own."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y%m%d %H:%M:%S UTC")


@dataclass(frozen=True, slots=True)
class Spelled:
    """One order field by field: its contract, its own fields, and its conditions."""

    contract: Fields
    order: Fields
    conditions: tuple[Fields, ...]


def spelled_unit(unit: Unit) -> tuple[Spelled, ...]:
    """The unit as it is sent; ``parentId`` counts the unit's orders from 1, 0 is none."""
    return tuple(
        Spelled(
            contract=spelled_contract(leg.instrument),
            order=_spelled_order(leg, transmit=transmits(unit, index)),
            conditions=tuple(spelled_condition(held) for held in leg.conditions),
        )
        for index, leg in enumerate(unit)
    )


def spelled_contract(instrument: Instrument) -> Fields:
    """The contract as far as the rules name it; conId is 0 until IB has been asked."""
    fields: Fields = {
        "conId": instrument.contract_id,
        "symbol": instrument.symbol,
        "secType": SECURITY_TYPES[instrument.kind],
        "lastTradeDateOrContractMonth": instrument.expiry,
        "strike": None if instrument.strike is None else float(instrument.strike),
        "right": {"put": "P", "call": "C"}.get(instrument.right, ""),
        "exchange": instrument.exchange,
        "currency": instrument.currency,
        "localSymbol": instrument.local_symbol,
    }
    return {name: value for name, value in fields.items() if name == "conId" or value not in ("", None)}


def _spelled_order(leg: OrderDraft, transmit: bool) -> Fields:
    held = bool(leg.conditions)
    until_s = leg.time_in_force.until_s
    stop = leg.trail_amount if leg.stop is None else leg.stop
    return {
        "action": ACTIONS[leg.side],
        "totalQuantity": float(leg.quantity),
        "orderType": ORDER_TYPES[leg.kind],
        "lmtPrice": None if leg.limit is None else float(leg.limit),
        "auxPrice": None if stop is None else float(stop),
        "trailingPercent": None if leg.trail_percent is None else float(leg.trail_percent),
        "tif": DURATIONS[leg.time_in_force.duration],
        "goodTillDate": "" if until_s is None else ib_time(until_s),
        "ocaGroup": leg.group,
        "ocaType": OCA_TYPES[leg.remaining or Remaining.CANCEL] if leg.group else 0,
        "parentId": 0 if leg.parent is None else leg.parent + 1,
        "triggerMethod": 0,
        "outsideRth": leg.outside_hours,
        "conditionsIgnoreRth": held and leg.conditions_outside_hours,
        "conditionsCancelOrder": False,
        "transmit": transmit,
    }


def spelled_condition(held: HeldCondition) -> Fields:
    """One condition, joined to its neighbours by `and`; a contract's conId is 0 until IB has been asked."""
    fields: Fields = {"condType": CONDITION_TYPES[type(held)], "conjunction": AND}
    match held:
        case HeldPrice(instrument, at_least, price, method):
            fields |= {"isMore": at_least, "price": float(price), **_watched(instrument)}
            fields["triggerMethod"] = TRIGGER_METHODS[method]
        case HeldTime(after, time_s):
            fields |= {"isMore": after, "time": ib_time(time_s)}
        case HeldMargin(at_least, percent):
            fields |= {"isMore": at_least, "percent": percent}
        case HeldExecution(instrument):
            kind = SECURITY_TYPES[instrument.kind]
            fields |= {"secType": kind, "exchange": instrument.exchange, "symbol": instrument.symbol}
        case HeldVolume(instrument, at_least, volume):
            fields |= {"isMore": at_least, "volume": volume, **_watched(instrument)}
        case HeldPercentChange(instrument, at_least, percent):
            fields |= {"isMore": at_least, "changePercent": float(percent), **_watched(instrument)}
    return fields


def _watched(instrument: Instrument) -> Fields:
    return {"conId": instrument.contract_id, "symbol": instrument.symbol, "exchange": instrument.exchange}
