"""The garbage collector, kept from looking through ten thousand rules again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_waits() -> Iterator[None]:
    """While very much is made that stays, nothing is collected: it would all be looked through over and over. What is
    there at the end is never looked at again; what a reload takes out of it and has cycles stays in memory, once."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
