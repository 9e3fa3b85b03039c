"""What is asked of a backtest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rules_engine.model.expression import spell_number
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.plan import Plan, Where
from rules_engine.recordings import Recording
from rules_engine.recordings.layout import Shape
from rules_engine.replay.assumptions import Assumptions
from rules_engine.replay.book import Book
from rules_engine.replay.desk import Desk
from rules_engine.replay.known import Known, multiplier_of
from rules_engine.replay.reads import fields_read
from rules_engine.replay.span import Extent, Span
from rules_engine.replay.streaming import Stage
from rules_engine.replay.touch import touch_of
from rules_engine.replay.voices import Voice

_OF_MANY_UNITS = frozenset({Kind.FUTURE, Kind.CONTRACT})
"""Contracts of these are seldom one unit each, and only IB knows how many."""


@dataclass(frozen=True, slots=True)
class Request:
    """``recordings`` are of different instruments, each named as the rules spell it.

    ``variants`` are the same rules with other numbers, to be played beside each other; the plans alone when empty.
    """

    plans: Sequence[Plan]
    instruments: Mapping[str, Instrument]
    recordings: Sequence[Recording]
    span: Span = field(default_factory=Span)
    assumptions: Assumptions = field(default_factory=Assumptions)
    variants: Sequence[Sequence[Plan]] = ()

    @property
    def each(self) -> Sequence[Sequence[Plan]]:
        """The plans of every variant."""
        return self.variants or (self.plans,)

    def voices(self, plans: Sequence[Plan]) -> Sequence[Voice]:
        """The recordings, which have been looked through, as these plans hear them."""
        wanted: dict[str, set[Field]] = {}
        for plan in plans:
            for instrument, of in fields_read(plan.rule):
                wanted.setdefault(instrument.name, set()).add(of)
        return [
            Voice(
                self.instruments[recording.instrument],
                recording.shape is Shape.QUOTES,
                frozenset(wanted.get(recording.instrument, ())),
                self.assumptions.spread,
            )
            for recording in self.recordings
        ]

    def stage(self, plans: Sequence[Plan], extent: Extent) -> Stage:
        """Everything runs here: what IB would hold is judged on the same prices."""
        here = [replace(plan, where=Where.HERE, held=()) for plan in plans]
        voices = self.voices(plans)
        multipliers = {name: float(multiplier_of(of)) for name, of in self.instruments.items()}
        book = Book(self.assumptions.capital, multipliers)
        known = Known(voices, self.instruments, self.assumptions, book)
        return Stage(here, voices, self.span, extent, known, Desk(plans, known, book), book)

    def warnings(self) -> Iterator[str]:
        """What the data cannot answer, so that nobody takes silence for an answer."""
        plans = self.each[0]
        known = {recording.instrument for recording in self.recordings}
        read = {one.name for plan in plans for one in plan.reads} - known
        ordered = {one.name for plan in plans for one in plan.orders_in} - known
        yield from (
            f"{plan.rule.name} is never armed: it says 'enabled: false'" for plan in plans if not plan.rule.enabled
        )
        yield from (f"{name} has no prices: what rules read of it is unknown" for name in sorted(read))
        yield from (f"{name} has no prices: orders in it never fill" for name in sorted(ordered))
        traded = sorted({one.name for plan in plans for one in plan.orders_in} & known)
        for name in traded:
            if self.instruments[name].kind in _OF_MANY_UNITS and not self.instruments[name].multiplier:
                yield f"{name}: a contract counts as one unit; say how many it is under instruments (multiplier: 50)"
        for recording in self.recordings:
            low, spread = recording.surveyed.low, self.assumptions.spread
            if recording.shape is not Shape.QUOTES and touch_of(low, 0.0, spread, has_quotes=False).bid <= 0:
                yield f"{recording.instrument}: with a spread of {spread} its bid is 0 or less at {spell_number(low)}"
        for voice in self.voices(plans):
            for unspoken in voice.unspoken:
                kind = "bids and asks" if voice.has_quotes else "prints"
                yield f"{voice.instrument.name}.{unspoken} is unknown: its data are {kind}"
