"""Rules and recorded prices into what the rules would have done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.place import Problem
from rules_engine.model.plan import Plan, Where
from rules_engine.recordings import Recording, RecordingError
from rules_engine.recordings.layout import Shape
from rules_engine.recordings.recording import Progress
from rules_engine.recordings.slices import SLICE_ROWS
from rules_engine.replay.assumptions import Assumptions
from rules_engine.replay.book import Book
from rules_engine.replay.columns import pays, play_columns
from rules_engine.replay.desk import Desk
from rules_engine.replay.known import Known, multiplier_of
from rules_engine.replay.prices import Prices
from rules_engine.replay.reads import fields_read
from rules_engine.replay.span import Span
from rules_engine.replay.streaming import Stage, play
from rules_engine.replay.summary import Summary, summary_of
from rules_engine.replay.voices import Voice

Engine = Callable[[Stage, Prices], Iterator[Firing | HeldBack]]
"""Turns plans and prices into firings; `streaming.play` says what any other one must equal."""


def fastest(stage: Stage, prices: Prices) -> Iterator[Firing | HeldBack]:
    """On columns where there is something to pass over."""
    return play_columns(stage, prices) if pays(stage, prices) else play(stage, prices)


ENGINES: dict[str, Engine] = {"auto": fastest, "streaming": play, "columns": play_columns}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. ``recordings`` are of different instruments, each named as the rules spell it."""

    plans: Sequence[Plan]
    instruments: Mapping[str, Instrument]
    recordings: Sequence[Recording]
    span: Span = field(default_factory=Span)
    assumptions: Assumptions = field(default_factory=Assumptions)


class Backtest:
    """One run. Take `outcomes` to their end, then ask for the `summary`. Columns hold about ``slice_rows`` at once."""

    def __init__(self, request: Request, engine: Engine = fastest, slice_rows: int = SLICE_ROWS) -> None:
        self._request = request
        self._slice_rows = slice_rows
        self._engine = engine
        self._stage: Stage | None = None
        self._prices: Prices | None = None

    def survey(self, progress: Progress = lambda rows: None) -> int:
        """Looks through all files; how many rows they have. Raises RecordingError with the problems of all of them."""
        rows = 0
        problems: list[Problem] = []
        for recording in self._request.recordings:
            try:
                rows += recording.survey(progress).rows
            except RecordingError as error:
                problems += error.problems
        if problems:
            raise RecordingError(problems)
        return rows

    def outcomes(self, progress: Progress = lambda rows: None) -> Iterator[Firing | HeldBack]:
        """Every firing, and every edge of which nothing came, in order. Raises RecordingError."""
        request = self._request
        self._stage = stage = self._set()
        self._prices = prices = Prices(request.recordings, request.span, progress, self._slice_rows)
        yield from self._engine(stage, prices)

    def summary(self) -> Summary:
        """What came of it all."""
        assert self._stage is not None and self._prices is not None, "outcomes come first"
        return summary_of(self._stage, self._request.assumptions, self._prices, self._warnings())

    @property
    def rows_held_max(self) -> int:
        """The most rows of columns that were held at once, besides those that windows read; 0 price by price."""
        return 0 if self._prices is None else self._prices.held_max

    def _set(self) -> Stage:
        """Everything runs here: what IB would hold is judged on the same prices."""
        request = self._request
        plans = [replace(plan, where=Where.HERE, held=()) for plan in request.plans]
        voices = [
            Voice(
                request.instruments[recording.instrument],
                recording.shape is Shape.QUOTES,
                frozenset(self._wanted(recording.instrument)),
                request.assumptions.spread,
            )
            for recording in request.recordings
        ]
        multipliers = {name: float(multiplier_of(of)) for name, of in request.instruments.items()}
        book = Book(request.assumptions.capital, multipliers)
        known = Known(voices, request.instruments, request.assumptions, book)
        return Stage(plans, voices, request.span, known, Desk(request.plans, known, book), book)

    def _wanted(self, name: str) -> Iterator[Field]:
        for plan in self._request.plans:
            yield from (field for instrument, field in fields_read(plan.rule) if instrument.name == name)

    def _warnings(self) -> Iterator[str]:
        """What the data cannot answer, so that nobody takes silence for an answer."""
        assert self._stage is not None and self._prices is not None
        known = {recording.instrument for recording in self._request.recordings}
        read = {one.name for plan in self._request.plans for one in plan.reads} - known
        ordered = {one.name for plan in self._request.plans for one in plan.orders_in} - known
        yield from (f"{name} has no prices: what rules read of it is unknown" for name in sorted(read))
        yield from (f"{name} has no prices: orders in it never fill" for name in sorted(ordered))
        for voice in self._stage.voices:
            for unspoken in voice.unspoken:
                kind = "bids and asks" if voice.has_quotes else "prints"
                yield f"{voice.instrument.name}.{unspoken} is unknown: its data are {kind}"
        if self._prices.first_s is None:
            yield "there are no prices between the two ends"
