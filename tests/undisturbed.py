"""What a test counts, without what other threads of its process do: those of test libraries, and of tests before."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER_S = 1000.0
"""Longer than anything is counted."""


@contextmanager
def other_threads_wait() -> Iterator[None]:
    """They are let in only where this one waits for something, or what they take meanwhile would be counted too."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(_NEVER_S)
    try:
        threading.Event().wait(2 * before_s)  # Whoever has begun to wait asks to be let in after the time before.
        yield
    finally:
        sys.setswitchinterval(before_s)
