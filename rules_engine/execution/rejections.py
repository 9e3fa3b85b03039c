"""Orders that IB said it rejected, until its complete answers have shown what became of them: kept over reconnects."""

import json
from collections.abc import Container, Mapping

from rules_engine.execution.codes import Meaning
from rules_engine.execution.journal import Journal
from rules_engine.execution.session import Complaint

_REJECTIONS = "rejections"


class Rejections:
    """Durable. The word of a rejection counts also where the connection on which it was heard is gone; what else IB
    says against an order does not."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def heard(self, key: str, complaint: Complaint) -> None:
        """Remembers it, if it is one."""
        if complaint.meaning is Meaning.REJECTS:
            self._put({**self.open(), key: complaint})

    def open(self) -> Mapping[str, Complaint]:
        """Those of which nothing is decided yet, by the intent's key."""
        kept: dict[str, tuple[str, float]] = json.loads(self._journal.get(self._name) or "{}")
        return {key: Complaint(Meaning.REJECTS, words, at_s) for key, (words, at_s) in kept.items()}

    def only(self, keys: Container[str]) -> None:
        """All others are decided."""
        known = self.open()
        kept = {key: complaint for key, complaint in known.items() if key in keys}
        if kept != known:
            self._put(kept)

    @property
    def _name(self) -> str:
        return self._journal.own(_REJECTIONS)

    def _put(self, complaints: Mapping[str, Complaint]) -> None:
        self._journal.put(self._name, json.dumps({key: (one.words, one.at_s) for key, one in complaints.items()}))
