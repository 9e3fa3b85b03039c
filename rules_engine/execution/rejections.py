"""Orders that IB said it rejected, until its complete answers have shown what became of them: kept over reconnects."""

import json
from collections.abc import Container, Mapping

from rules_engine.execution.codes import Meaning
from rules_engine.execution.journal import Journal
from rules_engine.execution.session import Complaint

_REJECTION = "rejection"


class Rejections:
    """Durable, each by itself. The word of a rejection counts also where the connection on which it was heard is gone;
    what else IB says against an order does not."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def heard(self, key: str, complaint: Complaint) -> None:
        """Remembers it, if it is one."""
        if complaint.meaning is Meaning.REJECTS:
            self._journal.put(self._name(key), json.dumps((complaint.words, complaint.at_s)))

    def open(self) -> Mapping[str, Complaint]:
        """Those of which nothing is decided yet, by the intent's key."""
        kept = {key: json.loads(value) for key, value in self._journal.own_among(_REJECTION).items()}
        return {key: Complaint(Meaning.REJECTS, words, at_s) for key, (words, at_s) in kept.items()}

    def only(self, keys: Container[str]) -> None:
        """All others are decided."""
        decided = [key for key in self._journal.own_among(_REJECTION) if key not in keys]
        if decided:
            with self._journal.transaction():
                for key in decided:
                    self._journal.forget(self._name(key))

    def _name(self, key: str) -> str:
        return self._journal.own(f"{_REJECTION} {key}")
