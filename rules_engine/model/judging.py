"""How conditions are judged: what a judge may read, what it answers, and what it remembers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from math import inf
from typing import NamedTuple, Protocol

from rules_engine.model.expression import Expression, Reading
from rules_engine.model.instrument import Instrument
from rules_engine.model.trigger_method import TriggerMethod
from rules_engine.model.truth import Truth

Value = Callable[[], float | None]
"""Reads a value as of now; None is unknown."""


class Forget(IntEnum):
    """How much a judge forgets; each step includes the ones before it."""

    DURATIONS = 1
    """After a gap in data: what had lasted may have been interrupted."""
    SIDES = 2
    """After a gap with `on_gap: reset`: also the sides that values were seen on."""
    EVERYTHING = 3
    """A new arming."""


class Moment(Enum):
    """On what occasion a condition is judged."""

    PRINT = "print"
    """News came: a print, a value of the account, an execution."""
    CLOCK = "clock"
    """Something matured, or the rule was armed: states change and mature, but no value passes another one."""
    SNAPSHOT = "snapshot"
    """A price of unknown age, or a feed that went or came: sides may be taken, but nothing happens."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says at one moment.

    ``truth`` is the state; ``pulse`` says that an event happened at this very judgement, and is an edge of its own.
    ``seen_happening``: the state turned true before our eyes although it was never known to be false.
    ``holds``: whether the state, or the new side of the latest event, is true now.
    """

    truth: Truth
    pulse: bool = False
    seen_happening: bool = False
    holds: Truth = Truth.UNKNOWN


TRUE = Verdict(Truth.TRUE, holds=Truth.TRUE)
FALSE = Verdict(Truth.FALSE, holds=Truth.FALSE)
UNKNOWN = Verdict(Truth.UNKNOWN)
HAPPENING = Verdict(Truth.TRUE, seen_happening=True, holds=Truth.TRUE)
PULSE = Verdict(Truth.FALSE, pulse=True, holds=Truth.TRUE)
QUIET_HOLDING = Verdict(Truth.FALSE, holds=Truth.TRUE)
"""No event now, and the side that the latest one entered still holds."""


def state(answer: bool) -> Verdict:
    """The verdict on a state whose values are all known."""
    return TRUE if answer else FALSE


class Stretch(NamedTuple):
    """What may come of one price: prints strictly between two prices and before ``until_s``, while each of ``orders``
    stays on the side that is named with it."""

    low: float = -inf
    high: float = inf
    until_s: float = inf
    orders: tuple[tuple["Order", int], ...] = ()

    def meet(self, other: "Stretch") -> "Stretch":
        """What is in both."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Stretch(low, high, min(self.until_s, other.until_s), self.orders + other.orders)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A price at which verdicts change: the lowest one on its upper side.

    ``way`` is 1 (-1) if a print that comes over (under) it is an edge and nothing else is, however often that happens:
    one that comes back only makes the next edge possible. 0 if the judge alone can tell. ``short_of``: it is an edge
    only of a print that does not reach that price too.
    """

    price: float
    way: int = 0
    short_of: float | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last print at or before now - window_s, times a factor and more by a shift: what `changes` compares with."""

    of: Reading
    window_s: float
    factor: float
    shift: float


class Judge(ABC):
    """Judges one condition of one rule, and remembers what that needs: sides, since when."""

    __slots__ = ()

    @property
    def matures(self) -> bool:
        """Whether its verdict can change without a print."""
        return False

    @abstractmethod
    def judge(self, now_s: float, moment: Moment) -> Verdict:
        """The verdict as of now."""

    def levels(self) -> tuple[Threshold, ...] | None:
        """What a print must pass for anything to change; None if there is more to it."""
        return None

    def calm(self) -> Stretch | None:
        """Asked after a print: in which stretch, this print included, it would say and remember what it last did.

        None when that cannot be said: this print is to be judged or, if it just was, the next one.
        """
        return None

    def pass_over(self) -> None:
        """Prints came at which it would have said, and remembered, what it did before."""
        return

    def forget(self, depth: Forget) -> None:
        """Drops memories of that depth; most judges have none."""
        return

    def due_s(self) -> float | None:
        """The next moment at which the verdict may change without a print."""
        return None

    def lasting_since_s(self) -> float | None:
        """Since when something is on its way to mature."""
        return None

    def sides(self) -> str:
        """The memory that survives a restart, one character a remembering leaf."""
        return ""

    def recall(self, sides: str) -> str:
        """Takes its characters from the front of what `sides` once gave, and returns the rest."""
        return sides

    def remember(self, other: "Judge") -> None:
        """Takes over since when something lasts from a judge of the same condition that has heard a gap's history."""
        return

    def evidence(self) -> Iterable[tuple[str, float]]:
        """Named numbers of the latest verdict that no expression shows."""
        return ()


