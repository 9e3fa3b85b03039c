"""The sender on the real outbox in the journal, across a stop in the middle of sending."""

import asyncio
from pathlib import Path

from rules_engine.execution.journal import Journal
from rules_engine.execution.outbox import Outbox
from rules_engine.model.clock import SteppedClock
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.notifying.receiver import Receiver
from rules_engine.notifying.sender import Sender


class Announced:
    """The journal's outbox; ``settled`` is set once nothing waits any more, or something has failed."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.settled = asyncio.Event()
        self.channels, self.waiting = outbox.channels, outbox.waiting
        self.sending, self.give_up = outbox.sending, outbox.give_up

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
        await asyncio.wait_for(self.settled.wait(), 10)
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
