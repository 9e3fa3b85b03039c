"""The bytes of every connection, hashed as they pass and read as IB's messages."""

import hashlib
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.sim.network import Wire
from tests.sim.node import Node

PLACE_ORDER, CANCEL_ORDER, GLOBAL_CANCEL, ASK_TIME = "3", "4", "58", "49"
ERROR, TIME, ACCOUNTS = "4", "49", "15"
# A question of the reconciliation, and the message that ends its answer.
QUESTIONS = {"5": "53", "16": "53", "99": "102", "61": "62"}
ASK_EXECUTIONS, EXECUTIONS_END = "7", "55"
LINK_CODES = ("1100", "1101", "1102")
LINK_LOST = "1100"
PROBE_MAX_S = 1.0
ACCOUNT_SHAPE = re.compile(r"D?U\d{7}")
OUR_PREFIX = "re1."


class Frames:
    """Bytes into the fields of whole messages."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[list[str]]:
        self._data += data
        if self._data.startswith(b"API\0"):
            self._data = self._data[4:]
        found = []
        while len(self._data) >= 4:
            end = 4 + int.from_bytes(self._data[:4], "big")
            if len(self._data) < end:
                break
            payload, self._data = self._data[4:end], self._data[end:]
            found.append(payload.decode(errors="replace").split("\0"))
        return found


@dataclass(slots=True)
class Conversation:
    """What an engine may know of IB in one connection, going by the messages that reached it."""

    asking: Frames = field(default_factory=Frames)
    answering: Frames = field(default_factory=Frames)
    since: int = 0
    """Counts the breaks of IB's own link: what was asked before one proves nothing after it."""
    cut: bool = False
    open_questions: dict[str, deque[int]] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)
    """Questions for executions carry a number, and so do their answers."""
    answered: dict[str, int] = field(default_factory=dict)
    probes: deque[float] = field(default_factory=deque)
    probed_s: float = float("-inf")
    accounts: tuple[str, ...] = ()
    """Those of the login."""
    began_s: float = 0.0

    def asked(self, fields: list[str], now_s: float) -> None:
        kind = fields[0]
        if kind == ASK_EXECUTIONS:
            self.executions[fields[2]] = self.since
        elif kind in QUESTIONS:
            self.open_questions.setdefault(QUESTIONS[kind], deque()).append(self.since)
        elif kind == ASK_TIME:
            self.probes.append(now_s)

    def heard(self, fields: list[str], now_s: float) -> None:
        kind = fields[0]
        if kind == ERROR and len(fields) > 3 and fields[3] in LINK_CODES:
            self.since += 1
            self.cut = fields[3] == LINK_LOST
            self.answered.clear()
        elif kind == ACCOUNTS:
            self.accounts = tuple(filter(None, fields[2].split(",")))
        elif kind == TIME and self.probes:
            self.probes.popleft()
            self.probed_s = now_s
        elif kind == EXECUTIONS_END:
            if self.executions.pop(fields[2], None) == self.since:
                self.answered[kind] = 1
        elif self.open_questions.get(kind) and self.open_questions[kind].popleft() == self.since:
            self.answered[kind] = self.answered.get(kind, 0) + 1

    def why_not_send(self, now_s: float) -> str:
        """What an order that leaves now would disregard; empty when it may leave."""
        if self.cut:
            return "IB's own link is lost"
        missing = [kind for kind, count in _COMPLETE.items() if self.answered.get(kind, 0) < count]
        if missing:
            return f"not everything was answered since the link broke: {missing}"
        if now_s - self.probed_s > PROBE_MAX_S:
            return f"the last round trip was {now_s - self.probed_s:.1f} s ago"
        return ""


_COMPLETE = {"53": 2, "102": 1, EXECUTIONS_END: 1, "62": 1}


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as it went onto the wire."""

    key: str
    order_id: int
    objection: str
    account: str
    accounts: tuple[str, ...]
    """Those of the login."""
    node: Node


class Watcher(Wire):
    """Hears every byte. ``on_order`` and ``on_cancel`` are called while the order is being written."""

    def __init__(self, now_s: Callable[[], float], log: "EventLog") -> None:
        self._now_s = now_s
        self._log = log
        self.conversations: dict[int, Conversation] = {}
        self.on_order: Callable[[Sent], None] = lambda sent: None
        self.on_cancel: Callable[[int], None] = lambda order_id: None
        self.codes: set[int] = set()
        """Of all errors and notices that reached an engine."""
        self.complained_of: set[int] = set()
        """Numbers that errors named which reached an engine."""
        self.cut_s = float("-inf")
        """When an engine was last told that IB's own link is lost."""

    def opened(self, number: int) -> None:
        self._log.add("opened", number)
        self.conversations[number] = Conversation(began_s=self._now_s())

    def sent(self, number: int, node: Node | None, data: bytes) -> None:
        conversation, now_s = self.conversations[number], self._now_s()
        for fields in conversation.asking.feed(data):
            conversation.asked(fields, now_s)
            if fields[0] == PLACE_ORDER and node is not None:
                key = next((word for word in fields if word.startswith(OUR_PREFIX)), "")
                account = next((word for word in fields if ACCOUNT_SHAPE.fullmatch(word)), "")
                why_not = conversation.why_not_send(now_s)
                self.on_order(Sent(key, int(fields[1]), why_not, account, conversation.accounts, node))
            elif fields[0] == CANCEL_ORDER:
                self.on_cancel(int(fields[2]))
            elif fields[0] == GLOBAL_CANCEL:
                self.on_cancel(0)

    def delivered(self, number: int, to_server: bool, data: bytes) -> None:
        self._log.add("to server" if to_server else "to client", number, data)
        if not to_server:
            conversation, now_s = self.conversations[number], self._now_s()
            for fields in conversation.answering.feed(data):
                conversation.heard(fields, now_s)
                if fields[0] == ERROR:
                    self.codes.add(int(fields[3]))
                    self.complained_of.add(int(fields[2]))
                    if fields[3] == LINK_LOST:
                        self.cut_s = now_s

    def closed(self, number: int) -> None:
        self._log.add("closed", number)


class EventLog:
    """Everything that happened, as one number. ``kept`` has the words of it, where somebody wants to read them."""

    def __init__(self, now_s: Callable[[], float], folder: Path, *, keep: bool = False) -> None:
        """``folder`` has another name in each run, and none here."""
        self._now_s = now_s
        self._folder = str(folder)
        self._hash = hashlib.sha256()
        self.kept: list[str] | None = [] if keep else None

    def add(self, what: str, *details: object) -> None:
        line = f"{self._now_s():.6f} {what} {' '.join(map(str, details))}".replace(self._folder, "")
        self._hash.update(line.encode())
        if self.kept is not None:
            self.kept.append(line)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
