"""What the sender promises, with services that do as the test says."""

import asyncio

import pytest

from rules_engine.model.clock import SteppedClock
from rules_engine.model.notice import NoticeKind
from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.letters import LATE_S, TEXT_LENGTH_MAX
from rules_engine.notifying.receiver import Receiver
from rules_engine.notifying.sender import (
    AT_FAULT_AFTER,
    ATTEMPTS_MAX,
    BACKOFF_MAX_S,
    DIGEST_MAX,
    DIGEST_MIN,
    WAITING_MAX,
    Lane,
    backoff_s,
    first_of_each_rule,
)
from tests.notifying.memory_outbox import DEADLINE_S, MemoryOutbox, Message
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


async def test_once_the_channel_works_again_what_waited_for_it_goes_at_once() -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(*[FAILED] * 6), SteppedClock()
    rows = [outbox.put("phone", rule, rule) for rule in ("r", "s")]
    async with Lanes(outbox, courier, clock) as lane:
        for attempt in (1, 2):
            clock.time_s = max([(await outbox.reaches(row, "waiting", attempts=attempt)).next_s for row in rows])
            lane.wake()
        for row in rows:
            assert (await outbox.reaches(row, "waiting", attempts=3)).next_s > clock.time_s
        news = outbox.put("phone", "t", "t", at_s=clock.time_s)
        lane.wake()
        for row in (news, *rows):
            await outbox.reaches(row, "sent")
    assert [text for _, text in courier.taken[6:]] == ["t", "r", "s"]


async def test_what_was_hastened_once_and_failed_again_takes_its_time() -> None:
    outbox, clock = MemoryOutbox(), SteppedClock()
    courier = ScriptedCourier(FAILED, FAILED, DELIVERED, FAILED, FAILED, DELIVERED, DELIVERED)
    rows = [outbox.put("phone", rule, rule) for rule in ("r", "s")]
    async with Lanes(outbox, courier, clock) as lane:
        for row in rows:
            await outbox.reaches(row, "waiting", attempts=1)
        for rule in ("t", "u", "v"):
            news = outbox.put("phone", rule, rule)
            lane.wake()
            await outbox.reaches(news, "sent")
            for row in rows:
                await outbox.reaches(row, "waiting", attempts=2)
    assert [outbox.messages[row].attempts for row in rows] == [2, 2]


async def test_what_was_given_up_stays_given_up_when_the_channel_works_again() -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(FAILED, FAILED, FAILED, REFUSED, REFUSED), SteppedClock()
    rows = [outbox.put("phone", rule, rule) for rule in ("r", "s", "t")]
    async with Lanes(outbox, courier, clock) as lane:
        clock.time_s = max([(await outbox.reaches(row, "waiting", attempts=1)).next_s for row in rows])
        lane.wake()
        await outbox.reaches(rows[2], "sent")
    assert [outbox.messages[row].state for row in rows] == ["dead", "sent", "sent"]


async def test_a_message_that_fails_alone_waits_whatever_else_passes() -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(FAILED), SteppedClock()
    poison = outbox.put("phone", "r", "poison")
    async with Lanes(outbox, courier, clock) as lane:
        for rule in ("s", "t", "u"):
            await outbox.reaches(outbox.put("phone", rule, rule), "sent")
            lane.wake()
    assert outbox.messages[poison].attempts == 1


class Picky(Courier):
    """A service that will not have one message, and takes all others while it is up."""

    def __init__(self) -> None:
        self.is_up = True
        self.taken: list[str] = []

    async def deliver(self, title: str, text: str) -> Delivery:
        await asyncio.sleep(0)
        if not self.is_up or "poison" in text:
            return FAILED
        self.taken.append(text)
        return DELIVERED


