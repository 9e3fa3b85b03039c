"""Bytes and frames: the hello, splits, and what cannot be a frame."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.gateway import Gateway
from rules_engine.gateway.wire.frames import FRAME_BYTES_MAX, BrokenFrame, FrameReader, agreed_version, fields_of, frame
from tests.gateway.conftest import DEADLINE_S, Bench, Dial, framed, hello
from tests.gateway.requests import Socket

CONTRACT_V = (0, "V", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")


@pytest.mark.parametrize(("offered", "agreed"), [(157, 157), (176, 176), (178, 178), (225, 178)])
async def test_the_version_is_the_lower_of_both_maxima(dial: Dial, gateway: Gateway, offered: int, agreed: int) -> None:
    wire = await dial.open(gateway)
    wire.write(hello(offered))
    version, time = await wire.read()
    assert version == str(agreed)
    assert time.endswith("US/Eastern")


@pytest.mark.parametrize("offer", [b"v200..210", b"v100..156", b"157", b"v157..x"])
def test_a_version_range_that_does_not_meet_ours_is_refused(offer: bytes) -> None:
    with pytest.raises(BrokenFrame):
        agreed_version(offer)


def test_connect_options_after_the_range_are_ignored() -> None:
    assert agreed_version(b"v157..176 +PACEAPI") == 176


async def test_the_hello_travels_alone(dial: Dial, gateway: Gateway) -> None:
    """Old clients read it with one receive and would lose whatever came with it."""
    wire = await dial.open(gateway)
    wire.write(hello(157))
    async with asyncio.timeout(DEADLINE_S):
        first = await wire.reader.read(65536)
    assert len(first) == 4 + int.from_bytes(first[:4], "big")


@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_any_split_gives_the_same_frames(cuts: list[int]) -> None:
    stream = hello(176) + framed(71, 2, 1, "") + framed(49, 1) + framed(81, 5, "MA")
    reader = FrameReader()
    payloads: list[bytes] = []
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in itertools.pairwise(edges):
        reader.feed(stream[start:end])
        payloads += reader.payloads()
    assert payloads[0] == b"v157..176"
    assert [fields_of(payload) for payload in payloads[1:]] == [["71", "2", "1", ""], ["49", "1"], ["81", "5", "MA"]]


async def test_bytes_one_by_one_are_answered_like_bytes_at_once(dial: Dial, gateway: Gateway) -> None:
    at_once = await dial.greeted(gateway, clientId=1)
    at_once.send(9, 8, 4, *CONTRACT_V, 0, "", "", "")
    expected = [await at_once.read(), await at_once.read()]
    one_by_one = await dial.greeted(gateway, clientId=2)
    for byte in framed(9, 8, 4, *CONTRACT_V, 0, "", "", ""):
        one_by_one.write(bytes([byte]))
        await one_by_one.writer.drain()
    assert [await one_by_one.read(), await one_by_one.read()] == expected
    assert [message[0] for message in expected] == ["10", "52"]


@pytest.mark.parametrize(
    "bytes_",
    [
        (FRAME_BYTES_MAX + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x0249",
        framed("x", 1),
        framed(-49, 1),
        framed(4, 1, "seven", ""),
        framed(1, 11, "", *CONTRACT_V, 0, "", 0, 0, ""),
        framed(9, 8, 4, "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"))[:-4] + b"\xff\xfe\x00\x00",
    ],
    ids=["too long", "empty", "unclosed", "no number", "negative", "order id", "request id", "not UTF-8"],
)
async def test_an_impossible_frame_resets_that_session_alone(dial: Dial, gateway: Gateway, bytes_: bytes) -> None:
    bystander = await dial.greeted(gateway, clientId=1)
    culprit = await dial.greeted(gateway, clientId=2)
    culprit.write(bytes_)
    assert await culprit.is_closed()
    bystander.send(49, 1)
    assert (await bystander.read())[0] == "49"
    await dial.greeted(gateway, clientId=2)


async def test_what_does_not_begin_with_the_hello_is_hung_up_on(dial: Dial, gateway: Gateway) -> None:
    wire = await dial.open(gateway)
    wire.write(b"GET / HTTP/1.1\r\n")
    assert await wire.is_closed()


async def test_a_request_before_start_api_is_hung_up_on(dial: Dial, gateway: Gateway) -> None:
    wire = await dial.open(gateway)
    wire.write(hello(176))
    await wire.read()
    wire.send(49, 1)
    assert await wire.is_closed()


@pytest.mark.parametrize(
    ("fields", "reqId", "named"),
    [
        ((9, 8, 4, "five", *CONTRACT_V[1:], 0, "", "", ""), "4", "'conId'"),
        ((9, 8, 4, *CONTRACT_V, "yes", "", "", ""), "4", "'includeExpired'"),
        ((9, 8, 4, *CONTRACT_V, 0, "", ""), "4", "'issuerId'"),
        ((9, 8, 4, *CONTRACT_V, 0, "", "", "", "more"), "4", "'#19'"),
        ((9, 8, 4, *CONTRACT_V[:4], "nan", *CONTRACT_V[5:], 0, "", "", ""), "4", "'strike'"),
        ((9, 8, 4, *CONTRACT_V[:4], "1" * 100_000 + "x", *CONTRACT_V[5:], 0, "", "", ""), "4", "'strike'"),
        ((20, 7, *CONTRACT_V, 0, "", "1 min", "1 D", 1, "TRADES", "one", 0, ""), "7", "'formatDate'"),
        ((6, 2, "maybe", "DU1"), "-1", "'subscribe'"),
        ((4711, 1), "-1", "'4711'"),
    ],
)
async def test_a_malformed_field_is_named_and_the_session_lives(
    dial: Dial, gateway: Gateway, fields: tuple[object, ...], reqId: str, named: str
) -> None:
    wire = await dial.greeted(gateway)
    wire.send(*fields)
    number, _, about, code, text, _ = await wire.read()
    assert (number, about, code) == ("4", reqId, "320")
    assert named in text
    assert len(text) < 300, "what cannot be read is not told back whole"
    wire.send(49, 1)
    assert (await wire.read())[0] == "49"


@pytest.mark.parametrize(
    ("fields", "reqId", "code"),
    [
        ((52, 2, 12, *CONTRACT_V[:8], "ReportsFinSummary", 0, ""), "12", "430"),
        ((54, 3, 12, *CONTRACT_V, 5.5, 100.0, 0, ""), "12", "354"),
        ((68, 1, 12, 1), "12", "321"),
        ((84, 12, "BZ", "BZ$1", ""), "12", "10172"),
        ((19, 1, 1, "<groups/>", 12), "12", "321"),
        ((65, 1, "api", "1"), "-1", "321"),
    ],
)
async def test_what_is_not_simulated_says_so(
    dial: Dial, gateway: Gateway, fields: tuple[object, ...], reqId: str, code: str
) -> None:
    wire = await dial.greeted(gateway)
    wire.send(*fields)
    number, _, about, said, text, _ = await wire.read()
    assert (number, about, said) == ("4", reqId, code)
    assert text.endswith(": not simulated")


async def test_the_end_of_what_was_refused_is_nothing_to_talk_about(dial: Dial, gateway: Gateway) -> None:
    wire = await dial.greeted(gateway)
    wire.send(53, 1, 12)
    wire.send(49, 1)
    assert (await wire.read())[0] == "49"


@settings(max_examples=300)
@given(data=st.binary(max_size=400))
def test_no_bytes_break_the_reader_in_another_way(data: bytes) -> None:
    reader = FrameReader()
    reader.feed(data)
    try:
        for payload in reader.payloads():
            fields_of(payload)
    except BrokenFrame:
        pass


def test_a_frame_is_its_length_and_its_closed_fields() -> None:
    assert frame(["49", "1"]) == b"\x00\x00\x00\x0549\x001\x00"


class Reader(Socket):
    """A socket whose other end reads only when the test does."""

    def get_write_buffer_size(self) -> int:
        return len(self.written)


async def test_an_answer_may_be_larger_than_what_a_slow_reader_may_leave_waiting(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.gateway.wire.session.BACKLOG_BYTES_MAX", 1_000)
    session, socket = gateway._reception.session(), Reader()
    session.connection_made(socket)
    session.data_received(hello(176) + framed(71, 2, 1, ""))
    socket.read()
    details = framed(9, 8, 4, *CONTRACT_V, 0, "", "", "")
    session.data_received(details)
    assert len(socket.written) > 1_000
    assert not socket.dropped
    assert [fields[0] for fields in socket.read()] == ["10", "52"]
    session.data_received(details)
    session.data_received(framed(49, 1))
    assert socket.dropped


async def test_a_client_that_reads_nothing_is_dropped_in_the_end(
    dial: Dial, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.gateway.wire.session.BACKLOG_BYTES_MAX", 10_000)
    gateway = await bench.gateway()
    wire = await dial.greeted(gateway)
    wire.writer.transport.pause_reading()
    async with asyncio.timeout(DEADLINE_S):
        while gateway.connected_clients:
            gateway.send_code(10197, "much to read " * 10_000)
            await asyncio.sleep(0)
