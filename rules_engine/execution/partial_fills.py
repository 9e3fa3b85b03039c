"""Orders that fill bit by bit: told as it happens, and never as a flood."""

from collections.abc import Callable, Iterable

from rules_engine.execution.timing import Timing
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent, IntentState


class PartialFills:
    """Fills of one order within a few seconds are one message, and the next one about it comes a minute later at most.

    An order that is complete or over by then is told as that. Nothing is lost in a crash: what is partly filled is
    noted again at the next start, and the outbox knows what was told.
    """

    def __init__(self, clock: Clock, timing: Timing, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._timing = timing
        self._tell = tell
        self._due_s: dict[str, float] = {}
        self._again_s: dict[str, float] = {}

    def note(self, intents: Iterable[Intent]) -> None:
        """What these orders have become; more of them may have filled."""
        for intent in intents:
            if intent.state is not IntentState.PARTIAL:
                self._due_s.pop(intent.key, None)
                self._again_s.pop(intent.key, None)
                continue
            soon_s = self._clock.now_s() + self._timing.partial_s
            self._due_s.setdefault(intent.key, max(soon_s, self._again_s.get(intent.key, soon_s)))

    @property
    def due_s(self) -> float | None:
        """When the next one is to be told; None when there is nothing to tell."""
        return min(self._due_s.values(), default=None)

    def tell(self) -> None:
        """Tells what is due, by the orders' keys."""
        now_s = self._clock.now_s()
        for key in [key for key, due_s in self._due_s.items() if due_s <= now_s]:
            del self._due_s[key]
            self._again_s[key] = now_s + self._timing.partial_again_s
            self._tell(key)
