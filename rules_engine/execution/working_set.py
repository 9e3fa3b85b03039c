"""The intents that every check looks through, in memory: those that are open, and those sent of late."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from rules_engine.execution.database import Database
from rules_engine.model.intent import Intent


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
        self._forget_undone()
        if self._sent is None or since_s < self._since_s:
            self._sent, self._since_s = {one.key: one for one in self._read_sent(since_s)}, since_s
        elif since_s > self._since_s:
            self._sent = {key: one for key, one in self._sent.items() if one.sent_s and one.sent_s >= since_s}
            self._since_s = since_s
        return list(self._sent.values())

    def added(self, intent: Intent) -> None:
        """The intent is new, and of the newest firing."""
        if self._open is not None and not intent.state.is_over:
            self._open[intent.key] = intent
            self._keys_of[intent.rule][intent.key] = None

    def wrote(self, intent: Intent) -> None:
        """The intent is on disk like this now, or will be with the transaction that is open."""
        if self._open is not None:
            self._keep_open(self._open, intent)
        if self._sent is not None and intent.sent_s is not None and intent.sent_s >= self._since_s:
            self._sent[intent.key] = intent

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

    def _forget_undone(self) -> None:
        if self._undone != self._database.undone:
            self._undone = self._database.undone
            self.forget()
