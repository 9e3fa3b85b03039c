"""A condition into its leaves, and into what each reads of the market, as the judges of the streaming evaluator do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rules_engine.conditions.bar_close import OnBarClose
from rules_engine.conditions.change import Change
from rules_engine.conditions.move import Move
from rules_engine.conditions.silence import Silence
from rules_engine.conditions.trigger import Using, rises
from rules_engine.evaluation.series import unnamed
from rules_engine.model.condition import Condition
from rules_engine.model.expression import (
    AccountReading,
    Expression,
    Function,
    Position,
    Reading,
    Series,
    WorkingOrders,
    parts,
    walk,
)
from rules_engine.model.instrument import Field
from rules_engine.model.trigger_method import TriggerMethod

Key = tuple[str, Field]
"""A field of an instrument, by the instrument's name."""
BarsOf = tuple[str, Field, float]
"""The bars of that length, in seconds, of a field."""
Window = tuple[Expression, float, bool]
"""Over which series (its names left out), how many seconds long, and whether its sums are read."""
Holding = Position | WorkingOrders | AccountReading
"""What changes with orders and their fills, and not with a tick."""
_HOLDINGS = (Position, WorkingOrders, AccountReading)
SOURCES = {Field.MID: (Field.BID, Field.ASK), Field.CHANGE_TODAY: (Field.LAST, Field.CLOSE)}
"""Fields that follow two others where nobody sends them."""
NOT_PRICES = frozenset({Field.VOLUME, Field.CHANGE_TODAY})
EXTREMES = (Function.HIGHEST, Function.LOWEST)
_IN_BARS = frozenset({Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE, Field.VOLUME})
DOUBLE = (TriggerMethod.DOUBLE_LAST, TriggerMethod.DOUBLE_BID_ASK)


@dataclass(frozen=True)
class Leaf:
    """A condition without parts, and the words around it: on which quotes and bars its values are read.

    ``twice``: two prints in a row must agree.
    """

    condition: Condition
    method: TriggerMethod = TriggerMethod.DEFAULT
    rising: bool = True
    bar_s: float | None = None
    twice: bool = False

    def field(self, of: Reading) -> Field:
        """What that reads where no bars are read."""
        if of.field is not of.instrument.default_field:
            return of.field
        return self.method.quote(self.rising) or of.field

    @cached_property
    def reads(self) -> frozenset[Key]:
        """At whose ticks it is judged; those of silence are any."""
        found: set[Key] = set()
        for of in self.condition.expressions():
            found.update(self._keys(of))
        found.update(key for of, _, _ in self.windows for key in plain_keys(of))
        return frozenset(found)

    @cached_property
    def windows(self) -> Sequence[Window]:
        """Its windows of time."""
        found = [window for of in self.condition.expressions() for window in windows_of(of)]
        if isinstance(self.condition, Move | Change):
            found.append((unnamed(self.condition.of), self.condition.window_s, False))
        return found

    def _keys(self, of: Expression) -> Iterator[Key]:
        match of:
            case Reading(bar_s=bar_s):
                on_bars = (bar_s or self.bar_s) is not None
                yield of.instrument.name, source_of(of) if on_bars else self.field(of)
            case Series(duration_s=None):
                yield from (bars[:2] for bars in bars_in(of))
            case _:
                for part in parts(of):
                    yield from self._keys(part)

    def counted(self) -> frozenset[Key]:
        """Whose ticks count where two in a row must agree."""
        read = (part for of in self.condition.expressions() for part in walk(of))
        return frozenset(
            (part.instrument.name, self.field(part))
            for part in read
            if isinstance(part, Reading) and part.bar_s is None
        )

    def holdings(self) -> frozenset[Holding]:
        """What it reads that columns do not have."""
        return frozenset(part for of in self.condition.expressions() for part in holdings_in(of))

    def closing(self) -> frozenset[BarsOf]:
        """The bars at whose closing it is judged."""
        if self.bar_s is None:
            return frozenset()
        read = (part for of in self.condition.expressions() for part in walk(of))
        return frozenset(
            (part.instrument.name, source_of(part), self.bar_s)
            for part in read
            if isinstance(part, Reading) and part.bar_s is None
        )

    def looks_back(self) -> bool:
        """Whether it may change while nothing that it reads prints: by the time alone."""
        read = (part for of in self.condition.expressions() for part in walk(of))
        timed = any(isinstance(part, Series) or (isinstance(part, Reading) and part.bar_s is not None) for part in read)
        return timed or isinstance(self.condition, Move | Change)


def leaves_of(condition: Condition, words: Leaf | None = None) -> Iterator[Leaf]:
    """All of them, in order."""
    words = words or Leaf(condition)
    match condition:
        case Using() if (spread := condition.spread()) is not condition:
            yield from leaves_of(spread, words)
        case Using(of=of, method=method):
            twice = method in DOUBLE and not of.parts()
            yield from leaves_of(of, replace(words, method=method, rising=rises(of), twice=twice))
        case OnBarClose(of=of, bar_s=bar_s):
            yield from leaves_of(of, replace(words, bar_s=bar_s))
        case _ if condition.parts():
            for part in condition.parts():
                yield from leaves_of(part, words)
        case _:
            yield replace(words, condition=condition)


def holdings_in(of: Expression) -> Iterator[Holding]:
    """What it reads of positions, working orders and the account."""
    return (part for part in walk(of) if isinstance(part, _HOLDINGS))


def silent_in(condition: Condition) -> frozenset[str]:
    """The instruments at whose every tick a condition is judged that waits for silence."""
    leaves = (leaf.condition for leaf in leaves_of(condition))
    return frozenset(leaf.instrument.name for leaf in leaves if isinstance(leaf, Silence))


def windows_of(of: Expression) -> Iterator[Window]:
    """The windows of time of a value."""
    for part in walk(of):
        if isinstance(part, Series) and part.duration_s is not None:
            yield unnamed(part.of), part.duration_s, part.function not in EXTREMES


def sums_in(of: Expression) -> Iterator[Series]:
    """The means, deviations and scores over lengths of time in it."""
    for part in walk(of):
        if isinstance(part, Series) and part.duration_s is not None and part.function not in EXTREMES:
            yield part


def plain_keys(of: Expression) -> Iterator[Key]:
    """Whose ticks, or bars of which, it reads."""
    for part in walk(of):
        if isinstance(part, Reading):
            yield part.instrument.name, part.field if part.bar_s is None else source_of(part)


def legs_in(of: Expression) -> Iterator[Key]:
    """Whose ticks make a series print; bars have none."""
    for part in walk(of):
        if isinstance(part, Reading) and part.bar_s is None:
            yield part.instrument.name, part.field


def bars_in(of: Series) -> list[BarsOf]:
    """Of a function over bars, those that it reads, in the order of their names."""
    readings = sorted({part for part in walk(of.of) if isinstance(part, Reading)}, key=str)
    found = []
    for part in readings:
        bar_s = part.bar_s or of.bar_s
        assert bar_s is not None, of
        found.append((part.instrument.name, source_of(part), bar_s))
    return found


def source_of(of: Reading) -> Field:
    """The field whose prints make its bars."""
    return of.instrument.default_field if of.field in _IN_BARS else of.field
