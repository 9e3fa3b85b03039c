"""Some seeds of the simulation, each run a process of its own, and whether it would notice: `make sim` plays more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.comparison import compare
from tests.sim.figures import (
    FLOOD_ORDERS,
    HEARD_WITHIN_S,
    SENT_WITHIN_S,
    TOLD_WITHIN_S,
    WITHHELD,
    flood,
    restarts,
    withheld,
)
from tests.sim.mutations import MUTATIONS

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 300.0


def simulate(*words: str, hash_seed: str = "random", fails: bool = False) -> str:
    """What `python -m tests.sim` says; ``fails``: whether a promise is to be broken."""
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
    assert done.returncode == int(fails), done.stdout + done.stderr
    return done.stdout


def test_no_promise_is_broken_whatever_goes_wrong() -> None:
    assert "2 seeds" in simulate("1-2", "--minutes", "5", "--badness", "2", "--kills", "60")


def test_a_seed_is_one_history_to_the_byte_however_python_hashes() -> None:
    words = ("7", "--minutes", "2", "--badness", "3", "--kills", "90", "--log")
    one, other = simulate(*words, hash_seed="1"), simulate(*words, hash_seed="2")
    assert len(one.splitlines()) > 500
    assert history_of(one) == history_of(other)


def history_of(output: str) -> list[str]:
    """Everything but how long the machine took: that stands in the first line and the last."""
    first, *lines, _ = output.splitlines()
    return [first.split("  ")[0], *lines]


KNOWN_MISTAKES = (
    "journal after send",
    "new id on resend",
    "resend on timeout",
    "trust an empty answer at once",
    "trust cancelled",
    "no fsync",
    "no dedup of fills",
    "believe 1102",
    "swallow a stop",
)
"""Of the field. `make sim` plants more."""


def test_planted_mistakes_are_found() -> None:
    assert set(KNOWN_MISTAKES) <= MUTATIONS.keys()
    found = simulate("1-8", "--planted", ",".join(KNOWN_MISTAKES))
    assert [name for name in KNOWN_MISTAKES if f"{name}: found" not in found] == []


@pytest.mark.parametrize("mistake", MUTATIONS)
def test_every_mistake_fits_the_place_where_it_is_planted(mistake: str) -> None:
    with MUTATIONS[mistake]() as nothing:
        assert nothing is None or callable(nothing)


def test_a_seed_that_broke_a_promise_is_told_with_its_fewest_causes() -> None:
    words = ("3", "--minutes", "4", "--kills", "0", "--mutation", "no probe")
    said = simulate(*words, fails=True)
    assert "broke a promise; again: python -m tests.sim 3 --minutes 4" in said
    assert said.count("--mutation 'no probe' --log") >= 2, "what plays it again plants the mistake again"
    [fewest] = [line for line in said.splitlines() if line.startswith("the fewest causes:")]
    assert "--user 0" in fewest and "--without" in fewest


@pytest.mark.parametrize(("seed", "minutes"), [(1, 4.0), (397, 5.0)])
def test_interruptions_change_no_decision(seed: int, minutes: float) -> None:
    """In seed 397 a price comes in the packet that tells of IB's lost link."""
    verdict = compare(seed, minutes)
    assert verdict.differences == []
    assert verdict.compared > 300 and verdict.decisions > 20 and verdict.interruptions.total() > 1


@pytest.mark.parametrize("answer", WITHHELD)
def test_without_one_of_the_four_answers_nothing_is_sent(answer: str) -> None:
    found = withheld(2, answer)
    assert (found.meanwhile, found.broken) == (0, [])
    assert found.firings_meanwhile > 0 and found.after > 0


def test_orders_on_their_way_to_a_gateway_that_restarts_are_told_within_half_a_minute() -> None:
    found = restarts(1)
    assert (found.doubled, found.broken) == (0, [])
    assert found.flagged == found.lost > 0
    assert max(found.told_after_s) < TOLD_WITHIN_S


def test_orders_leave_in_the_middle_of_a_flood_which_holds_nothing_up() -> None:
    found = flood(1)
    assert len(found.sent_after_s) == FLOOD_ORDERS and max(found.sent_after_s) < SENT_WITHIN_S
    assert max(found.callbacks_s) < HEARD_WITHIN_S
