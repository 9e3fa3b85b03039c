"""The garbage collector, kept from looking through ten thousand rules again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
