"""An outbox in memory that tells a test when a message has reached a state."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rules_engine.model.notice import TO_ACT_ON, NoticeKind

DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    channel: str
    rule: str
    text: str
    title: str = ""
    key: str = ""
    kind: NoticeKind = NoticeKind.FILLED
    at_s: float = 0.0
    attempts: int = 0
    next_s: float = 0.0
    state: str = "waiting"
    error: str = ""


@dataclass
class MemoryOutbox:
    messages: dict[int, Message] = field(default_factory=dict)
    history: list[tuple[int, str]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    looks: int = 0
    """How often a lane asked what waits."""

    def put(self, channel: str, rule: str, text: str, **more: Any) -> int:
        number = len(self.messages) + 1
        self.messages[number] = Message(number, channel, rule, text, **more)
        return number

    async def reaches(self, number: int, state: str, attempts: int = 0) -> Message:
        """Waits until the message is in this state and has begun so many attempts."""
        async with asyncio.timeout(DEADLINE_S), self.changed:
            await self.changed.wait_for(
                lambda: self.messages[number].state == state and self.messages[number].attempts >= attempts
            )
        return self.messages[number]

    async def looked(self, times: int) -> None:
        """Waits until lanes have asked so many times what waits."""
        async with asyncio.timeout(DEADLINE_S), self.changed:
            await self.changed.wait_for(lambda: self.looks >= times)

    def channels(self) -> frozenset[str]:
        return frozenset(message.channel for message in self._open())

    def waiting(self, channel: str, count_max: int) -> Sequence[Message]:
        self.looks += 1
        self._announce_soon()
        rows = [message for message in self._open() if message.channel == channel]
        oldest, behind = rows[:count_max], dict[str, Message]()
        for message in rows[count_max:]:
            behind.setdefault(message.rule, message)
        return [*oldest, *(message for message in behind.values() if message.kind in TO_ACT_ON)]

    def sending(self, message_id: int) -> None:
        message = self.messages[message_id]
        self._set(replace(message, state="sending", attempts=message.attempts + 1))

    def sent(self, message_id: int) -> None:
        self._set(replace(self.messages[message_id], state="sent", error=""))

    def retry(self, message_id: int, at_s: float, error: str) -> None:
        self._set(replace(self.messages[message_id], state="waiting", next_s=at_s, error=error))

    def give_up(self, message_id: int, error: str) -> None:
        self._set(replace(self.messages[message_id], state="dead", error=error))

    def hand_on(self, message_id: int, channels: Sequence[str], error: str) -> None:
        for channel in channels:
            number = len(self.messages) + 1
            self._set(replace(self.messages[message_id], id=number, channel=channel, attempts=0, next_s=0.0))
        self.give_up(message_id, error)

    def _open(self) -> list[Message]:
        return [message for message in self.messages.values() if message.state in ("waiting", "sending")]

    def _set(self, message: Message) -> None:
        self.messages[message.id] = message
        self.history.append((message.id, message.state))
        self._announce_soon()

    def _announce_soon(self) -> None:
        asyncio.get_running_loop().create_task(self._announce())

    async def _announce(self) -> None:
        async with self.changed:
            self.changed.notify_all()
