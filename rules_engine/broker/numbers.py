"""IB's numbers into ours: its ways of saying "none" become None."""

import math
from decimal import Decimal

from rules_engine.broker.library import UNSET_DOUBLE


def price_or_none(value: float) -> float | None:
    """A price; -1, 0, NaN and the unset number mean that there is none."""
    if 0.0 < value < UNSET_DOUBLE:
        return value
    return None if value in (0.0, -1.0) else number_or_none(value)


def size_or_none(value: float) -> float | None:
    """A size or volume, of which zero is one."""
    return None if value < 0 else number_or_none(value)


def number_or_none(value: float) -> float | None:
    """Any number; NaN, infinity and the unset number mean that there is none."""
    return None if not math.isfinite(value) or value == UNSET_DOUBLE else value


def decimal_of(value: float) -> Decimal:
    """The decimal that a person would write for this float."""
    return Decimal(int(value)) if value == int(value) else Decimal(repr(value))


def decimal_price(value: float) -> Decimal | None:
    """A price as money, None where IB has none."""
    price = price_or_none(value)
    return None if price is None else decimal_of(price)
