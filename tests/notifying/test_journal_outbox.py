"""The sender on the real outbox in the journal, across a stop in the middle of sending."""

import asyncio
import contextlib
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rules_engine.execution.journal import Journal
from rules_engine.execution.ledger import open_ledger
from rules_engine.execution.outbox import ChannelHealth, Outbox
from rules_engine.model.clock import SteppedClock
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.outbox import Waiting
from rules_engine.notifying.receiver import Receiver
from rules_engine.notifying.sender import Lane, Sender
from tests.notifying.memory_outbox import DEADLINE_S, MemoryOutbox


class Announced:
    """The journal's outbox; ``settled`` is set once nothing waits any more, or something has failed."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.settled = asyncio.Event()
        self.channels, self.waiting = outbox.channels, outbox.waiting
        self.sending, self.give_up, self.hand_on = outbox.sending, outbox.give_up, outbox.hand_on

    def sent(self, message_id: int) -> None:
        self.outbox.sent(message_id)
        if not self.outbox.channels():
            self.settled.set()

    def retry(self, message_id: int, at_s: float, error: str) -> None:
        self.outbox.retry(message_id, at_s, error)
        self.settled.set()

    async def send_to(self, url: str, channel: str, clock: SteppedClock) -> None:
        """Runs a sender until the outbox has settled."""
        task = asyncio.get_running_loop().create_task(Sender(self, {channel: url}, clock).run())
        await asyncio.wait_for(self.settled.wait(), DEADLINE_S)
        task.cancel()
        await asyncio.wait({task})


def told(text: str, *channels: str) -> Notice:
    return Notice(NoticeKind.FILLED, text, dedup=text, at_s=100.0, channels=channels, rule="r", key="re1.a.b.cc.1.1")


async def test_what_was_recorded_arrives_once_in_order_and_what_a_stop_interrupted_arrives_again(
    tmp_path: Path,
) -> None:
    clock = SteppedClock(100.0)
    journal = Journal(tmp_path / "journal", clock)
    assert journal.tell(told("one", "desk"))
    assert not journal.tell(told("one", "desk")), "the same event is not news"
    assert journal.tell(told("two", "desk"))
    [one, _] = journal.outbox.waiting("desk", 10)
    journal.outbox.sending(one.id)
    journal.close()

    journal = Journal(tmp_path / "journal", clock)
    async with Receiver().listening() as receiver:
        await Announced(journal.outbox).send_to(receiver.url, "desk", clock)
        assert [(await anext(receiver)).text for _ in range(2)] == ["one\n#cc.1.1", "two\n#cc.1.1"]
    journal.close()


async def test_the_database_never_sees_a_channel_s_secrets(tmp_path: Path) -> None:
    clock = SteppedClock(100.0)
    journal = Journal(tmp_path / "journal", clock)
    journal.tell(told("one", "phone"))
    bad = "jsons://u:canary-password@127.0.0.1:9/canary-path"
    await Announced(journal.outbox).send_to(bad, "phone", clock)
    [failed] = journal.outbox.waiting("phone", 1)
    assert failed.error
    journal.close()
    assert not any(b"canary" in content for content in files_in(tmp_path))


def files_in(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


async def test_how_each_channel_does_can_be_asked_at_any_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", SteppedClock(100.0))
    for text in ("one", "two", "three"):
        journal.tell(told(text, "desk", "phone"))
    one, two, three = journal.outbox.waiting("desk", 10)
    journal.outbox.sent(one.id)
    journal.outbox.give_up(two.id, "chat not found")
    journal.outbox.retry(three.id, 200.0, "no route")
    with open_ledger(tmp_path / "journal") as ledger:
        desk, phone = ledger.channels()
    assert desk == ChannelHealth("desk", waiting=1, oldest_s=100.0, dead=1, error="no route")
    assert phone == ChannelHealth("phone", waiting=3, oldest_s=100.0, dead=0, error="")
    journal.close()


@pytest.mark.parametrize("seed", range(30))
async def test_killed_at_any_commit_every_message_arrives_in_order_and_at_most_one_more_than_once_a_kill(
    tmp_path: Path, seed: int
) -> None:
    dice, clock = random.Random(seed), SteppedClock(100.0)
    journal = Journal(tmp_path / "journal", clock)
    for number in range(dice.randrange(1, 30)):
        news = told(f"r{number % 3}.{number:02}", "desk")
        journal.tell(replace(news, rule=news.text[:2], at_s=clock.time_s))
        clock.time_s += dice.choice((0, 1, 40))
    clock.time_s += dice.choice((0, 30, 7200))
    office, kills = Office(), 0
    while journal.outbox.channels():
        office.commits_left = dice.choice((0, 1, 2, 3, 5, 8, 13, 1000))
        lane = Lane("desk", Mortal(journal.outbox, office), office, clock, asyncio.Event())
        with contextlib.suppress(Dead):
            await lane.run()
        kills += office.commits_left <= 0
        journal.close()
        journal = Journal(tmp_path / "journal", clock)
    journal.close()
    arrived = [text for letter in office.letters for text in re.findall(r"r\d\.\d\d", letter)]
    assert sum(any(text in before for before in office.letters[:at]) for at, text in firsts(office)) <= kills
    for rule in ("r0", "r1", "r2"):
        texts = list(dict.fromkeys(text for text in arrived if text.startswith(rule)))
        assert texts == sorted(texts), f"seed {seed}"
    assert len(set(arrived)) == len({row.text for row in office.taken.values()}), f"seed {seed}"


def firsts(office: "Office") -> list[tuple[int, str]]:
    """Each letter's first news, with the letter's number."""
    return [(at, re.findall(r"r\d\.\d\d", letter)[0]) for at, letter in enumerate(office.letters)]


class Dead(BaseException):
    """The process is gone, by a kill or because nothing was left to do."""


class Office(Courier):
    """Delivers everything, and remembers it over all lives of the sender."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.taken: dict[int, Waiting] = {}
        self.commits_left = 0

    async def deliver(self, title: str, text: str) -> Delivery:
        self.letters.append(text)
        return Delivery(Fate.DELIVERED)


