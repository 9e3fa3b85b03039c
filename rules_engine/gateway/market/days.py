"""Daily bars of days that are over, remembered: a year of them is made of tens of thousands of prints."""

from collections.abc import Callable
from dataclasses import dataclass

from rules_engine.gateway.contracts.hours import Hours
from rules_engine.gateway.market.history import Bar

INSTRUMENTS_MAX = 100
"""The days of so many instruments are remembered; then the one that was asked for first is forgotten."""

_Kind = tuple[str, bool]
"""What the bars show, and whether of regular hours alone."""
_Reader = Callable[[float, float], tuple[Bar, ...]]


@dataclass(slots=True)
class _Stretch:
    """All bars of the trade dates of `[start_s, end_s)`."""

    start_s: float
    end_s: float
    bars: tuple[Bar, ...] = ()


class Days:
    """One stretch of days for an instrument and a kind, which grows into the present."""

    def __init__(self) -> None:
        self._stretches: dict[int, dict[_Kind, _Stretch]] = {}

    def bars(
        self, conId: int, kind: _Kind, hours: Hours, start_s: float, end_s: float, read: _Reader
    ) -> tuple[Bar, ...]:
        """Bars of `[start_s, end_s)`, which starts with a trade date; ``read`` makes those that are not known."""
        today_s = hours.day_start_s(hours.trade_date(end_s))
        known = self._stretches.get(conId, {}).get(kind)
        if known is None or not known.start_s <= start_s <= known.end_s:
            known = _Stretch(start_s, start_s)
        from_s = min(known.end_s, max(start_s, today_s))
        fresh = read(from_s, end_s)
        if today_s > known.end_s:
            over = tuple(bar for bar in fresh if bar.time_s < today_s)
            self._keep(conId, kind, _Stretch(known.start_s, today_s, known.bars + over))
        return tuple(bar for bar in known.bars if start_s <= bar.time_s < from_s) + fresh

    def changed(self, conId: int, at_s: float) -> None:
        """The past of an instrument is another one from this instant on, or at it."""
        stretches = self._stretches.get(conId)
        if stretches is not None and any(at_s < one.end_s for one in stretches.values()):
            del self._stretches[conId]

    def _keep(self, conId: int, kind: _Kind, stretch: _Stretch) -> None:
        if conId not in self._stretches and len(self._stretches) >= INSTRUMENTS_MAX:
            del self._stretches[next(iter(self._stretches))]
        self._stretches.setdefault(conId, {})[kind] = stretch
