"""Orders and conditions as IB holds them, in plain words."""

from datetime import UTC, datetime

from rules_engine.model.action import Remaining
from rules_engine.model.order import (
    HeldCondition,
    HeldExecution,
    HeldMargin,
    HeldPercentChange,
    HeldPrice,
    HeldTime,
    HeldVolume,
    OrderDraft,
    Unit,
)
from rules_engine.model.order_words import plain, pricing_words


def unit_words(unit: Unit) -> tuple[str, ...]:
    """One line an order, and indented below it what it waits for."""
    lines: list[str] = []
    for number, leg in enumerate(unit, 1):
        lines.append(f"{number}. {leg_words(leg)}")
        lines += [f"   {'when' if first else 'and'} {condition_words(held)}" for first, held in _marked(leg)]
        if leg.conditions and leg.conditions_outside_hours:
            lines.append("   prices outside regular hours count too")
    return tuple(lines)


def _marked(leg: OrderDraft) -> list[tuple[bool, HeldCondition]]:
    return [(index == 0, held) for index, held in enumerate(leg.conditions)]


def leg_words(leg: OrderDraft) -> str:
    """`buy 100 MA at limit 400, good till cancelled, in group 1 (one cancels all)`."""
    words = [f"{leg.side} {plain(leg.quantity)} {leg.instrument} {pricing_words(leg)}", str(leg.time_in_force)]
    if leg.outside_hours:
        words.append("outside hours")
    if leg.group:
        reduces = leg.remaining is Remaining.REDUCE
        words.append(f"in group {leg.group} (a fill {'reduces' if reduces else 'cancels'} the others)")
    if leg.parent is not None:
        words.append(f"once order {leg.parent + 1} has filled")
    return ", ".join(words)


def condition_words(held: HeldCondition) -> str:
    """`V >= 200 (trigger method last)`."""
    match held:
        case HeldPrice(instrument, at_least, price, method):
            return f"{instrument} {_relation(at_least)} {plain(price)} (trigger method {method})"
        case HeldTime(after, time_s):
            moment = datetime.fromtimestamp(time_s, UTC)
            return f"the time is {'at or after' if after else 'at or before'} {moment:%Y-%m-%d %H:%M:%S} UTC"
        case HeldMargin(at_least, percent):
            return f"the margin cushion {_relation(at_least)} {percent}%"
        case HeldExecution(instrument):
            return f"anything in {instrument} is executed on the account"
        case HeldVolume(instrument, at_least, volume):
            return f"the day's volume of {instrument} {_relation(at_least)} {volume}"
        case HeldPercentChange(instrument, at_least, percent):
            return f"the day's change of {instrument} {_relation(at_least)} {plain(percent)}%"


def _relation(at_least: bool) -> str:
    return ">=" if at_least else "<="
