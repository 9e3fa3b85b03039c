"""Rules and recorded prices into what the rules would have done."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from tempfile import TemporaryFile

from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.place import Problem
from rules_engine.recordings import RecordingError, Survey
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.slices import SLICE_ROWS
from rules_engine.replay.parts import Part, parts_of, request_of
from rules_engine.replay.playing import Outcome, Task
from rules_engine.replay.request import Request
from rules_engine.replay.span import Extent
from rules_engine.replay.spool import Spool
from rules_engine.replay.summary import Summary, Whole
from rules_engine.replay.workers import Here, Played, Workers


class Backtest:
    """One run. First `survey`, then take `outcomes` to their end, then ask for the `summary`.

    Parts of the rules that have nothing to do with each other are played by themselves, so that no more of the files is
    open at once than one part reads. Columns hold about ``slice_rows`` at once.
    """

    def __init__(
        self, request: Request, engine: str = "columns", slice_rows: int = SLICE_ROWS, workers: Workers | None = None
    ) -> None:
        self._request = request
        self._engine = engine
        self._slice_rows = slice_rows
        self._workers = workers or Here()
        self._wholes = [Whole(request.assumptions.capital) for _ in request.each]

    def size(self) -> int:
        """Of all files, in bytes: what `survey` tells its progress of."""
        return sum(recording.size() for recording in self._request.recordings)

    def survey(self, progress: Progress = lambda size: None) -> None:
        """Looks through all files. Raises RecordingError with the problems of all of them."""
        problems: list[Problem] = []
        recordings = self._request.recordings
        for recording, seen in zip(recordings, self._workers.survey(recordings, progress), strict=True):
            if isinstance(seen, Survey):
                recording.learn(seen)
            else:
                problems += seen
        if problems:
            raise RecordingError(problems)

    def rows(self) -> int:
        """How many are read in all as `outcomes` are taken, each as often as it is: what that tells its progress of. Of
        files that go on after the end, about as many as lie before it."""
        parts = parts_of(self._request)
        tasks = [task for part in parts for _, task in self._tasks(part, len(parts), ())]
        surveys = [recording.surveyed for task in tasks for recording in task.request.recordings]
        return sum(_rows_before(self._request.span.end_s, survey) for survey in surveys)

    def outcomes(
        self, progress: Progress = lambda rows: None, wanted: tuple[type[Outcome], ...] = (Firing, HeldBack)
    ) -> Iterator[Outcome]:
        """Firings, and edges of which nothing came, of the kinds that are wanted; in order of time, those of one
        instant in the order of the parts. Raises RecordingError."""
        parts = parts_of(self._request)
        tasks = [task for part in parts for task in self._tasks(part, len(parts), wanted)]
        played = self._workers.play([task for _, task in tasks], progress)
        if len(tasks) == 1:
            yield from self._heard(tasks[0][0], next(played))
            return
        with TemporaryFile() as file:
            spool = Spool(file)
            for (first, _), one in zip(tasks, played, strict=True):
                spool.add(self._heard(first, one))
            yield from spool.merged()

    def summary(self) -> Summary:
        """What came of it all."""
        return self.summaries()[0]

    def summaries(self) -> Sequence[Summary]:
        """The same of every variant."""
        request, warnings = self._request, tuple(self._request.warnings())
        rules = [plan.rule.name for plan in request.each[0]]
        return [whole.summary(rules, request.assumptions, warnings) for whole in self._wholes]

    @property
    def rows_held_max(self) -> int:
        """The most rows of columns that were held at once, besides those that windows read."""
        return max(whole.rows_held_max for whole in self._wholes)

    def _tasks(self, part: Part, parts: int, wanted: tuple[type[Outcome], ...]) -> Iterator[tuple[int, Task]]:
        """Each with the number of its first variant."""
        request = request_of(self._request, part)
        surveys = [recording.surveyed for recording in self._request.recordings]
        first_s = min((survey.first_s for survey in surveys), default=Extent().first_s)
        last_s = max((survey.last_s for survey in surveys), default=Extent().last_s)
        extent = Extent(first_s, last_s, sum(survey.rows for survey in surveys))
        count = max(1, self._workers.variants_at_once(parts, len(request.each)))
        for first in range(0, len(request.each), count):
            some = replace(request, variants=request.each[first : first + count])
            yield first, Task(some, extent, self._engine, self._slice_rows, wanted)

    def _heard(self, first: int, played: Played) -> Iterator[Outcome]:
        yield from played.outcomes()
        for number, result in enumerate(played.results(), first):
            self._wholes[number].add(result)


def _rows_before(end_s: float, survey: Survey) -> int:
    if survey.last_s < end_s:
        return survey.rows
    share = (end_s - survey.first_s) / max(1.0, survey.last_s - survey.first_s)
    return round(survey.rows * min(1.0, max(0.0, share)))
