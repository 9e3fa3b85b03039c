"""The passing of time: everything that is due is done in order, each at its own instant, however late it is."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence

from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.times import Timers
from rules_engine.model.clock import Clock, SteppedClock

INSTANTS_MAX = 500
"""So many instants are played before clients are listened to again, when the clock runs faster than this machine."""


class Passage:
    """Plays prices, timers and the stage in the order of their instants.

    What is done at an instant sees that instant as the present. When more is due than the machine can do, time passes
    more slowly than the clock says, and nothing is left out.
    """

    def __init__(self, clock: Clock, market: Market, timers: Timers, stage: Timers) -> None:
        self._clock = clock
        self._market = market
        self._timers = timers
        self._stage = stage
        """What was scheduled from outside goes on while the gateway is frozen."""
        self.frozen = False
        """Neither prices nor timers move, as in a process that is stopped."""
        self._instant_s: float | None = None
        self._shown_s = -math.inf
        self._woken = asyncio.Event()
        self._on_ticks: Callable[[Sequence[Tick]], None] = lambda ticks: None
        self._on_settled: Callable[[], None] = lambda: None

    def on_ticks(self, action: Callable[[Sequence[Tick]], None]) -> None:
        """Do this with all prices of one instant."""
        self._on_ticks = action

    def on_settled(self, action: Callable[[], None]) -> None:
        """Do this when everything that was due has been done."""
        self._on_settled = action

    def now_s(self) -> float:
        """The gateway's present: what the clock shows, or the instant that is being played."""
        if self._instant_s is None:
            self._shown_s = self._clock.now_s()
            return self._shown_s
        return self._instant_s

    def wake(self) -> None:
        """Something may be due sooner than was known."""
        self._woken.set()

    def step_to(self, time_s: float) -> None:
        """Set a clock that stands still, and do everything that is due by then. Raises ValueError for other clocks."""
        if not isinstance(self._clock, SteppedClock):
            raise ValueError("this gateway's clock runs by itself; it cannot be stepped")
        if time_s < self._clock.time_s:
            raise ValueError("time does not go back")
        self._clock.time_s = time_s
        while not self._catch_up():
            pass

    async def play(self) -> None:
        """Play until cancelled."""
        while True:
            self._woken.clear()
            if not self._catch_up():
                await asyncio.sleep(0)
                continue
            due_s = self._next_s()
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
                async with asyncio.timeout(None if due_s is None else self._clock.wait_s(due_s)):
                    await self._woken.wait()

    def _next_s(self) -> float | None:
        """When something is due; None when nothing is."""
        dues_s = (self._stage.next_s(), *(() if self.frozen else (self._market.next_s(), self._timers.next_s())))
        return min((due_s for due_s in dues_s if due_s is not None), default=None)

    def _catch_up(self) -> bool:
        """Do what is due by now; False when that is so much that clients must be listened to in between.

        What it makes for clients leaves together: they cannot tell how often a late gateway writes.
        """
        until_s = self._clock.now_s()
        for done in range(INSTANTS_MAX):
            due_s = self._next_s()
            if due_s is None or due_s > until_s:
                self._instant_s = None
                self._play_market(until_s)
                if done:
                    self._on_settled()
                return True
            # What was due before anybody could know of it happens now.
            self._instant_s = self._shown_s = max(due_s, self._shown_s)
            self._do(due_s)
        self._on_settled()
        return False

    def _do(self, due_s: float) -> None:
        self._stage.run(due_s)
        self._play_market(due_s)
        if not self.frozen:
            self._timers.run(due_s)

    def _play_market(self, until_s: float) -> None:
        if not self.frozen:
            for ticks in self._market.advance(until_s):
                self._on_ticks(ticks)