async def test_a_message_that_a_working_channel_will_not_have_holds_its_rule_up_for_an_hour_and_no_day() -> None:
    outbox, courier, clock = MemoryOutbox(), Picky(), SteppedClock()
    poison = outbox.put("phone", "r", "poison")
    behind = outbox.put("phone", "r", "behind it")
    async with Lanes(outbox, courier, clock) as lane:
        for attempt in range(1, AT_FAULT_AFTER + 1):
            put_off = await outbox.reaches(poison, "waiting", attempts=attempt)
            await outbox.reaches(outbox.put("phone", "s", "another", at_s=clock.time_s), "sent")
            clock.time_s = put_off.next_s
            lane.wake()
        await outbox.reaches(behind, "sent")
    assert outbox.messages[poison].state == "dead"
    assert clock.time_s < 2 * 3600


async def test_what_passed_before_an_outage_gives_nothing_up_in_it() -> None:
    outbox, courier, clock = MemoryOutbox(), Picky(), SteppedClock()
    async with Lanes(outbox, courier, clock) as lane:
        courier.is_up = False
        number = outbox.put("phone", "r", "one")
        lane.wake()
        await outbox.reaches(number, "waiting", attempts=1)
        courier.is_up = True
        await outbox.reaches(outbox.put("phone", "s", "another"), "sent")
        courier.is_up = False
        for attempt in range(2, 3 * AT_FAULT_AFTER):
            clock.time_s = outbox.messages[number].next_s
            lane.wake()
            await outbox.reaches(number, "waiting", attempts=attempt)
        courier.is_up = True
        clock.time_s = outbox.messages[number].next_s
        lane.wake()
        await outbox.reaches(number, "sent")


async def test_a_digest_that_fails_while_others_pass_is_taken_apart() -> None:
    outbox, courier, clock = MemoryOutbox(), Picky(), SteppedClock(3600.0)
    rows = [outbox.put("phone", f"r{number}", f"event {number}") for number in range(DIGEST_MIN)]
    poison = outbox.put("phone", "s", "poison")
    async with Lanes(outbox, courier, clock) as lane:
        await outbox.reaches(rows[0], "waiting", attempts=1)
        await outbox.reaches(outbox.put("phone", "t", "news", at_s=3600.0), "sent")
        for _ in range(len(rows)):
            clock.time_s = max(message.next_s for message in outbox.messages.values())
            lane.wake()
            await outbox.looked(outbox.looks + 2)
        for row in rows:
            await outbox.reaches(row, "sent")
    assert outbox.messages[poison].state == "waiting"


async def test_an_alarm_does_not_wait_behind_what_waits() -> None:
    outbox, courier, clock = MemoryOutbox(), Picky(), SteppedClock(3600.0)
    outbox.put("phone", "r", "poison")
    for number in range(2 * WAITING_MAX):
        outbox.put("phone", "r", f"event {number}")
    alarm = outbox.put("phone", "", "two orders for one firing", kind=NoticeKind.ALARM)
    async with Lanes(outbox, courier, clock):
        await outbox.reaches(alarm, "sent")
    assert len(courier.taken) == 1


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
    hangs, hung_long_enough = asyncio.Event(), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hangs.set()
        await hung_long_enough.wait()
        writer.close()

    outbox = MemoryOutbox()
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server, Receiver().listening() as receiver:
        bad = f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/?rto=600"
        stuck = outbox.put("bad", "r", "one")
        async with running(outbox, {"bad": bad, "good": receiver.url}, SteppedClock()) as sender:
            await asyncio.wait_for(hangs.wait(), DEADLINE_S)
            fine = outbox.put("good", "r", "two")
            sender.wake()
            await outbox.reaches(fine, "sent")
            assert outbox.messages[stuck].state == "sending"
            hung_long_enough.set()
            await outbox.reaches(stuck, "waiting", attempts=1)


async def test_without_any_channel_a_message_is_dead_and_says_why() -> None:
    outbox = MemoryOutbox()
    number = outbox.put("fax", "r", "one")
    async with running(outbox, {}, SteppedClock()):
        dead = await outbox.reaches(number, "dead")
    assert dead.error == "the settings name no such channel"


