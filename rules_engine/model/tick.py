"""What happens in the market, as the evaluator hears it."""

from dataclasses import dataclass
from typing import NamedTuple

from rules_engine.model.instrument import Field


class Tick(NamedTuple):
    """One print or quote of one instrument.

    ``time_s`` is POSIX seconds: the exchange's trade time where IB sends it, else arrival time.
    ``value`` is None when IB said that there is none (-1, NaN, 0 for a price). ``snapshot`` marks the first price after
    a subscription, of unknown age: it may set a side, it never enters a window and never fires.

    A tuple, for every price becomes one, and a frozen dataclass takes three times as long to make.
    """

    instrument: str
    time_s: float
    field: Field
    value: float | None
    size: float = 0.0
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A completed bar; ``start_s`` is POSIX seconds, aligned to the exchange's clock."""

    start_s: float
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
