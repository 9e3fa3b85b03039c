"""A secret is a canary: every way in which its service may fail is tried, and then everything that can be read is."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rules_engine.daemon.logs import start_logging
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import SteppedClock
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.notifying.channels import check_channels
from rules_engine.notifying.sender import Sender
from tests.cli.calling import call, call_beside
from tests.cli.written import GOOD, write_config, write_rules

CANARY = "c4n4ry"
FAILURES = {
    "bad request": b"HTTP/1.1 400 -\r\nContent-Length: 6\r\n\r\nc4n4ry",
    "unauthorised": b"HTTP/1.1 401 -\r\nContent-Length: 0\r\n\r\n",
    "forbidden": b"HTTP/1.1 403 c4n4ry\r\nContent-Length: 0\r\n\r\n",
    "not found": b"HTTP/1.1 404 -\r\nContent-Length: 0\r\n\r\n",
    "too many": b"HTTP/1.1 429 -\r\nRetry-After: 35\r\nContent-Length: 0\r\n\r\n",
    "broken": b"HTTP/1.1 500 -\r\nContent-Length: 0\r\n\r\n",
    "elsewhere": b"HTTP/1.1 302 -\r\nLocation: http://127.0.0.1:9/c4n4ry\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"c4n4ry\r\n\r\n",
    "hangs up": b"",
}


@asynccontextmanager
async def failing(answer: bytes) -> AsyncIterator[int]:
    """A web service that answers everything with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(autouse=True)
def loud(caplog: pytest.LogCaptureFixture, folder: Path) -> None:
    """Whatever anybody logs is kept, down to the finest."""
    caplog.set_level(logging.DEBUG)


async def outbox_settled(journal: Journal) -> None:
    """Returns when the one message failed or was given up."""
    async with asyncio.timeout(30):
        while any(row.state == "sending" or not row.error for row in journal.outbox.waiting("phone", 10)):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("scheme", ["json", "jsons"])
@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failure_shows_it(
    scheme: str, failure: str, folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """``jsons`` meets a server that does not speak TLS."""
    state = StateFolder(folder / "var")
    state.prepare()
    write_rules(folder, GOOD)
    async with failing(FAILURES[failure]) as port:
        host = f"{CANARY}-user:{CANARY}-word@127.0.0.1:{port}"
        url = f"{scheme}://{host}/{CANARY}-path?+X-Token={CANARY}-head&rto=2"
        write_config(folder, f"mode: dry\nlocal_webhooks: true\nchannels: {{phone: '{url}'}}\n")
        handlers = list(logging.getLogger().handlers)
        start_logging(state.log, [url])
        logging.getLogger().setLevel(logging.DEBUG)
        journal = Journal(state.journal, SteppedClock(100.0))
        journal.tell(Notice(NoticeKind.FILLED, "bought", "1", 100.0, ("phone",), rule="r"))
        sending = asyncio.create_task(Sender(journal.outbox, {"phone": url}, SteppedClock(100.0)).run())
        await asyncio.sleep(0)
        await outbox_settled(journal)
        sending.cancel()
        await asyncio.wait({sending})
        journal.close()
    for handler in logging.getLogger().handlers:
        handler.close()
    logging.getLogger().handlers[:] = handlers
    shown = "".join([(await call_beside(*words)).out for words in COMMANDS])
    out, err = capfd.readouterr()
    assert "channel phone" in shown
    assert CANARY not in shown + out + err
    assert [file.name for file in state.path.iterdir() if CANARY.encode() in file.read_bytes()] == []


COMMANDS = (("status",), ("status", "--json"), ("audit",), ("fires",), ("orders", "--json"))


@pytest.mark.parametrize(
    "url",
    [
        f"tgram://{CANARY}/1",
        f"mailtos://{CANARY}:{CANARY}",
        f"discord://{CANARY}",
        f"slack://{CANARY}",
        f"twilio://{CANARY}:{CANARY}",
        f"{CANARY}://x",
        f"json://{CANARY}@[::1",
    ],
)
def test_a_mistyped_address_is_refused_without_quoting_it(
    url: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers = list(logging.getLogger().handlers)
    start_logging(folder / "engine.log", [url])
    faults = check_channels({"phone": url})
    for handler in logging.getLogger().handlers:
        handler.close()
    logging.getLogger().handlers[:] = handlers
    out, err = capfd.readouterr()
    assert faults and CANARY not in str(faults) + out + err + (folder / "engine.log").read_text()


def test_a_config_with_mistakes_is_quoted_without_it(folder: Path) -> None:
    write_rules(folder, GOOD)
    for line in (f"channels: {{phone: 'tgram://{CANARY}', phone: x}}", f"channels: [tgram://{CANARY}]", "chanels: {}"):
        write_config(folder, f"{line}\nheartbeat: {{url: 'https://x/{CANARY}', evry: 1m}}\nmode: dry\n")
        answer = call("run")
        assert answer.code == 78 and CANARY not in answer.out + answer.err
