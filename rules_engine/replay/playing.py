"""One part of a backtest played through, all its variants on one reading of the prices."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rules_engine.model.firing import Firing, HeldBack
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.slices import SLICE_ROWS, Slice
from rules_engine.replay.columns import on_columns
from rules_engine.replay.prices import Prices
from rules_engine.replay.request import Request
from rules_engine.replay.span import Extent
from rules_engine.replay.streaming import Stage, Streaming
from rules_engine.replay.summary import Result, result_of

Outcome = Firing | HeldBack


class Engine(Protocol):
    """Turns prices into outcomes, in order, with everything that it remembers carried from slice to slice.

    `streaming.Streaming` says what any other one must equal.
    """

    def take(self, piece: Slice) -> Iterator[Outcome]: ...

    def end(self) -> Iterator[Outcome]: ...


def streaming(stage: Stage, countable: Sequence[bool]) -> Engine:
    """Price by price."""
    return Streaming(stage)


def columns(stage: Stage, countable: Sequence[bool]) -> Engine:
    """On columns, at the prices at which something may happen."""
    return on_columns(stage, countable)


ENGINES: dict[str, Callable[[Stage, Sequence[bool]], Engine]] = {
    "columns": columns,
    "streaming": streaming,
}


@dataclass(frozen=True, slots=True)
class Task:
    """What one call works on; ``extent`` is that of the whole backtest. Small, and plain enough to be sent away.

    ``wanted`` are the kinds of outcomes that are asked for besides the figures.
    """

    request: Request
    extent: Extent
    engine: str = "columns"
    slice_rows: int = SLICE_ROWS
    wanted: tuple[type[Outcome], ...] = (Firing, HeldBack)


class Playing:
    """Take `outcomes` to their end, then ask for the `results`. Columns hold about ``slice_rows`` at once."""

    def __init__(self, task: Task, progress: Progress = lambda rows: None) -> None:
        request = task.request
        self._wanted = task.wanted
        self._stages = [request.stage(plans, task.extent) for plans in request.each]
        countable = [recording.is_countable for recording in request.recordings]
        self._engines = [ENGINES[task.engine](stage, countable) for stage in self._stages]
        self.prices = Prices(request.recordings, request.span, progress, task.slice_rows)

    def outcomes(self) -> Iterator[Outcome]:
        """Those that are wanted, of all variants; of one variant in order."""
        for piece in self.prices.slices():
            for engine in self._engines:
                yield from self._heard(engine.take(piece))
        for engine in self._engines:
            yield from self._heard(engine.end())

    def _heard(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        if len(self._wanted) > 1:
            return outcomes
        return (outcome for outcome in outcomes if isinstance(outcome, self._wanted))

    def results(self) -> Sequence[Result]:
        """One a variant."""
        return [result_of(stage, self.prices) for stage in self._stages]