async def test_after_an_outage_late_messages_come_as_one_that_says_how_old_each_is() -> None:
    outbox, clock = MemoryOutbox(), SteppedClock(100_000.0)
    for minute in range(9):
        at_s = clock.time_s - 3600 + 60 * minute
        outbox.put("phone", f"r{minute % 2}", f"event {minute}", title="fired", key=f"re1.a.b.cc.{minute}", at_s=at_s)
    courier = ScriptedCourier()
    async with Lanes(outbox, courier, clock):
        await outbox.reaches(9, "sent")
    [(title, text)] = courier.taken
    assert title == "9 messages that were held up"
    assert text.splitlines()[0] == "1h ago: fired: event 0 #cc.0"
    assert text.splitlines()[8] == "52m ago: fired: event 8 #cc.8"


@pytest.mark.parametrize("count", [1, DIGEST_MIN - 1])
async def test_a_few_late_messages_come_alone_with_their_age(count: int) -> None:
    outbox, clock, courier = MemoryOutbox(), SteppedClock(7200.0), ScriptedCourier()
    for number in range(count):
        last = outbox.put("phone", "r", f"event {number}")
    async with Lanes(outbox, courier, clock):
        await outbox.reaches(last, "sent")
    assert [text for _, text in courier.taken] == [f"2h ago: event {number}" for number in range(count)]


async def test_many_messages_of_the_last_minute_are_no_digest() -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(), SteppedClock(LATE_S - 1)
    for number in range(3 * DIGEST_MAX):
        last = outbox.put("phone", "r", f"event {number}")
    async with Lanes(outbox, courier, clock):
        await outbox.reaches(last, "sent")
    assert [text for _, text in courier.taken] == [f"event {number}" for number in range(3 * DIGEST_MAX)]


@pytest.mark.parametrize("kind", [NoticeKind.ALARM, NoticeKind.UNKNOWN_ORDER, NoticeKind.BROKEN])
async def test_what_must_be_acted_on_is_told_in_full_and_in_its_place(kind: NoticeKind) -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(), SteppedClock(3600.0)
    for number in range(DIGEST_MIN):
        outbox.put("phone", "r", f"before {number}")
    outbox.put("phone", "r", "look in TWS " * 30, kind=kind)
    last = outbox.put("phone", "r", "after")
    async with Lanes(outbox, courier, clock):
        await outbox.reaches(last, "sent")
    digest, alarm, after = (text for _, text in courier.taken)
    assert digest.count("before") == DIGEST_MIN
    assert alarm == "1h ago: " + ("look in TWS " * 30).strip()
    assert after == "1h ago: after"


async def test_a_digest_that_fails_is_one_attempt_and_comes_later_as_one() -> None:
    outbox, courier, clock = MemoryOutbox(), ScriptedCourier(FAILED, FAILED), SteppedClock(3600.0)
    for number in range(2 * DIGEST_MAX):
        last = outbox.put("phone", f"r{number}", f"event {number}")
    async with Lanes(outbox, courier, clock) as lane:
        for attempt in (1, 2):
            put_off = await outbox.reaches(1, "waiting", attempts=attempt)
            assert outbox.messages[DIGEST_MAX].next_s == put_off.next_s
            assert outbox.messages[last].attempts == 0, "who waits for the digest is not tried alone"
            clock.time_s = put_off.next_s
            lane.wake()
        await outbox.reaches(last, "sent")
    assert [title[:2] for title, _ in courier.taken] == ["12"] * 4


async def test_a_digest_that_is_refused_loses_only_what_is_refused_alone() -> None:
    outbox, clock = MemoryOutbox(), SteppedClock(3600.0)
    courier = ScriptedCourier(*[REFUSED] * 3)
    for number in range(DIGEST_MIN + 1):
        last = outbox.put("phone", f"r{number}", f"event {number}")
    async with Lanes(outbox, courier, clock):
        await outbox.reaches(last, "sent")
    assert [outbox.messages[number].state for number in range(1, last + 1)] == ["dead"] + ["sent"] * DIGEST_MIN


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
