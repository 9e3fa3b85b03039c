"""The garbage collector, kept from looking through ten thousand rules, or as many prices, again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

WAITING_MAX = 20_000
"""Prices that a full collection looks through in some 3 ms."""
_NEVER = 2**31 - 1


@contextmanager
def collector_waits() -> Iterator[None]:
    """While very much is made that stays, nothing is collected: it would all be looked through over and over.

    What is there at the end is never looked at again. What is let go of later leaves memory all the same, unless it is
    part of a circle that it was part of at the end: such a circle stays, after each start, reload and change of price
    steps that made one.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class FullCollections:
    """Put off while more than ``WAITING_MAX`` prices wait: each would look through all of them, 0.04 s and more at a
    time. What is young is collected meanwhile; a circle that has grown older stays until they are fewer."""

    def __init__(self) -> None:
        self._usual: tuple[int, int, int] | None = None
        """The thresholds that count else, while full collections are put off."""

    def look(self, waiting: int) -> None:
        """So much waits now."""
        if waiting <= WAITING_MAX:
            self.go_on()
        elif self._usual is None:
            self._usual = gc.get_threshold()
            gc.set_threshold(*self._usual[:2], _NEVER)

    def go_on(self) -> None:
        """They are put off no more."""
        if self._usual is not None:
            gc.set_threshold(*self._usual)
            self._usual = None