class Composite(Judge):
    """A judge made of judges: everything but the verdict is theirs."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Judge, ...]) -> None:
        self.parts = parts

    @property
    def matures(self) -> bool:
        return any(part.matures for part in self.parts)

    def pass_over(self) -> None:
        for part in self.parts:
            part.pass_over()

    def forget(self, depth: Forget) -> None:
        for part in self.parts:
            part.forget(depth)

    def due_s(self) -> float | None:
        return min((due for part in self.parts if (due := part.due_s()) is not None), default=None)

    def lasting_since_s(self) -> float | None:
        return min((since for part in self.parts if (since := part.lasting_since_s()) is not None), default=None)

    def sides(self) -> str:
        return "".join(part.sides() for part in self.parts)

    def recall(self, sides: str) -> str:
        for part in self.parts:
            sides = part.recall(sides)
        return sides

    def evidence(self) -> Iterable[tuple[str, float]]:
        return (item for part in self.parts for item in part.evidence())

    def remember(self, other: Judge) -> None:
        assert isinstance(other, Composite), "judges of one condition are built alike"
        for part, its in zip(self.parts, other.parts, strict=True):
            part.remember(its)

    def all_levels(self) -> tuple[Threshold, ...] | None:
        """The levels of all parts, if each has nothing but levels. What an edge of one means, is told by the judge."""
        return joined([part.levels() for part in self.parts])

    def all_calm(self) -> Stretch | None:
        """The stretch in which all parts are calm."""
        return meeting([part.calm() for part in self.parts])


def joined(levels: Sequence[tuple[Threshold, ...] | None]) -> tuple[Threshold, ...] | None:
    """All of them, of which none decides alone; None when some are missing."""
    known = [Threshold(level.price) for each in levels if each is not None for level in each]
    return None if None in levels else tuple(known)


def meeting(stretches: Sequence[Stretch | None]) -> Stretch | None:
    """What is in all of them; None when one is missing."""
    whole = Stretch()
    for stretch in stretches:
        if stretch is None:
            return None
        whole = whole.meet(stretch)
    return whole


class Bars(Protocol):
    """The bars of one length that a condition reads."""

    def completed(self) -> int:
        """How many have completed so far, in all."""
        ...

    def closing_s(self) -> float | None:
        """When the forming bar closes; None when there is none."""
        ...


class Window(Protocol):
    """Something about the prints of the last so many seconds."""

    def value(self) -> float | None:
        """None when there is no print."""
        ...

    def is_covered(self) -> bool:
        """Whether every print of the window has been seen."""
        ...

    def until_s(self, value: float) -> float:
        """When the last print leaves that is as high as that one or higher (as low or lower)."""
        ...

    def covered_at_s(self) -> float:
        """From when on `is_covered`, if no data is lost."""
        ...


class Order(Protocol):
    """The order of two values that are made of one instrument's own prints."""

    def hold_to(self, side: int) -> None:
        """It is to be noticed when the left one is no longer surely above (1) or below (-1) the right one; 0: no more.

        Both were known when it was last judged.
        """
        ...

    def unknown(self) -> Stretch | None:
        """How long one of them stays unknown whatever prints; None if they are known."""
        ...


class Readings(Protocol):
    """What a judge may read of the market. Asked once, when the rule is armed; the answers are read at every print."""

    @property
    def keeps(self) -> bool:
        """Whether gaps in data are ignored (`on_gap: keep`)."""
        ...

    def value(self, of: Expression) -> Value:
        """The expression now."""
        ...

    def size(self, *of: Expression) -> Callable[[], float]:
        """The largest term added or subtracted in these expressions; 0 when there is none."""
        ...

    def prints(self, of: Expression) -> Callable[[], int]:
        """How many prints this expression has seen, whatever they said."""
        ...

    def extreme(self, of: Expression, window_s: float, highest: bool) -> Window:
        """The highest (or lowest) print in (now - window_s, now]."""
        ...

    def before(self, of: Expression, window_s: float) -> Value:
        """The last print at or before now - window_s."""
        ...

    def is_print(self, of: Expression) -> bool:
        """Whether it is a price as it printed, changed by nothing but its own ticks."""
        ...

    def order(self, left: Expression | Earlier, right: Expression | Earlier) -> Order | None:
        """None unless both are made of one price as it printed, the same one, and of nothing else."""
        ...

    def quiet_since_s(self, instrument: Instrument) -> Value:
        """Since when a live feed has brought no tick; None while the feed is down."""
        ...

    def executions(self, instrument: Instrument) -> Callable[[], int]:
        """How many executions the account has had in it."""
        ...

    def on_bars(self, bar_s: float) -> "Readings":
        """The same market with each instrument's value replaced by the close of its newest completed bar."""
        ...

    def bars(self, of: Iterable[Expression], bar_s: float) -> Bars:
        """The bars of the instruments in these expressions."""
        ...

    def using(self, method: TriggerMethod, rising: bool) -> "Readings":
        """The same market seen through IB's trigger method, on the quote that a rise (or a fall) must reach."""
        ...
