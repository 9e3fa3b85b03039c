"""Where and how a rule runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules_engine.model.condition import Condition
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.order import Unit
from rules_engine.model.rule import Rule


class Where(StrEnum):
    """Who watches a rule's condition: IB, or this program."""

    AT_BROKER = "at broker"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class History:
    """The past that a rule needs before it can judge: prints for ``duration_s``, or completed bars."""

    instrument: Instrument
    field: Field
    duration_s: float = 0.0
    bar_count: int = 0
    bar_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case held at the broker: send ``unit`` once ``arming`` has been seen true (None: at once).

    After it was filled the next one is sent once ``again`` has been seen true; None where that is ``arming`` too, or
    nothing is sent again.
    """

    case: int
    arming: Condition | None
    unit: Unit
    again: Condition | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule with the place where it runs and every reason for that; ``held`` is empty for a rule that runs here.

    ``reads`` are the instruments whose ticks it needs, ``orders_in`` those it may order in: both are subscribed.
    ``fields`` are, by the instrument's name, which of the ticks.
    """

    rule: Rule
    where: Where
    reasons: tuple[str, ...]
    held: tuple[HeldCase, ...] = ()
    reads: frozenset[Instrument] = frozenset()
    fields: Mapping[str, frozenset[Field]] = field(default_factory=dict)
    orders_in: frozenset[Instrument] = frozenset()
    history: tuple[History, ...] = ()
