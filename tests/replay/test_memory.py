"""Memory that columns leave behind is used again, and not faulted in anew."""

import subprocess
import sys

PROGRAM = """
import resource
import numpy as np
from rules_engine.replay.memory import keep_freed_memory
if {keeps}:
    keep_freed_memory()
np.ones(1 << 17)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    columns = [np.ones(1 << 17) for _ in range(4)]
    del columns
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, keeps: bool) -> int:
    return int(ran(PROGRAM.format(keeps=keeps)))


def ran(program: str) -> str:
    """What it says, as a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout


def test_columns_are_faulted_in_once_where_freed_memory_is_kept() -> None:
    """Four megabytes, a thousand pages, come and go a hundred times."""
    assert faults(keeps=True) < 5_000 < faults(keeps=False) / 5


KEPT = """
import gc
from rules_engine.replay.memory import collect_seldom
counts, frozen = [], gc.get_freeze_count()  # Python 3.12 begins with some frozen.
gc.callbacks.append(lambda phase, info: counts.append(phase))
if {seldom}:
    collect_seldom()
kept = [(number,) for number in map(str, range(100_000)) for _ in range(2)]
print(len(counts), gc.get_freeze_count() > frozen)
"""


def test_what_is_kept_is_seldom_searched_for_garbage() -> None:
    often, seldom = (ran(KEPT.format(seldom=seldom)).split() for seldom in (False, True))
    assert int(often[0]) > 10 * int(seldom[0])
    assert (often[1], seldom[1]) == ("False", "True")
