"""`S moves 5% in 5m` compiled with the machine's own C compiler: how far anything in Python is from the metal."""

import ctypes
import shutil
import subprocess
import time
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.moves import WINDOW_S
from benchmarks.ticks import Print

COMPILER = shutil.which("cc")


@cache
def _library() -> ctypes.CDLL:
    assert COMPILER is not None
    with TemporaryDirectory() as folder:
        built = Path(folder) / "reference.so"
        source = Path(__file__).with_name("reference.c")
        subprocess.run([COMPILER, "-O2", "-shared", "-fPIC", "-o", built, source], check=True)
        return ctypes.CDLL(str(built))


def play(prints: Sequence[Print]) -> tuple[list[float], float]:
    """All prints in one call; gives the times at which it fired and the CPU seconds that it took."""
    times, prices = array("d", [each.time_s for each in prints]), array("d", [each.price for each in prints])
    fired, pointer = ctypes.create_string_buffer(len(prints)), ctypes.POINTER(ctypes.c_double)
    moves = _library().moves
    columns = [ctypes.cast(column.buffer_info()[0], pointer) for column in (times, prices)]
    start_s = time.process_time()
    moves(*columns, ctypes.c_long(len(prints)), ctypes.c_double(WINDOW_S), fired)
    taken_s = time.process_time() - start_s
    return [each.time_s for each, flag in zip(prints, fired.raw, strict=True) if flag], taken_s
