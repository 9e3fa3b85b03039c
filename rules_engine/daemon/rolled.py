"""Names that came to mean other contracts, until all that was meant for the old ones is gone: on disk, over kills."""

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from rules_engine.execution.intents import UnitName
from rules_engine.execution.journal import Journal

_ROLLED = "rolled"


class Rolled:
    """Durable. The words of a rule do not change at a roll: without this, nobody could tell after a kill which of its
    units were recorded for the old contract, and that what it remembers is the old one's."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        kept: dict[str, list[list[str | int]]] = json.loads(journal.get(journal.own(_ROLLED)) or "{}")
        self._units = {name: [(str(rule), int(seq)) for rule, seq in units] for name, units in kept.items()}

    @property
    def names(self) -> AbstractSet[str]:
        """Instruments of whose old contracts rules may remember something on disk."""
        return self._units.keys()

    @property
    def units(self) -> AbstractSet[UnitName]:
        """What goes with the old contracts, whether that is marked by now or not."""
        return {unit for units in self._units.values() for unit in units}

    def add(self, name: str, units: Iterable[UnitName]) -> None:
        """The name means another contract, and these units go. Belongs inside the transaction that says so."""
        self._put({**self._units, name: [*self._units.get(name, ()), *units]})

    def now(self) -> Mapping[str, object]:
        """What there is, for `drop`."""
        return self._units

    def drop(self, settled: Mapping[str, object]) -> None:
        """What was there then is all marked, and on disk no rule remembers the old contracts any more."""
        left = {name: units for name, units in self._units.items() if settled.get(name) is not units}
        if left.keys() != self._units.keys():
            self._put(left)

    def _put(self, units: Mapping[str, list[UnitName]]) -> None:
        self._units = dict(units)
        self._journal.put(self._journal.own(_ROLLED), json.dumps(self._units))
