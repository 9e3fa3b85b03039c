"""The workloads compiled with the machine's own C compiler: how far anything in Python is from the metal."""

import ctypes
import shutil
import subprocess
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.mix import Figures, Fired, Heard
from benchmarks.moves import WINDOW_S
from benchmarks.ticks import Print

Passed = tuple[int, int]
"""Number of the print, and of the rule."""
COMPILER = shutil.which("cc")


@cache
def _library() -> ctypes.CDLL:
    assert COMPILER is not None
    with TemporaryDirectory() as folder:
        built = Path(folder) / "reference.so"
        sources = [Path(__file__).with_name(name) for name in ("moves.c", "mix.c", "levels.c")]
        subprocess.run([COMPILER, "-O2", "-shared", "-fPIC", "-o", built, *sources], check=True)
        return ctypes.CDLL(str(built))


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """All prints in one call; gives the times at which it fired and the CPU seconds that it took."""
    times, prices = array("d", [each.time_s for each in prints]), array("d", [each.price for each in prints])
    start_s = time.process_time()
    fired = moves_in_columns(times.buffer_info()[0], prices.buffer_info()[0], len(prints))
    taken_s = time.process_time() - start_s
    return [each.time_s for each, flag in zip(prints, fired, strict=True) if flag], taken_s


def play_moves_by_calls(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The same, each print in a call of its own from Python: what an engine in C would cost behind a feed."""
    library = _library()
    library.moves_begin.restype = ctypes.c_void_p
    library.moves_hear.argtypes = (ctypes.c_void_p, ctypes.c_double, ctypes.c_double)
    state = ctypes.c_void_p(library.moves_begin(ctypes.c_long(len(prints)), ctypes.c_double(WINDOW_S)))
    heard, fired = [(each.time_s, each.price) for each in prints], []
    hear = library.moves_hear
    start_s = time.process_time()
    for time_s, price in heard:
        if hear(state, time_s, price):
            fired.append(time_s)
    taken_s = time.process_time() - start_s
    library.moves_end(state)
    return fired, taken_s


def moves_in_columns(times: int, prices: int, count: int) -> bytes:
    """The same of two columns of doubles at these addresses; 1 for each print that fires."""
    fired = ctypes.create_string_buffer(count)
    columns = (ctypes.c_void_p(address) for address in (times, prices))
    _library().moves(*columns, ctypes.c_long(count), ctypes.c_double(WINDOW_S), fired)
    return fired.raw


class _Rules(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_double) for name in ("tens", "minute", "five")),
        *((name, ctypes.c_longlong) for name in ("high", "low", "inner", "outer")),
        ("room", ctypes.c_long),
    )


def play_mix(rules: Sequence[Figures], prints: Sequence[Heard]) -> tuple[Fired, float]:
    """Ten rules a symbol, all prints in one call."""
    room = Counter(symbol for symbol, _, _ in prints)
    told = (_Rules * len(rules))(*(_Rules(**asdict(each), room=room[number]) for number, each in enumerate(rules)))
    columns = (array("i", [each[0] for each in prints]), array("d", [each[1] for each in prints]))
    cents, fired = array("q", [each[2] for each in prints]), ctypes.create_string_buffer(10 * len(prints))
    addresses = [ctypes.c_void_p(column.buffer_info()[0]) for column in (*columns, cents)]
    play, count = _library().mix, ctypes.c_long(len(prints))
    start_s = time.process_time()
    play(told, ctypes.c_long(len(rules)), *addresses, count, fired)
    taken_s = time.process_time() - start_s
    return [(at // 10, prints[at // 10][0], at % 10) for at, flag in enumerate(fired.raw) if flag == 1], taken_s


def play_levels(rules: Sequence[tuple[str, int]], prints: Sequence[Print], room: int) -> tuple[list[Passed], float]:
    """Levels in cents above (`>`) and below (`<`), all prints in one call. ``room``: for so many firings at most."""
    ups = sorted((cents, number) for number, (side, cents) in enumerate(rules) if side == ">")
    downs = sorted((cents, number) for number, (side, cents) in enumerate(rules) if side == "<")
    columns = [array("q", each) for each in ([c for c, _ in ups], [c for c, _ in downs], [p.cents for p in prints])]
    arguments: list[object] = []
    for column in columns:
        arguments += [ctypes.c_void_p(column.buffer_info()[0]), ctypes.c_long(len(column))]
    play, fired = _library().levels, (ctypes.c_longlong * (2 * room))()
    play.restype = ctypes.c_long
    start_s = time.process_time()
    count = play(*arguments, ctypes.c_long(room), fired)
    taken_s = time.process_time() - start_s
    names = [number for _, number in ups] + [number for _, number in downs]
    return [(fired[2 * at], names[fired[2 * at + 1]]) for at in range(count)], taken_s
