"""What IB's message codes mean for the link and for market data. Order codes are execution's to judge.

Source: https://interactivebrokers.github.io/tws-api/message_codes.html
"""

CLIENT_ID_IN_USE = 326

LINK_LOST = frozenset({1100, 2110})
"""TWS has lost IB's servers: nothing that we know is current, nothing may be sent."""
LINK_BACK_DATA_LOST = 1101
LINK_BACK = 1102

FARM_BROKEN = frozenset({2103})
"""A market data farm is gone, and with it what hangs on it (`farms`): silent until it ticks."""
FARM_WELL = frozenset({2104})

NOT_SUBSCRIBED = 10167
"""Delayed prices come instead of live ones."""

_WARNINGS = range(2100, 2200)


def silences(code: int) -> bool:
    """True for a code about a market data request after which its prices cannot be trusted until one arrives."""
    return code not in _WARNINGS
