"""For which firings orders are to be cancelled, as long as it may turn out to be for nothing."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rules_engine.execution.database import Database
from rules_engine.execution.values import Values

_NAME = "cancel for"
_WAITS, _LEFT = "", "left"
Wish = tuple[str, str]
"""The firing for which an order is to be cancelled, and the order's key."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Of a firing whose orders never left: what need not be cancelled any more, and what is being cancelled for it all
    the same, by the orders' keys."""

    free: Sequence[str]
    going: Sequence[str]


class Wishes:
    """A firing that closes a position may have its stop cancelled to make room. Such a wish ends with the firing's own
    orders: once they leave it stands by itself, and without them it is taken back, unless the cancellation has left.
    What somebody else wants too is never taken back.

    Of one mode and account: ``own`` is how their names end. Changes belong inside a transaction.
    """

    def __init__(self, database: Database, values: Values, own: str) -> None:
        self._database = database
        self._values = values
        self._own = own
        self._undone = database.undone
        self._known: dict[Wish, str] | None = None

    def want(self, keys: Collection[str], firing: str) -> None:
        """These orders are to be cancelled for the firing; without one, in any case."""
        if not firing:
            self.settle(keys)
            return
        for key in keys:
            if (firing, key) not in self._open():
                self._put(firing, key, _WAITS)

    def sent(self, keys: Collection[str]) -> Sequence[Wish]:
        """Their cancellations leave. Returns what waited for that."""
        found = [wish for wish, state in self._open().items() if wish[1] in keys and state == _WAITS]
        for wish in found:
            self._put(*wish, _LEFT)
        return found

    def stayed(self, wishes: Collection[Wish]) -> None:
        """Their cancellations, which were about to leave, did not."""
        for wish in wishes:
            self._put(*wish, _WAITS)

    def settle(self, keys: Collection[str]) -> None:
        """They are to be cancelled in any case."""
        settled = frozenset(keys)
        for firing, key in list(self._open()):
            if key in settled:
                self._drop(firing, key)

    def fulfil(self, firing: str) -> None:
        """The orders of the firing leave."""
        keys = self._of(firing)
        self._drop_all(firing, keys)
        self.settle(keys)

    def end(self, firing: str) -> Ended:
        """The orders of the firing never leave."""
        going = [key for key in self._of(firing) if self._open()[firing, key] == _LEFT]
        gone = self._of(firing)
        self._drop_all(firing, gone)
        wanted = {*going, *(key for _, key in self._open())}
        return Ended([key for key in gone if key not in wanted], going)

    @property
    def firings(self) -> Sequence[str]:
        """Those for which orders are to be cancelled that may still stay."""
        return list(dict.fromkeys(firing for (firing, _), state in self._open().items() if state == _WAITS))

    @property
    def waiting(self) -> AbstractSet[str]:
        """Orders that are to be cancelled only for firings, and whose cancellations have not left."""
        return {key for (_, key), state in self._open().items() if state == _WAITS}

    def _of(self, firing: str) -> Sequence[str]:
        return [key for one, key in self._open() if one == firing]

    def _open(self) -> dict[Wish, str]:
        if self._known is None or self._undone != self._database.undone:
            self._undone = self._database.undone
            found = ((name.split(" "), state) for name, state in self._values.between(f"{_NAME} ", self._own).items())
            self._known = {(firing, key): state for (firing, key), state in found}
        return self._known

    def _put(self, firing: str, key: str, state: str) -> None:
        self._values.put(self._row(firing, key), state)
        self._open()[firing, key] = state

    def _drop(self, firing: str, key: str) -> None:
        self._values.forget(self._row(firing, key))
        self._open().pop((firing, key), None)

    def _drop_all(self, firing: str, keys: Collection[str]) -> None:
        """Of the firing: these are all that it has."""
        if keys:
            self._values.forget_all(f"{_NAME} {firing} ")
        for key in keys:
            del self._open()[firing, key]

    def _row(self, firing: str, key: str) -> str:
        return f"{_NAME} {firing} {key}{self._own}"
