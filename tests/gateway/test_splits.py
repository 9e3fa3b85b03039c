"""However the bytes of a conversation arrive, split or glued, the same replies go back."""

import asyncio
import functools
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, framed, hello
from tests.gateway.requests import LISTED, ORDERS, Socket, library_requests, order_fields

VERSIONS = (157, 163, 176)


@functools.cache
def conversation(version: int) -> bytes:
    """A client that asks everything that ib_insync can ask and places every kind of order."""
    said = [hello(version), framed(71, 2, 1, "")]
    asked = [fields for name, fields in library_requests(version) if name != "startApi"]
    placed = [order_fields(version, order, LISTED) for order in ORDERS.values()]
    for reqId, fields in enumerate(asked + placed, start=100):
        said.append(framed(*(str(reqId) if field == "7" else field for field in fields)))
    return b"".join(said)


async def replies(version: int, edges: list[int]) -> bytes:
    """What a new gateway answers when the conversation arrives in these pieces."""
    gateway = Gateway(Market(Catalogue()), clock=SteppedClock(NOON_S), accounts=("DU1",))
    await gateway.start()
    try:
        gateway.push("V", 199.0)
        session, socket = gateway._reception.session(), Socket()
        session.connection_made(socket)
        said = conversation(version)
        for start, end in itertools.pairwise([0, *edges, len(said)]):
            if start < end:
                session.data_received(said[start:end])
        assert not socket.dropped
        return bytes(socket.written)
    finally:
        await gateway.stop()


@functools.cache
def at_once(version: int) -> bytes:
    return asyncio.run(replies(version, []))


@settings(max_examples=40)
@given(version=st.sampled_from(VERSIONS), cuts=st.lists(st.integers(0, 3_700), max_size=60))
def test_any_split_of_a_conversation_gets_the_same_replies(version: int, cuts: list[int]) -> None:
    assert len(at_once(version)) > 9_000
    edges = sorted(cut for cut in cuts if cut < len(conversation(version)))
    assert asyncio.run(replies(version, edges)) == at_once(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_single_bytes_get_the_same_replies(version: int) -> None:
    assert asyncio.run(replies(version, list(range(1, len(conversation(version)))))) == at_once(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_frame_by_frame_gets_the_same_replies(version: int) -> None:
    data, edges, at = conversation(version), [], len(b"API\0")
    while at < len(data):
        at += 4 + int.from_bytes(data[at : at + 4], "big")
        edges.append(at)
    assert asyncio.run(replies(version, edges)) == at_once(version)
