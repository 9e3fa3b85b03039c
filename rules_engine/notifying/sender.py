"""Outbox rows -> messages on people's phones: at least once, in order for each rule and channel; late ones together."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from rules_engine.model.clock import Clock
from rules_engine.model.notice import TO_ACT_ON
from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.letters import LATE_S, letter, plain
from rules_engine.notifying.outbox import Outbox, Waiting

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0
ATTEMPTS_MAX = 300
"""About a day at the longest pause; then the row is dead and says so."""
AT_FAULT_AFTER = 20
"""So often a message fails alone, while others pass each time, before it is given up: it is not the channel then."""
WAITING_MAX = 100
POLL_S = 1.0
"""How soon a row is seen that nobody announced with `wake`."""

DIGEST_MIN = 5
DIGEST_MAX = 12
"""So many late messages become one, and no more than so many."""
NO_SUCH_CHANNEL = "the settings name no such channel"

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
                self._rehouse()
                await asyncio.sleep(POLL_S)

    def _rehouse(self) -> None:
        """What waits for a channel that the settings no longer name, as after it was renamed, goes to all they do."""
        for channel in sorted(self._outbox.channels() - self._lanes.keys()):
            for row in self._outbox.waiting(channel, WAITING_MAX):
                self._outbox.hand_on(row.id, sorted(self._lanes), NO_SUCH_CHANNEL)
            _log.error("channel %s: %s; what waited for it is told to the others", channel, NO_SUCH_CHANNEL)
            self.wake()


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
        self._passed = 0
        """How many letters the service took."""
        self._passed_before: dict[int, int] = {}
        """How many when a row failed last."""
        self._faults: Counter[int] = Counter()
        """How often a row failed alone while others passed."""
        self._put_off_rows: dict[int, str] = {}
        """What failed since the last delivery, with its error."""
        self._hastened: set[int] = set()
        """What was tried sooner for that: once each, so that a bad service does not use up their attempts."""

    def wake(self) -> None:
        self._news.set()

    async def run(self) -> None:
        """Sends what is due, waits for more, for ever."""
        while True:
            self._news.clear()
            now_s = self._clock.now_s()
            letters = letters_of(self._outbox.waiting(self._channel, WAITING_MAX), now_s)
            due_s = [max(rows[0].next_s, self._silent_until_s) for rows in letters]
            due = next((rows for rows, at_s in zip(letters, due_s, strict=True) if at_s <= now_s), None)
            if due:
                await self._send(due)
            else:
                await self._wait(min((at_s - now_s for at_s in due_s), default=POLL_S))

    async def _wait(self, delay_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(delay_s, POLL_S)):
                await self._news.wait()

    async def _send(self, rows: Sequence[Waiting]) -> None:
        for row in rows:
            self._outbox.sending(row.id)
        title, text = letter(rows, self._clock.now_s())
        delivery = await self._courier.deliver(title, text)
        if delivery.fate is Fate.REFUSED and len(rows) == 1:
            delivery = await self._courier.deliver("", plain(title, text))
        match delivery.fate:
            case Fate.DELIVERED:
                for row in rows:
                    self._outbox.sent(row.id)
                    self._forget(row)
                self._passed += 1
                self._works_again([row.id for row in rows])
            case Fate.REFUSED | Fate.FAILED if len(rows) > 1 and self._may_be_at_fault(rows, delivery):
                # One of them may be the reason: the oldest finds out alone, the others try again together.
                for row in rows[1:]:
                    self._outbox.retry(row.id, row.next_s, delivery.error)
                await self._send(rows[:1])
            case Fate.REFUSED:
                self._bury(rows[0], delivery.error)
            case Fate.FAILED:
                self._put_off(rows, delivery)
        self._settled.set()

    def _may_be_at_fault(self, rows: Sequence[Waiting], delivery: Delivery) -> bool:
        """Whether it is one of the messages that the service will not have: it said so, or took others meanwhile."""
        took_others = any(self._passed > self._passed_before.get(row.id, self._passed) for row in rows)
        return delivery.fate is Fate.REFUSED or took_others

    def _works_again(self, sent: Sequence[int]) -> None:
        """What waited for the channel need not wait any longer. A row that fails alone, while others pass, does."""
        others = {number: error for number, error in self._put_off_rows.items() if number not in sent}
        self._hastened.difference_update(sent)
        if len(others) > 1:
            for number, error in others.items():
                self._outbox.retry(number, self._clock.now_s(), error)
            self._hastened |= others.keys()
            self._put_off_rows = {}
        else:
            self._put_off_rows = others

    def _bury(self, row: Waiting, error: str) -> None:
        self._put_off_rows.pop(row.id, None)
        self._hastened.discard(row.id)
        self._forget(row)
        _give_up(self._outbox, row, error)

    def _forget(self, row: Waiting) -> None:
        self._passed_before.pop(row.id, None)
        del self._faults[row.id]

    def _put_off(self, rows: Sequence[Waiting], delivery: Delivery) -> None:
        now_s = self._clock.now_s()
        if delivery.retry_after_s:
            self._silent_until_s = now_s + delivery.retry_after_s
        next_s = now_s + max(backoff_s(rows[0].attempts), delivery.retry_after_s)
        if len(rows) == 1 and self._may_be_at_fault(rows, delivery):
            self._faults[rows[0].id] += 1
        for row in rows:
            if row.attempts + 1 >= ATTEMPTS_MAX or self._faults[row.id] >= AT_FAULT_AFTER:
                self._bury(row, delivery.error)
            else:
                self._passed_before[row.id] = self._passed
                self._outbox.retry(row.id, next_s, delivery.error)
                if row.id not in self._hastened:
                    self._put_off_rows[row.id] = delivery.error
        _log.warning("channel %s: %s; next try in %.0f s", self._channel, delivery.error, next_s - now_s)


def letters_of(rows: Sequence[Waiting], now_s: float) -> Sequence[Sequence[Waiting]]:
    """What may be sent now or later, as letters: rows that are late in one, every other row in one of its own. What
    must be acted on comes first.

    No row overtakes an earlier one of its rule.
    """
    late = _late(rows, now_s)
    digest = late if len(late) >= DIGEST_MIN else []
    waiting_for_it = {row.id for row in digest}
    alone = [(row,) for row in first_of_each_rule(rows) if row.id not in waiting_for_it]
    letters = [digest[:DIGEST_MAX], *alone] if digest else alone
    return sorted(letters, key=lambda letter: letter[0].kind not in TO_ACT_ON)


def _late(rows: Iterable[Waiting], now_s: float) -> Sequence[Waiting]:
    """The rows that may go in a digest. A rule's rows behind one that may not are not among them."""
    barred: set[str] = set()
    found = []
    for row in rows:
        if row.rule in barred or row.kind in TO_ACT_ON or now_s - row.at_s < LATE_S:
            barred.add(row.rule)
        else:
            found.append(row)
    return found


def first_of_each_rule(rows: Iterable[Waiting]) -> Sequence[Waiting]:
    """The rows that no earlier row of the same rule holds back, in the order given."""
    heads: dict[str, Waiting] = {}
    for row in rows:
        heads.setdefault(row.rule, row)
    return tuple(heads.values())


def backoff_s(attempts: int) -> float:
    """How long to wait after one more failure, when so many came before it."""
    return min(BACKOFF_FIRST_S * 2.0 ** min(attempts, 32), BACKOFF_MAX_S)


def _give_up(outbox: Outbox, row: Waiting, error: str) -> None:
    outbox.give_up(row.id, error)
    _log.error("channel %s: a message of rule %s was not delivered: %s", row.channel, row.rule or "-", error)
