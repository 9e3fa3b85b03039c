"""What names mean in one rule: instruments, values under `let`, the clock's zone and the bars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rules_engine.model.expression import Named
from rules_engine.model.instrument import Instrument, us_stock


class Instruments:
    """The instruments of one file: those it declares, and US stocks as it names them."""

    def __init__(self, declared: Mapping[str, Instrument]) -> None:
        self._known = dict(declared)
        self._declared = frozenset(declared)

    def named(self, name: str) -> Instrument | None:
        """The instrument of that name; a name in capitals that is not declared is a US stock."""
        if name not in self._known and name == name.upper():
            self._known[name] = us_stock(name)
        return self._known.get(name)

    def known(self) -> Mapping[str, Instrument]:
        """Every instrument declared or named so far."""
        return self._known

    def declared_names(self) -> Iterable[str]:
        """The names under `instruments:`."""
        return self._declared


@dataclass(frozen=True, slots=True)
class Scope:
    """``bars_s`` is the rule's `bars:`; ``timezone`` an IANA name."""

    instruments: Instruments
    timezone: str
    lets: Mapping[str, Named] = field(default_factory=dict)
    bars_s: float | None = None