class Mortal:
    """The journal's outbox of a process that dies instead of one of its commits."""

    def __init__(self, outbox: Outbox, office: Office) -> None:
        self._outbox, self._office = outbox, office
        self.channels, self.retry = outbox.channels, outbox.retry
        self.give_up, self.hand_on = outbox.give_up, outbox.hand_on

    def waiting(self, channel: str, count_max: int) -> Sequence[Waiting]:
        rows = self._outbox.waiting(channel, count_max)
        if not rows:
            raise Dead
        self._office.taken |= {row.id: row for row in rows}
        return rows

    def sending(self, message_id: int) -> None:
        self._spend()
        self._outbox.sending(message_id)

    def sent(self, message_id: int) -> None:
        self._spend()
        self._outbox.sent(message_id)

    def _spend(self) -> None:
        self._office.commits_left -= 1
        if self._office.commits_left <= 0:
            raise Dead


async def test_behind_the_oldest_come_those_to_act_on_unless_another_of_their_rule_is_before_them(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal", SteppedClock(100.0))
    twin = MemoryOutbox()
    dice = random.Random(7)
    for number in range(60):
        rule, kind = dice.choice(("", "r", "s", "t")), dice.choice((*[NoticeKind.FILLED] * 9, NoticeKind.ALARM))
        journal.tell(Notice(kind, f"text {number}", f"event {number}", 100.0, ("desk",), rule))
        twin.put("desk", rule, f"text {number}", kind=kind)
    for count in (1, 5, 20, 59, 60, 99):
        found = [message.text for message in journal.outbox.waiting("desk", count)]
        assert found == [message.text for message in sorted(twin.waiting("desk", count), key=lambda one: one.id)]
    journal.close()


def test_looking_for_what_waits_reads_nothing_that_was_sent(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", SteppedClock(100.0))
    connection, asked = journal.outbox._database._connection, []
    connection.set_trace_callback(asked.append)
    journal.outbox.waiting("desk", 10)
    journal.outbox.channels()
    connection.set_trace_callback(None)
    plans = [connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchone()["detail"] for statement in asked]
    assert len(plans) == 2 and all("INDEX outbox_open" in plan for plan in plans)
    journal.close()


@pytest.mark.parametrize("kind", [NoticeKind.ALARM, NoticeKind.UNKNOWN_ORDER, NoticeKind.FILLED])
async def test_what_waits_for_a_channel_that_was_renamed_goes_once_to_those_there_are(
    tmp_path: Path, kind: NoticeKind
) -> None:
    clock = SteppedClock(100.0)
    journal = Journal(tmp_path / "journal", clock)
    journal.tell(replace(told("both were told", "fax", "phone"), kind=kind))
    journal.tell(replace(told("only the old one", "fax"), kind=kind))
    async with Receiver().listening() as receiver:
        await Announced(journal.outbox).send_to(receiver.url, "phone", clock)
        texts = sorted([(await anext(receiver)).text for _ in range(2)])
    assert texts == ["both were told\n#cc.1.1", "only the old one\n#cc.1.1"]
    with open_ledger(tmp_path / "journal") as ledger:
        fax, _ = ledger.channels()
    assert (fax.waiting, fax.dead) == (0, 2)
    assert fax.error == "the settings name no such channel; told to phone"
    journal.close()
