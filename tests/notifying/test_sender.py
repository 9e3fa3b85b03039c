"""What the sender promises, with services that do as the test says."""

import asyncio

import pytest

from rules_engine.model.clock import SteppedClock
from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.receiver import Receiver
from rules_engine.notifying.sender import (
    ATTEMPTS_MAX,
    BACKOFF_MAX_S,
    TEXT_LENGTH_MAX,
    Lane,
    backoff_s,
    first_of_each_rule,
    short_key,
)
from tests.notifying.memory_outbox import MemoryOutbox, Message
from tests.notifying.running import running

DELIVERED = Delivery(Fate.DELIVERED)
FAILED = Delivery(Fate.FAILED, "no route")
REFUSED = Delivery(Fate.REFUSED, "too strange")


class ScriptedCourier(Courier):
    """Answers as told, then delivers; ``taken`` is what it was given."""

    def __init__(self, *answers: Delivery) -> None:
        self.answers = list(answers)
        self.taken: list[tuple[str, str]] = []

    async def deliver(self, title: str, text: str) -> Delivery:
        self.taken.append((title, text))
        await asyncio.sleep(0)
        return self.answers.pop(0) if self.answers else DELIVERED


class Lanes:
    """A lane at work in a task group."""

    def __init__(self, outbox: MemoryOutbox, courier: Courier, clock: SteppedClock) -> None:
        self.lane = Lane("phone", outbox, courier, clock, asyncio.Event())

    async def __aenter__(self) -> Lane:
        self.task = asyncio.get_running_loop().create_task(self.lane.run())
        return self.lane

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def test_messages_of_one_rule_keep_their_order_and_do_not_hold_up_other_rules() -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(FAILED), SteppedClock()
    outbox.put("phone", "r", "r1")
    last = outbox.put("phone", "r", "r2")
    other = outbox.put("phone", "s", "s1")
    async with Lanes(outbox, courier, clock) as lane:
        await outbox.reaches(other, "sent")
        assert [text for _, text in courier.taken] == ["r1", "s1"]
        clock.time_s = 1.0
        lane.wake()
        await outbox.reaches(last, "sent")
    assert [text for _, text in courier.taken] == ["r1", "s1", "r1", "r2"]


async def test_a_message_that_a_crash_interrupted_is_sent_again() -> None:
    outbox, courier = MemoryOutbox(), ScriptedCourier()
    number = outbox.put("phone", "r", "one")
    outbox.sending(number)
    async with Lanes(outbox, courier, SteppedClock()):
        await outbox.reaches(number, "sent")
    assert len(courier.taken) == 1


async def test_every_attempt_is_recorded_before_it_begins() -> None:
    outbox = MemoryOutbox()
    number = outbox.put("phone", "r", "one")
    async with Lanes(outbox, ScriptedCourier(REFUSED, REFUSED), SteppedClock()):
        await outbox.reaches(number, "dead")
    assert outbox.history == [(number, "sending"), (number, "dead")]
    assert outbox.messages[number].error == "too strange"


async def test_refused_and_then_failed_is_tried_again() -> None:
    outbox = MemoryOutbox()
    number = outbox.put("phone", "r", "one")
    async with Lanes(outbox, ScriptedCourier(REFUSED, FAILED), SteppedClock()):
        assert (await outbox.reaches(number, "waiting", attempts=1)).error == "no route"


async def test_after_the_last_attempt_the_message_is_dead() -> None:
    outbox, clock = MemoryOutbox(), SteppedClock()
    number = outbox.put("phone", "r", "one")
    courier = ScriptedCourier(*[FAILED] * ATTEMPTS_MAX)
    async with Lanes(outbox, courier, clock) as lane:
        for attempt in range(1, ATTEMPTS_MAX):
            clock.time_s = (await outbox.reaches(number, "waiting", attempts=attempt)).next_s
            lane.wake()
        await outbox.reaches(number, "dead")
    assert len(courier.taken) == ATTEMPTS_MAX
    assert clock.time_s > 20 * 3600, "the better part of a day"


async def test_one_bad_channel_does_not_hold_up_another() -> None:
    hangs = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hangs.set()
        await reader.read()
        writer.close()

    outbox = MemoryOutbox()
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server, Receiver().listening() as receiver:
        bad = f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/?rto=3"
        stuck = outbox.put("bad", "r", "one")
        async with running(outbox, {"bad": bad, "good": receiver.url}, SteppedClock()) as sender:
            await asyncio.wait_for(hangs.wait(), 5)
            fine = outbox.put("good", "r", "two")
            sender.wake()
            await outbox.reaches(fine, "sent")
            assert outbox.messages[stuck].state == "sending"
            await outbox.reaches(stuck, "waiting", attempts=1)


async def test_a_message_for_a_channel_that_is_gone_is_dead_and_says_why() -> None:
    outbox = MemoryOutbox()
    number = outbox.put("fax", "r", "one")
    async with running(outbox, {}, SteppedClock()):
        dead = await outbox.reaches(number, "dead")
    assert dead.error == "the settings name no such channel"


async def test_long_texts_are_cut_and_empty_ones_still_say_something() -> None:
    outbox, courier = MemoryOutbox(), ScriptedCourier()
    outbox.put("phone", "r", "y" * 10_000, title="t" * 1000)
    outbox.put("phone", "r", " ", title="only a title")
    last = outbox.put("phone", "r", "")
    async with Lanes(outbox, courier, SteppedClock()):
        await outbox.reaches(last, "sent")
    (title, text), only_title, nothing = courier.taken
    assert len(title) + len(text) < 2048
    assert len(text) == TEXT_LENGTH_MAX
    assert only_title == ("only a title", "only a title")
    assert nothing == ("", "(no text)")


def test_backoff_doubles_up_to_its_bound() -> None:
    assert [backoff_s(attempts) for attempts in (0, 1, 2, 3)] == [1, 2, 4, 8]
    assert backoff_s(9) == backoff_s(10_000) == BACKOFF_MAX_S


def test_only_the_oldest_message_of_a_rule_may_go() -> None:
    rows = [Message(1, "phone", "r", "a"), Message(2, "phone", "s", "b"), Message(3, "phone", "r", "c")]
    assert [row.id for row in first_of_each_rule(rows)] == [1, 2]


@pytest.mark.parametrize(
    ("key", "short"),
    [("re1.ab12.x7q.9f3a01bc.7", "#9f3a01bc.7"), ("re1.ab12.x7q.9f3a01bc.7.1", "#9f3a01bc.7.1"), ("odd", "#odd")],
)
def test_short_keys(key: str, short: str) -> None:
    assert short_key(key) == short
