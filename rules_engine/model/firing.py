"""The edge on which a rule became true, and the reasons for which nothing came of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_NOTHING: Mapping[str, float] = {}


class Reason(StrEnum):
    """Why an edge did not become an order. The value is the sentence shown to the user."""

    UNKNOWN_DATA = "a value is unknown"
    ALREADY_TRUE = "it was already true when the rule was armed"
    COOLING_DOWN = "the rule is cooling down"
    OVER_COUNT = "the rule has fired as often as it may today"
    ONLY_IF = "its only_if is not true"
    NOT_CLEARED = "the rule has not cleared since it last fired"
    DONE = "the rule is done"
    PAUSED = "the rule is paused"
    ASLEEP = "the rule is asleep"
    EXPIRED = "the rule has expired"
    MISSED = "the edge fell into a gap and is too old to act on"
    FIRED_BY_CLOCK = "it fired at this time already, before the clock was set back"
    MARKET_CLOSED = "the market is closed"
    TRADING_HALTED = "trading in it is halted"
    OVER_LIMIT = "a limit would be exceeded"
    NO_PRICE = "no fresh price to check the order against"
    TOO_WIDE = "bid and ask are too far apart"
    SHORT_SALE = "it would open a short position"
    POSITION_UNKNOWN = "the position is unknown"
    NOTHING_TO_CLOSE = "nothing is left to close"
    WRONG_SIDE = "a bracket's exit would be on the wrong side of its entry"
    BAD_QUANTITY = "the quantity is none that can be ordered"
    BAD_PRICE = "the price is not a positive number"
    TOO_LATE = "the order's own time is over"
    STILL_HELD = "an order that the broker held for the rule has not ended yet"
    NOT_CANCELLED = "an order that is to be cancelled first is not gone"
    DUPLICATE = "another firing sent the same order a moment ago"
    WRONG_ACCOUNT = "the account is not of the kind that the mode names"
    LINK_DOWN = "IB is not connected"
    STOPPED = "the kill switch is on"
    HALTED = "the rule is halted until you have looked"


class Firing(NamedTuple):
    """A rule fired. ``case`` counts from 0; ``values`` are what its condition read; ``actions`` canonical sentences.

    A tuple, for a market that runs through levels makes many of them, and a frozen dataclass takes three times as long.
    """

    rule: str
    case: int
    at_s: float
    values: Mapping[str, float] = _NOTHING
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An edge that a guard stopped; it is recorded, told, and not retried."""

    firing: Firing
    reason: Reason
    detail: str = ""

    @property
    def at_s(self) -> float:
        """When the edge was."""
        return self.firing.at_s


class RuleState(StrEnum):
    """What a rule is doing; `docs/configuration.md` has a sentence for each."""

    DISABLED = "disabled"
    ASLEEP = "asleep"
    WARMING = "warming"
    ARMED = "armed"
    PENDING = "pending"
    COOLING = "cooling"
    DONE = "done"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    PAUSED = "paused"
    PLACED = "placed"
    """Held at the broker."""
