"""One timer of the event loop that stays set, for whoever waits for something else that mostly comes first."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Rings in time, perhaps too early: a timer that is set for an earlier moment is left alone, for to take it back
    and to set another one costs more than to be woken once for nothing."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def within(self, pause_s: float) -> None:
        """Rings after so long at the latest, once."""
        loop = asyncio.get_running_loop()
        at_s = loop.time() + pause_s
        if self._timer is not None:
            if self._timer.when() <= at_s:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at_s, self._due)

    def cancel(self) -> None:
        """It does not ring any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._ring()
