"""Very many orders, told some at a time: others are served in between, and the client's own questions after it."""

import asyncio

import pytest

from rules_engine.gateway import Gateway
from rules_engine.gateway.wire import session
from tests.gateway.conftest import Bench, Dial, Wire

COUNT, CLIENT = 60, 9
OPEN, STATUS, OPEN_END, COMPLETED, COMPLETED_END, TIME = "5", "3", "53", "101", "102", "49"


@pytest.fixture
async def full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway with many orders, of which it tells two at a time."""
    monkeypatch.setattr(session, "REPLIES_AT_ONCE", 4)
    gateway = await bench.gateway(active_orders_max=COUNT)
    listing = gateway.market.catalogue.named("V")
    assert listing is not None
    for _ in range(COUNT):
        gateway.place_in_tws(listing.conId, "BUY", 1, "LMT", 100.0)
    return gateway


async def heard_up_to(wire: Wire, number: str) -> list[str]:
    """The numbers of all messages up to the first with this one."""
    numbers = list[str]()
    while not numbers or numbers[-1] != number:
        numbers.append((await wire.read())[0])
    return numbers


async def test_questions_are_answered_in_turn_and_each_to_its_end(full: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(full, clientId=CLIENT)
    for _ in range(2):
        wire.send(16, 1)
    wire.send(99, 0)
    wire.send(49, 1)
    one = [OPEN, STATUS] * COUNT + [OPEN_END]
    assert await heard_up_to(wire, TIME) == [*one, *one, COMPLETED_END, TIME]


async def test_another_client_need_not_wait_for_the_end(full: Gateway, dial: Dial) -> None:
    wires = {"list": await dial.greeted(full, clientId=CLIENT), "time": await dial.greeted(full, clientId=8)}
    order = list[str]()

    async def hear(who: str, number: str) -> None:
        await heard_up_to(wires[who], number)
        order.append(who)

    wires["list"].send(16, 1)
    wires["time"].send(49, 1)
    await asyncio.gather(hear("list", OPEN_END), hear("time", TIME))
    assert order == ["time", "list"]


async def test_an_order_that_ends_before_its_turn_is_told_among_those_that_ended(full: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(full, clientId=CLIENT)
    wire.send(16, 1)
    wire.send(99, 0)
    first, last = await wire.read(), full.orders[-1]
    full.cancel_in_tws(last.permId)
    told = [first]
    while told[-1][0] != COMPLETED_END:
        told.append(await wire.read())
    assert len([one for one in told if one[0] == OPEN]) == COUNT - 1
    assert [str(last.permId) in one for one in told if one[0] == COMPLETED] == [True]


@pytest.mark.parametrize("what", ["the gateway stands still", "the client reads no more"])
async def test_an_answer_that_is_held_up_goes_on_where_it_was(full: Gateway, dial: Dial, what: str) -> None:
    wire = await dial.greeted(full, clientId=CLIENT)
    asker = full._switchboard.client(CLIENT)
    assert asker is not None
    stop, go_on = {
        "the gateway stands still": (full.freeze, full.thaw),
        "the client reads no more": (asker.pause_writing, asker.resume_writing),
    }[what]
    wire.send(16, 1)
    wire.send(49, 1)
    await wire.read()
    stop()
    for _ in range(10 * COUNT):
        await asyncio.sleep(0)
    assert asker._answers
    go_on()
    assert await heard_up_to(wire, TIME) == [STATUS, *[OPEN, STATUS] * (COUNT - 1), OPEN_END, TIME]


async def test_a_client_that_leaves_in_the_middle_is_told_nothing_more(full: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(full, clientId=CLIENT)
    asker = full._switchboard.client(CLIENT)
    wire.send(16, 1)
    await wire.read()
    wire.writer.transport.abort()
    other = await dial.greeted(full, clientId=8)
    other.send(16, 1)
    assert await heard_up_to(other, OPEN_END) == [OPEN, STATUS] * COUNT + [OPEN_END]
    assert asker is not None and asker._transport is None and CLIENT not in full.connected_clients
