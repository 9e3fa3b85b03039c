"""The listener of the demo, with Apprise's json:// plugin on the other side."""

import asyncio
import contextlib
import json

import pytest

from rules_engine.notifying.courier import Courier, Delivery, Fate
from rules_engine.notifying.receiver import BODY_LENGTH_MAX, RECEIVED_MAX, Received, Receiver
from tests.notifying.memory_outbox import DEADLINE_S


async def post(receiver: Receiver, request: bytes) -> str:
    """Sends raw bytes, ends the sending side, and returns the status line of the answer, if any."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    writer.write(request)
    writer.write_eof()
    async with asyncio.timeout(DEADLINE_S):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode().partition("\r\n")[0]


def request(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_what_apprise_posts_arrives_as_it_was_written() -> None:
    async with Receiver().listening() as receiver:
        assert await Courier(receiver.url).deliver("r fired", "V > 200 & <MA>\nbuy 100 MA") == Delivery(Fate.DELIVERED)
        async for message in receiver:
            assert message == Received("r fired", "V > 200 & <MA>\nbuy 100 MA")
            break


async def test_nobody_listening_is_a_failure_that_may_pass() -> None:
    async with Receiver().listening() as receiver:
        pass
    assert (await Courier(receiver.url).deliver("", "x")).fate is Fate.FAILED


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LENGTH_MAX + 1),
        request(b"not json"),
        request(b"[1, 2]"),
        request(b"[" * 60_000),
        request(b"\xff\xfe"),
    ],
)
async def test_other_requests_are_refused(raw: bytes) -> None:
    async with Receiver().listening() as receiver:
        assert await post(receiver, raw) == "HTTP/1.1 400 Bad Request"
        assert await post(receiver, request(b'{"message": "still here"}')) == "HTTP/1.1 200 OK"


async def test_a_head_without_end_is_not_read_to_its_end() -> None:
    async with Receiver().listening() as receiver:
        with contextlib.suppress(ConnectionError):  # The answer may be lost when we are cut off while sending.
            assert await post(receiver, b"x" * (BODY_LENGTH_MAX * 2)) == "HTTP/1.1 400 Bad Request"
        assert await post(receiver, request(b'{"message": "still here"}')) == "HTTP/1.1 200 OK"


async def test_a_request_cut_short_harms_nobody() -> None:
    async with Receiver().listening() as receiver:
        assert await post(receiver, b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{") == ""
        assert await post(receiver, request(b'{"message": "still here"}')) == "HTTP/1.1 200 OK"


async def test_a_receiver_that_nobody_reads_says_that_it_is_full() -> None:
    async with Receiver().listening() as receiver:
        for number in range(RECEIVED_MAX):
            await post(receiver, request(json.dumps({"message": str(number)}).encode()))
        assert await post(receiver, request(b'{"message": "one more"}')) == "HTTP/1.1 503 Service Unavailable"
