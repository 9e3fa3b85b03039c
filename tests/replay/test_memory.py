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
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(keeps=keeps)], capture_output=True, check=True, text=True
    )
    return int(said.stdout)


def test_columns_are_faulted_in_once_where_freed_memory_is_kept() -> None:
    """Four megabytes, a thousand pages, come and go a hundred times."""
    assert faults(keeps=True) < 5_000 < faults(keeps=False) / 5
