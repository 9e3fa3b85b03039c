"""How much market data one gateway gives at a time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """IB's limits for an account that has not bought more; a test may set smaller ones."""

    lines: int = 100
    """Market data lines of all clients together: error 101 beyond."""
    depth_lines: int = 3
    """Market depth of all clients together: error 309 beyond."""
    tick_streams: int = 5
    """Tick-by-tick requests of one client: error 10190 beyond."""


USUAL = Limits()
