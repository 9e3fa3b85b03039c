"""Names of intents: what IB hands back to us as orderRef."""

import hashlib
from dataclasses import dataclass

_PREFIX = "re1"
_KEY_LENGTH_MAX = 36


@dataclass(frozen=True, slots=True)
class Naming:
    """``engine`` (4 characters) is random for each journal, ``start`` (3) for each start of the engine.

    The part for the start keeps keys apart when a power cut took the newest commits and their numbers are given again.
    """

    engine: str
    start: str

    def firing_key(self, rule: str, seq: int) -> str:
        """Names one firing of one rule; also the stem of the names of its one-cancels-all groups."""
        rule8 = hashlib.sha256(rule.encode()).hexdigest()[:8]
        return f"{_PREFIX}.{self.engine}.{self.start}.{rule8}.{seq}"

    def key(self, rule: str, seq: int, leg: int) -> str:
        """Names one leg. The same firing always has the same keys."""
        key = leg_key(self.firing_key(rule, seq), leg)
        assert len(key) <= _KEY_LENGTH_MAX and key.isascii()
        return key

    def is_ours(self, order_ref: str) -> bool:
        """Written by an engine on this journal, whether or not the journal remembers it."""
        return order_ref.startswith(f"{_PREFIX}.{self.engine}.")

    def is_of_an_engine(self, order_ref: str) -> bool:
        """Written by an engine, on this journal or another."""
        return order_ref.startswith(f"{_PREFIX}.")


def group_name(key: str, group: str) -> str:
    """IB's name of a one-cancels-all group within the unit that ``key`` is a leg of."""
    return f"{firing_of(key)}.{group}"


def leg_key(firing: str, leg: int) -> str:
    """The name of a leg of the firing of that name."""
    return f"{firing}.{leg}"


def firing_of(key: str) -> str:
    """The name of the firing that ``key`` is a leg of."""
    return key.rpartition(".")[0]
