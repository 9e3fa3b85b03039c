"""Which instruments' prices can be trusted now, told to the engine only when that changes."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules_engine.broker.inbox import Inbox
from rules_engine.model.clock import Clock
from rules_engine.model.reports import FeedDown, FeedUp

VERIFY_LOOKS = 10
"""Through so many looks a feed may stay silent after IB calls it well, before we ask for it anew."""
RETRY_LOOKS = 60


@dataclass(slots=True)
class Silence:
    """Why an instrument has no trusted prices, and after how many looks to ask for them again.

    Looks and not seconds: prices that wait unread because this program was held up are no silence.
    """

    code: int
    looks: int


class Feeds:
    """Outlives connections. A feed that went down is up again when a tick of that instrument arrives, not before:
    IB's word alone is no proof (farms have stayed mute after "OK")."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock
        self.silences: dict[str, Silence] = {}
        """The instruments without trusted prices."""
        self.trades: dict[int, float] = {}
        """The newest trade of each contract, over gaps and connections."""

    @property
    def silent(self) -> dict[str, int]:
        """Instruments without trusted prices, each with IB's code (0: no connection)."""
        return {name: silence.code for name, silence in self.silences.items()}

    def down(self, names: Iterable[str], code: int = 0, text: str = "") -> None:
        """These can no longer be trusted. What is down already keeps its first reason; code 0, not connected or not
        heard yet, is none."""
        now_s = self._clock.now_s()
        for name in names:
            known = self.silences.get(name)
            if known is None or (code and not known.code):
                self.silences[name] = Silence(code, RETRY_LOOKS)
                self._inbox.report(FeedDown(now_s, name, code, text))

    def ticked(self, name: str, contract_id: int) -> None:
        """A price of the contract that this name means arrived: it is told before the price itself."""
        if self.silences.pop(name, None) is not None:
            self._inbox.report(FeedUp(self._clock.now_s(), name, contract_id))

    def verify_soon(self) -> None:
        """IB says that all is well: whoever stays silent is asked again shortly."""
        for silence in self.silences.values():
            silence.looks = min(silence.looks, VERIFY_LOOKS)

    def forget(self, names: Iterable[str]) -> None:
        """No rule needs these any more."""
        for name in names:
            self.silences.pop(name, None)

    def due(self) -> tuple[str, ...]:
        """One look: the silent instruments whose subscription is to be renewed now; each again after RETRY_LOOKS."""
        for silence in self.silences.values():
            silence.looks -= 1
        names = tuple(name for name, silence in self.silences.items() if silence.looks <= 0)
        for name in names:
            self.silences[name].looks = RETRY_LOOKS
        return names
