"""Who looks through recordings and plays parts: this process, or anybody who answers the same."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from rules_engine.model.errors import WorldError
from rules_engine.model.place import Problem
from rules_engine.recordings import Recording, RecordingError, Survey
from rules_engine.recordings.recording import Progress
from rules_engine.replay.playing import Outcome, Playing, Task
from rules_engine.replay.summary import Result


class NoWorkers(WorldError):
    """Nobody works on it: no dask, no scheduler, no worker, or workers that died of it. The backtest ends."""


Seen = Survey | tuple[Problem, ...]
"""What a look through a recording found, or everything that is wrong with it."""


class Played(Protocol):
    """One task: `outcomes` to the end, then the `results`."""

    def outcomes(self) -> Iterator[Outcome]: ...

    def results(self) -> Sequence[Result]: ...


class Workers(Protocol):
    """Answers come in the order of what was asked, and do not depend on who worked it out."""

    def survey(self, recordings: Sequence[Recording], progress: Progress) -> Iterator[Seen]: ...

    def play(self, tasks: Sequence[Task], progress: Progress) -> Iterator[Played]: ...

    def variants_at_once(self, parts: int, variants: int) -> int:
        """How many variants of a part one task should play on one reading of the prices."""


class Here:
    """One after the other in this process."""

    def survey(self, recordings: Sequence[Recording], progress: Progress) -> Iterator[Seen]:
        return (look_through(recording, progress) for recording in recordings)

    def play(self, tasks: Sequence[Task], progress: Progress) -> Iterator[Played]:
        return (Playing(task, progress) for task in tasks)

    def variants_at_once(self, parts: int, variants: int) -> int:
        return variants


def look_through(recording: Recording, progress: Progress) -> Seen:
    """Everything about one recording."""
    try:
        return recording.survey(progress)
    except RecordingError as error:
        return error.problems
