"""How far tasks on workers of dask have come, told while they are at it: events of dask's into progress."""

from collections.abc import Callable
from math import inf
from threading import Lock
from time import monotonic
from uuid import uuid4

from rules_engine.recordings.recording import Progress

TOPIC = "rules-engine progress"
"""One for all runs, of which a scheduler keeps a bounded number of events."""
_TOLD_EVERY_S = 0.5

Report = tuple[str, int, int]
"""The run, the number of the task, and how much of it is done."""


class Counting:
    """Counts what a task does, and tells it with its first piece, which may take long to play, and then now and then.
    Runs on a worker."""

    def __init__(self, run: str, number: int, tell: Callable[[Report], None]) -> None:
        self.done = 0
        self._tell = tell
        self._run, self._number = run, number
        self._told_s = -inf

    def __call__(self, more: int) -> None:
        self.done += more
        now_s = monotonic()
        if now_s - self._told_s >= _TOLD_EVERY_S:
            self._told_s = now_s
            self._tell((self._run, self._number, self.done))


class Reports:
    """Hears all tasks of one ``run`` and tells ``progress`` what they have done more, from whichever thread it is told.

    A task that is done anew, as its worker was lost, counts from the beginning: less may be done than before.
    """

    def __init__(self, progress: Progress) -> None:
        self.run = uuid4().hex
        self._progress = progress
        self._done: dict[int, int] = {}
        self._ended: set[int] = set()
        self._lock = Lock()

    def hear(self, event: tuple[float, Report]) -> None:
        """One of dask's events: when, and what was told."""
        run, number, done = event[1]
        with self._lock:
            if run == self.run and number not in self._ended:
                self._tell(number, done)

    def end(self, number: int, done: int) -> None:
        """A task's answer is here, after which nothing that it told meanwhile counts."""
        with self._lock:
            self._ended.add(number)
            self._tell(number, done)

    def _tell(self, number: int, done: int) -> None:
        self._progress(done - self._done.get(number, 0))
        self._done[number] = done
