"""The intents that every check looks through, in memory: those that are open, and those sent of late."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from rules_engine.execution.database import Database
from rules_engine.model.intent import Intent

_DAY_S = 86_400.0


class WorkingSet:
    """What the journal would answer, without reading ten thousand rows each time. Whoever writes an intent says so with
    `added` or `wrote`; after a rollback everything is read again.

    ``read_open`` gives all open intents, oldest firing first; ``read_sent`` those sent since a POSIX time.
    """

    def __init__(
        self,
        database: Database,
        read_open: Callable[[], Iterable[Intent]],
        read_sent: Callable[[float], Iterable[Intent]],
    ) -> None:
        self._database = database
        self._read_open = read_open
        self._read_sent = read_sent
        self._undone = database.undone
        self._open: dict[str, Intent] | None = None
        self._keys_of: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._sent: dict[str, Intent] | None = None
        self._times: list[tuple[float, str]] = []
        """When each of those was sent, and of which rule, sorted."""
        self._since_s = 0.0

    def open(self) -> Sequence[Intent]:
        """Everything not over, oldest firing first."""
        return list(self._all_open().values())

    def get(self, key: str) -> Intent | None:
        """The one of them with this key."""
        return self._all_open().get(key)

    def open_of(self, rule: str) -> Sequence[Intent]:
        """The same of one rule."""
        found = self._all_open()
        return [found[key] for key in self._keys_of.get(rule, ())]

    def sent_since(self, since_s: float) -> Sequence[Intent]:
        """Everything sent in [since_s, now], in any order."""
        sent = self._all_sent(since_s).values()
        return [one for one in sent if one.sent_s is not None and one.sent_s >= since_s]

    def times_sent(self, since_s: float, rule: str = "") -> Sequence[float]:
        """When each order was sent in [since_s, now], of one rule or of all, sorted."""
        self._all_sent(since_s)
        late = self._times[bisect_left(self._times, (since_s, "")) :]
        return [at_s for at_s, name in late if not rule or name == rule]

    def added(self, intent: Intent) -> None:
        """The intent is new, and of the newest firing."""
        if self._open is not None and not intent.state.is_over:
            self._open[intent.key] = intent
            self._keys_of[intent.rule][intent.key] = None
        self._note_sent(intent)

    def wrote(self, intent: Intent) -> None:
        """The intent is on disk like this now, or will be with the transaction that is open."""
        if self._open is not None:
            self._keep_open(self._open, intent)
        self._note_sent(intent)

    def forget(self) -> None:
        """Many intents are not what they were."""
        self._open = self._sent = None
        self._keys_of.clear()

    def _keep_open(self, known: dict[str, Intent], intent: Intent) -> None:
        if intent.state.is_over:
            if known.pop(intent.key, None) is not None:
                self._close(intent)
        elif intent.key in known:
            known[intent.key] = intent
        else:  # It was over, and is older than some.
            self.forget()

    def _note_sent(self, intent: Intent) -> None:
        known, sent_s = self._sent, intent.sent_s
        if known is None or sent_s is None:
            return
        before = known.get(intent.key)
        if before is None or before.sent_s != sent_s:
            if before is not None and before.sent_s is not None:
                self._times.remove((before.sent_s, before.rule))
            insort(self._times, (sent_s, intent.rule))
        known[intent.key] = intent

    def _close(self, intent: Intent) -> None:
        keys = self._keys_of[intent.rule]
        del keys[intent.key]
        if not keys:
            del self._keys_of[intent.rule]

    def _all_open(self) -> dict[str, Intent]:
        self._forget_undone()
        if self._open is None:
            self._open = {one.key: one for one in self._read_open()}
            for one in self._open.values():
                self._keys_of[one.rule][one.key] = None
        return self._open

    def _all_sent(self, since_s: float) -> dict[str, Intent]:
        """Those since then, at least: questions about a minute and about a day take turns."""
        self._forget_undone()
        if self._sent is None or since_s < self._since_s:
            self.remember_sent(self._read_sent(since_s), since_s)
        elif since_s > self._since_s + 2 * _DAY_S:
            self.remember_sent(self._sent.values(), since_s - _DAY_S)
        assert self._sent is not None
        return self._sent

    def remember_sent(self, intents: Iterable[Intent], since_s: float) -> None:
        """These are all that were sent since then."""
        sent = [(one, one.sent_s) for one in intents if one.sent_s is not None and one.sent_s >= since_s]
        self._sent, self._since_s = {one.key: one for one, _ in sent}, since_s
        self._times = sorted((sent_s, one.rule) for one, sent_s in sent)

    def _forget_undone(self) -> None:
        if self._undone != self._database.undone:
            self._undone = self._database.undone
            self.forget()
