"""What a seed is played with, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.sim.checks import Violation

NEW_YORK = ZoneInfo("America/New_York")
USUAL_START = datetime(2026, 6, 17, 10, 0, tzinfo=NEW_YORK)
"""A Wednesday."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the market lasts, and how bad life is: 1 is bad, 0 is peace."""

    seed: int
    minutes: float = 30.0
    badness: float = 1.0
    kills_per_hour: float = 20.0
    stops: float = 0.2
    """So many of the engine's endings are asked for and not kills; half of those come together with a packet."""
    hasty: float = 0.15
    """So many of its starts are asked to stop at once."""
    user_per_hour: float = 30.0
    """How often somebody does something: stops, edits rules, asks, pauses."""
    only: frozenset[str] = frozenset()
    """The faults that happen; none named means all."""
    without: frozenset[str] = frozenset()
    """Faults that do not happen."""
    power_cuts: float = 0.3
    """How many of the kills take what was not synced with them."""
    pause_s: float = 1.0
    """Between two prices, over all instruments, on average."""
    start: datetime = USUAL_START
    resends: float = 0.5
    """In this share of the seeds an order that certainly never arrived may be sent once more."""
    windows: float = 0.3
    """In this share of the seeds the gateway restarts while the market is open, and the settings say when."""
    peace: bool = True
    """After the trading a time without troubles, at the end of which everybody must agree."""
    keep_log: bool = False
    stop_at_first: bool = False
    """The first broken promise ends the history."""

    def has(self, fault: str) -> bool:
        """Whether this fault happens."""
        return fault not in self.without and (not self.only or fault in self.only)


@dataclass(frozen=True, slots=True)
class History:
    """What came of a seed."""

    plan: Plan
    digest: str
    violations: tuple[Violation, ...]
    simulated_s: float
    cpu_s: float
    starts: int
    kills: int
    orders: int
    again: int
    """Orders that left twice."""
    firings: int
    ticks: int
    deeds: int
    """What the user did."""
    log: tuple[str, ...]
