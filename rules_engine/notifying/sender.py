"""Outbox rows -> messages on people's phones: at least once, in order for each rule and channel."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from rules_engine.model.clock import Clock
from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.outbox import Outbox, Waiting

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0
ATTEMPTS_MAX = 300
"""About a day at the longest pause; then the row is dead and says so."""
WAITING_MAX = 100
POLL_S = 1.0
"""How soon a row is seen that nobody announced with `wake`."""

TITLE_LENGTH_MAX = 100
TEXT_LENGTH_MAX = 1900
"""Telegram allows 4096 UTF-16 units after its own mark-up; every character may take two."""
PLAIN_LENGTH_MAX = 1000

_log = logging.getLogger(__name__)


class Sender:
    """Takes what waits in the outbox to its channels. Each channel has a lane of its own: none can hold up another."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, str],
        clock: Clock,
        courier: Callable[[str], Courier] = Courier,
    ) -> None:
        """``channels`` maps names to Apprise URLs, ``courier`` is who takes messages to one of them."""
        self._outbox = outbox
        self._settled = asyncio.Event()
        self._lanes = {name: Lane(name, outbox, courier(url), clock, self._settled) for name, url in channels.items()}

    async def drained(self) -> None:
        """Returns when nothing waits any more; that may be never, so give it a deadline."""
        while self._outbox.channels():
            self._settled.clear()
            await self._settled.wait()

    def wake(self) -> None:
        """Says that something new is in the outbox."""
        for lane in self._lanes.values():
            lane.wake()

    async def run(self) -> None:
        """Sends until cancelled. What was being sent by then is sent again next time."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes.values():
                group.create_task(lane.run())
            while True:
                self._bury_homeless()
                await asyncio.sleep(POLL_S)

    def _bury_homeless(self) -> None:
        """Notices for a channel that the settings no longer name cannot reach anybody."""
        for channel in sorted(self._outbox.channels() - self._lanes.keys()):
            for row in self._outbox.waiting(channel, WAITING_MAX):
                _give_up(self._outbox, row, "the settings name no such channel")


class Lane:
    """One channel's way out."""

    def __init__(self, channel: str, outbox: Outbox, courier: Courier, clock: Clock, settled: asyncio.Event) -> None:
        """``settled`` is set after every attempt."""
        self._settled = settled
        self._channel = channel
        self._outbox = outbox
        self._courier = courier
        self._clock = clock
        self._news = asyncio.Event()
        self._silent_until_s = 0.0

    def wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Sends what is due, waits for more, for ever."""
        while True:
            self._news.clear()
            heads = first_of_each_rule(self._outbox.waiting(self._channel, WAITING_MAX))
            now_s = self._clock.now_s()
            due = [row for row in heads if max(row.next_s, self._silent_until_s) <= now_s]
            if due:
                await self._send(due[0])
            else:
                await self._wait(min((max(row.next_s, self._silent_until_s) - now_s for row in heads), default=POLL_S))

    async def _wait(self, delay_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(delay_s, POLL_S)):
                await self._news.wait()

    async def _send(self, row: Waiting) -> None:
        self._outbox.sending(row.id)
        delivery = await self._courier.deliver(*_letter(row))
        if delivery.fate is Fate.REFUSED:
            delivery = await self._courier.deliver("", _plain(row))
        match delivery.fate:
            case Fate.DELIVERED:
                self._outbox.sent(row.id)
            case Fate.REFUSED:
                _give_up(self._outbox, row, delivery.error)
            case Fate.FAILED:
                self._put_off(row, delivery)
        self._settled.set()

    def _put_off(self, row: Waiting, delivery: Delivery) -> None:
        if row.attempts + 1 >= ATTEMPTS_MAX:
            _give_up(self._outbox, row, delivery.error)
            return
        now_s = self._clock.now_s()
        if delivery.retry_after_s:
            self._silent_until_s = now_s + delivery.retry_after_s
        next_s = now_s + max(backoff_s(row.attempts), delivery.retry_after_s)
        self._outbox.retry(row.id, next_s, delivery.error)
        _log.warning("channel %s: %s; next try in %.0f s", row.channel, delivery.error, next_s - now_s)


def first_of_each_rule(rows: Iterable[Waiting]) -> Sequence[Waiting]:
    """The rows that no earlier row of the same rule holds back, in the order given."""
    heads: dict[str, Waiting] = {}
    for row in rows:
        heads.setdefault(row.rule, row)
    return tuple(heads.values())


def backoff_s(attempts: int) -> float:
    """How long to wait after one more failure, when so many came before it."""
    return min(BACKOFF_FIRST_S * 2.0 ** min(attempts, 32), BACKOFF_MAX_S)


def _letter(row: Waiting) -> tuple[str, str]:
    """Title and text as they are sent: a title is one line, and neither is longer than every service takes.

    The short key lets the reader tell a copy from a second event.
    """
    title = " ".join(row.title.split())
    text = _cut(row.text.strip(), TEXT_LENGTH_MAX) or title or "(no text)"
    return _cut(title, TITLE_LENGTH_MAX), f"{text}\n{short_key(row.key)}" if row.key else text


def short_key(key: str) -> str:
    """The end of an intent's or a firing's key, enough for people: rule and number."""
    return "#" + ".".join(key.split(".")[3:]) if key.count(".") >= 4 else f"#{key}"


def _plain(row: Waiting) -> str:
    """The same news with nothing in it that a service could take for mark-up."""
    title, text = _letter(row)
    words = f"{title}\n{text}" if title else text
    kept = "".join(sign for sign in words if sign == "\n" or (sign.isprintable() and sign not in "<>&*_`[]\\"))
    return _cut(kept, PLAIN_LENGTH_MAX)


def _cut(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1] + "…"


def _give_up(outbox: Outbox, row: Waiting, error: str) -> None:
    outbox.give_up(row.id, error)
    _log.error("channel %s: a message of rule %s was not delivered: %s", row.channel, row.rule or "-", error)
