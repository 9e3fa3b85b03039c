"""Prices onto a contract's price steps, away from harm."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from rules_engine.model.action import Side


def round_limit(side: Side, price: Decimal, step: Decimal) -> Decimal:
    """A buy limit goes down and a sell limit up: never to a worse price than was asked for."""
    return _rounded(price, step, ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)


def round_stop(side: Side, price: Decimal, step: Decimal) -> Decimal:
    """A buy stop goes up and a sell stop down: never elected before the price that was asked for."""
    return _rounded(price, step, ROUND_CEILING if side is Side.BUY else ROUND_FLOOR)


def round_up(price: Decimal, step: Decimal) -> Decimal:
    """A distance that trails the market is never closer than was asked for."""
    return _rounded(price, step, ROUND_CEILING)


def _rounded(price: Decimal, step: Decimal, rounding: str) -> Decimal:
    return Decimal(f"{((price / step).to_integral_value(rounding) * step).normalize():f}")
