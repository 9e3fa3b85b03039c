"""Some seeds of the simulation, each run a process of its own, and whether it would notice: `make sim` plays more."""

import os
import subprocess
import sys
from pathlib import Path

from tests.sim.mutations import MUTATIONS

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 120.0


def simulate(*words: str, hash_seed: str = "random") -> str:
    """What `python -m tests.sim` says; fails with it when a promise was broken."""
    surroundings = {**os.environ, "PYTHONHASHSEED": hash_seed, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim", *words],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_promise_is_broken_whatever_goes_wrong() -> None:
    assert "3 seeds" in simulate("1-3", "--minutes", "8", "--badness", "2", "--kills", "60")


def test_a_seed_is_one_history_to_the_byte_however_python_hashes() -> None:
    words = ("7", "--minutes", "5", "--badness", "3", "--kills", "90", "--log")
    one, other = simulate(*words, hash_seed="1"), simulate(*words, hash_seed="2")
    assert len(one.splitlines()) > 500
    assert history_of(one) == history_of(other)


def history_of(output: str) -> list[str]:
    """Everything but how long the machine took: that stands in the first line and the last."""
    first, *lines, _ = output.splitlines()
    return [first.split("  ")[0], *lines]


def test_every_planted_mistake_is_found() -> None:
    found = simulate("1-8", "--planted")
    assert [name for name in MUTATIONS if f"{name}: found" not in found] == []
