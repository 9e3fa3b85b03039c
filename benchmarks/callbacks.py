"""How long each callback of the event loop holds it up."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def callbacks_timed() -> Iterator[list[float]]:
    """The CPU seconds of every callback that ends meanwhile: what the rest of the machine does is not in them."""
    taken: list[float] = []
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        start_s = time.thread_time()
        run(handle)
        taken.append(time.thread_time() - start_s)

    with patch.object(asyncio.Handle, "_run", timed):
        yield taken
