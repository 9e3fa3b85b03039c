"""Apprise's Telegram plugin, unmodified, against a Telegram of our own over TLS."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rules_engine.model.clock import SteppedClock
from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.letters import PLAIN_LENGTH_MAX
from rules_engine.notifying.redaction import install_redaction, secrets_in
from tests.notifying.memory_outbox import DEADLINE_S, MemoryOutbox
from tests.notifying.running import running, step
from tests.notifying.telegram_server import (
    BROKEN,
    CANNOT_PARSE,
    HANGING,
    TOKEN,
    TOO_MANY,
    URL,
    Reply,
    Telegram,
    telegram,
)

PHONE = {"phone": URL}


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Telegram]:
    async with telegram(monkeypatch, tmp_path) as service:
        yield service


async def test_a_message_arrives_with_its_signs_escaped(service: Telegram) -> None:
    outbox = MemoryOutbox()
    number = outbox.put("phone", "r", "V > 200 & MA < 400 <b>_x_</b>", title="r\r\nfired", key="re1.aa.bb.cc.7")
    async with running(outbox, PHONE, SteppedClock()):
        await outbox.reaches(number, "sent")
    [posted] = service.posted
    assert str(posted["chat_id"]) == "-1001234567890"
    assert "r fired" in posted["text"]
    assert "V &gt; 200 &amp; MA &lt; 400 &lt;b&gt;_x_&lt;/b&gt;" in posted["text"]
    assert posted["text"].endswith("#cc.7")


async def test_429_is_obeyed_to_the_second(service: Telegram) -> None:
    service.replies = [TOO_MANY]
    outbox, clock = MemoryOutbox(), SteppedClock(1000.0)
    first = outbox.put("phone", "r", "one", at_s=1000.0)
    other = outbox.put("phone", "s", "two", at_s=1000.0)
    async with running(outbox, PHONE, clock) as sender:
        put_off = await outbox.reaches(first, "waiting", attempts=1)
        assert put_off.next_s == 1035.0
        step(clock, sender, 1034.9)
        await no_further_attempt(outbox, other, 0)
        step(clock, sender, 1035.0)
        await outbox.reaches(first, "sent")
        await outbox.reaches(other, "sent")
    assert [posted["text"] for posted in service.posted] == ["one", "one", "two"]


async def no_further_attempt(outbox: MemoryOutbox, number: int, attempts: int) -> None:
    """The lane has looked (it asks the outbox at every wake) and let the message be."""
    looked = outbox.looks
    await outbox.looked(looked + 1)
    assert outbox.messages[number].attempts == attempts


async def test_what_telegram_cannot_parse_goes_once_more_without_any_mark_up(service: Telegram) -> None:
    service.replies = [CANNOT_PARSE]
    outbox = MemoryOutbox()
    number = outbox.put("phone", "r", "<b> & _x_ " + "y" * 5000, title="r fired")
    async with running(outbox, PHONE, SteppedClock()):
        await outbox.reaches(number, "sent")
    first, second = (posted["text"].replace("\r\n", "\n") for posted in service.posted)
    assert len(first) < 4096
    assert len(second) <= PLAIN_LENGTH_MAX
    assert second.startswith("r fired\nb  x yyy")
    assert not set(second) & set("<>&_*")


async def test_what_telegram_refuses_twice_is_a_dead_letter_and_the_next_goes_on(service: Telegram) -> None:
    gone = Reply(400, "Bad Request: chat not found")
    service.replies = [gone, gone]
    outbox = MemoryOutbox()
    dead = outbox.put("phone", "r", "one")
    after = outbox.put("phone", "r", "two")
    async with running(outbox, PHONE, SteppedClock()):
        await outbox.reaches(after, "sent")
    assert outbox.messages[dead].state == "dead"
    assert "chat not found" in outbox.messages[dead].error


@pytest.mark.parametrize("reply", [BROKEN, HANGING], ids=["5xx", "hang"])
async def test_a_failing_service_gets_the_message_later(service: Telegram, reply: Reply) -> None:
    service.replies = [reply, reply]
    outbox, clock = MemoryOutbox(), SteppedClock()
    number = outbox.put("phone", "r", "one")
    async with running(outbox, PHONE, clock) as sender:
        assert (await outbox.reaches(number, "waiting", attempts=1)).next_s == 1.0
        step(clock, sender, 1.0)
        assert (await outbox.reaches(number, "waiting", attempts=2)).next_s == 3.0
        step(clock, sender, 3.0)
        await outbox.reaches(number, "sent")
    assert len(service.posted) == 3


async def test_a_hanging_attempt_is_left_alone_and_no_second_one_piles_up(service: Telegram) -> None:
    service.replies = [HANGING]
    courier = Courier(URL.replace("rto=0.3", "rto=5"), deadline_s=1.0)
    assert await courier.deliver("", "one") == Delivery(Fate.FAILED, "no answer within 1 seconds")
    assert await courier.deliver("", "one") == Delivery(Fate.FAILED, "the attempt before still hangs")
    async with asyncio.timeout(DEADLINE_S):
        while not service.posted:  # It may have been left alone before it had even begun.
            await asyncio.sleep(0.01)
    assert len(service.posted) == 1


@pytest.mark.parametrize("reply", [TOO_MANY, CANNOT_PARSE, BROKEN, HANGING, Reply(401, "Unauthorized")])
async def test_the_token_appears_nowhere(service: Telegram, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    install_redaction(secrets_in(URL))
    service.replies = [reply, reply]
    outbox = MemoryOutbox()
    number = outbox.put("phone", "r", "one")
    async with running(outbox, PHONE, SteppedClock()):
        await outbox.reaches(number, "dead" if reply is CANNOT_PARSE else "waiting", attempts=1)
    assert any(TOKEN.lower() in path for path in service.paths), "the plugin did use the token"
    seen = caplog.text + repr(outbox.messages) + "".join(str(record.__dict__) for record in caplog.records)
    assert "canary" not in seen
    assert TOKEN.partition(":")[0] not in seen


async def test_the_token_is_masked_even_when_someone_turns_debugging_on(
    service: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    install_redaction(secrets_in(URL))
    courier = Courier(URL)
    assert (await courier.deliver("", "warm")).fate is Fate.DELIVERED
    for name in ("apprise", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)
    assert (await courier.deliver("", "one")).fate is Fate.DELIVERED
    assert "POST" in caplog.text
    assert "canary" not in caplog.text


async def test_without_the_service_the_message_waits(
    service: Telegram, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    delivery = await Courier(URL).deliver("", "one")
    assert delivery.fate is Fate.FAILED, "a certificate that nobody trusts"
    assert "canary" not in delivery.error
    assert service.posted == []
