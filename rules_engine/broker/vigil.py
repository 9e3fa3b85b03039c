"""Whether IB still answers, counted in looks of our own: a program that is held up has not waited for anybody."""

from rules_engine.broker.connection import Connection
from rules_engine.model.errors import LinkDown

ASK_LOOKS = 15
"""After so many looks IB is asked for the time."""
SILENT_LOOKS = 5
"""So many looks in a row nothing at all came, though an answer is owed: the link is dead."""
ANSWER_LOOKS = 120
"""An answer stands behind everything that was sent before it, which may be much to read; but so long it takes never."""


class Vigil:
    """Over one connection. To be asked at regular times, with what arrived in between read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._packets = connection.packets
        self._unasked = self._owed = self._silent = 0

    def look(self) -> None:
        """Asks when that is due. Raises LinkDown when IB is deaf: seconds that pass unseen do not count, so that our
        own lateness is never taken for its silence."""
        connection = self._connection
        has_come, self._packets = connection.packets != self._packets, connection.packets
        if not connection.is_owed:
            self._owed = self._silent = 0
            self._unasked += 1
            if self._unasked >= ASK_LOOKS:
                self._unasked = 0
                connection.ask()
            return
        self._owed += 1
        self._silent = 0 if has_come else self._silent + 1
        if self._silent >= SILENT_LOOKS or self._owed >= ANSWER_LOOKS:
            raise LinkDown(f"IB did not answer in {self._owed} looks for it")
