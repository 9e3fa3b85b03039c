"""What becomes of a condition at the broker: branches that IB can hold, or the words that prevent it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.order import HeldCondition
from rules_engine.model.trigger_method import TriggerMethod

BRANCHES_MAX = 8
"""IB gets one order a branch; more than this many runs here."""

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Words of the user that keep a rule from the broker, and why they do."""

    words: str
    why: str

    def __str__(self) -> str:
        return f"'{self.words}' {self.why}"


@dataclass(frozen=True, slots=True)
class Holding:
    """A condition as IB holds it: any of the branches, each of them an `and` of IB's conditions."""

    branches: tuple[tuple[HeldCondition, ...], ...]


Held = Holding | tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known of contracts when a condition is turned into IB's form: price steps by instrument name.

    ``method`` is the trigger method that a `using` around the condition names.
    """

    price_steps: Mapping[str, Decimal] = field(default_factory=dict)
    method: TriggerMethod | None = None

    def using(self, method: TriggerMethod) -> "Terms":
        """The terms inside a `using`."""
        return replace(self, method=method)

    def price_step(self, instrument: Instrument) -> Decimal | None:
        """From the contract's details where they are known; otherwise a cent for US stocks."""
        step = self.price_steps.get(instrument.name)
        if step is not None:
            return step
        return _CENT if instrument.kind is Kind.STOCK and instrument.currency == "USD" else None
