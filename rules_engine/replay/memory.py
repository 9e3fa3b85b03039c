"""How this process keeps the memory that columns leave behind."""

import ctypes
import gc
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of glibc's mallopt (`man 3 mallopt`)."""
_KEPT, _OWN_PAGES_MIN = 64 << 20, 32 << 20
_NEW_OBJECTS = 50_000


def collect_seldom() -> None:
    """From now on what is there already is not searched for garbage, and what comes only now and then.

    A program that is there to the end was searched again and again, a third of a backtest; and firings are kept by the
    hundred thousand, of which none is ever part of a circle.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def keep_freed_memory() -> None:
    """From now on up to 64 MB of what is freed stays with the process, where the C library knows how.

    The columns of a slice come and go, some hundred kilobytes each. Given back to the system and faulted in anew, page
    by page, they took two fifths of a backtest.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _OWN_PAGES_MIN)
        mallopt(_TRIM_THRESHOLD, _KEPT)
