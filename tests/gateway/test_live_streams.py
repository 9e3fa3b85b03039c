"""Tick-by-tick data and real-time bars, message by message."""

import pytest

from rules_engine.gateway import Gateway, parse_market
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.model.clock import SteppedClock
from tests.gateway.channels import numbered, told
from tests.gateway.conftest import NOON_S, Bench, Dial, Wire

Frame = list[str]


@pytest.fixture
async def gateway(bench: Bench, clock: SteppedClock) -> Gateway:
    return await bench.gateway(clock=clock)


def number(gateway: Gateway, name: str) -> int:
    listing = gateway.market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def ask_ticks(
    wire: Wire, gateway: Gateway, kind: str, name: str = "V", reqId: int = 5, past: int = 0, ignore: int = 0
) -> None:
    wire.send(97, reqId, *numbered(number(gateway, name)), kind, past, ignore)


def ask_bars(
    wire: Wire, gateway: Gateway, what: str = "TRADES", name: str = "V", reqId: int = 5, size: int = 5, rth: int = 0
) -> None:
    wire.send(50, 3, reqId, *numbered(number(gateway, name)), size, what, rth, "")


def codes(frames: list[Frame]) -> list[str]:
    return [frame[3] for frame in frames if frame[0] == "4"]


@pytest.mark.parametrize(("kind", "type_"), [("Last", "1"), ("AllLast", "2")])
async def test_every_print_is_one_message_also_a_repeated_and_a_late_one(
    gateway: Gateway, dial: Dial, kind: str, type_: str
) -> None:
    wire = await dial.greeted(gateway)
    ask_ticks(wire, gateway, kind)
    await told(wire)
    gateway.push("V", 200.0, 5)
    gateway.push("V", 200.0, 5)
    gateway._apply(gateway.market.push(number(gateway, "V"), 150.0, 7, at_s=NOON_S - 60))
    gateway.push_quote("V", 1.0, 2.0)
    noon = str(int(NOON_S))
    assert [frame[1:] for frame in await told(wire)] == [
        ["5", type_, noon, "200", "5", "0", "", ""],
        ["5", type_, noon, "200", "5", "0", "", ""],
        ["5", type_, str(int(NOON_S) - 60), "150", "7", "0", "", ""],
    ]


@pytest.mark.parametrize(
    ("kind", "ignore", "expected"),
    [
        (
            "BidAsk",
            0,
            [["3", "199", "200", "10", "20"], ["3", "199", "200", "11", "20"], ["3", "198", "201", "11", "20"]],
        ),
        ("BidAsk", 1, [["3", "199", "200", "10", "20"], ["3", "198", "201", "11", "20"]]),
        ("MidPoint", 0, [["4", "199.5"]]),
    ],
)
async def test_a_quote_is_told_when_what_the_client_asked_for_has_changed(
    gateway: Gateway, dial: Dial, kind: str, ignore: int, expected: list[Frame]
) -> None:
    wire = await dial.greeted(gateway)
    ask_ticks(wire, gateway, kind, ignore=ignore)
    await told(wire)
    for bid, ask, bid_size in ((199.0, 200.0, 10.0), (199.0, 200.0, 11.0), (198.0, 201.0, 11.0), (198.0, 201.0, 11.0)):
        gateway._apply(gateway.market.push_quote(number(gateway, "V"), bid, ask, bid_size, 20.0))
    heard = [[frame[2], *frame[4:8]] for frame in await told(wire)]
    assert heard == expected


async def test_a_stream_may_begin_with_the_past_and_an_instant_is_never_told_twice(
    gateway: Gateway, dial: Dial, clock: SteppedClock
) -> None:
    for second, price in ((1, 201.0), (2, 202.0), (3, 203.0)):
        clock.time_s = NOON_S + second
        gateway.push("V", price, 5)
    wire = await dial.greeted(gateway)
    ask_ticks(wire, gateway, "Last", past=2)
    clock.time_s = NOON_S + 4
    frames = await told(wire)
    gateway.push("V", 204.0, 5)
    frames += await told(wire)
    assert [frame[0] for frame in frames] == ["98", "99"]
    assert [frames[0][2], frames[0][5], frames[0][11], frames[0][-1]] == ["2", "202", "203", "1"]
    assert frames[1][4] == "204"


async def test_a_client_has_so_many_streams_and_another_has_its_own(bench: Bench, dial: Dial) -> None:
    gateway = await bench.gateway(limits=Limits(tick_streams=3))
    first, second = await dial.greeted(gateway, clientId=1), await dial.greeted(gateway, clientId=2)
    for reqId in range(4):
        ask_ticks(first, gateway, "Last", reqId=reqId)
    assert codes(await told(first)) == ["10190"]
    ask_ticks(second, gateway, "Last")
    assert codes(await told(second)) == []
    first.send(98, 0)
    first.send(98, 0)
    assert codes(await told(first)) == ["300"]
    ask_ticks(first, gateway, "Last", reqId=9)
    assert codes(await told(first)) == []


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("Last", "EURUSD", "10189"),
        ("AllLast", "EURUSD", "10189"),
        ("BidAsk", "SPX", "10189"),
        ("MidPoint", "SPX", "10189"),
        ("Bid", "V", "321"),
        ("", "V", "321"),
    ],
)
async def test_ticks_that_cannot_be_are_refused(gateway: Gateway, dial: Dial, kind: str, name: str, code: str) -> None:
    wire = await dial.greeted(gateway)
    ask_ticks(wire, gateway, kind, name)
    assert codes(await told(wire)) == [code]


async def test_refused_data_refuse_streams_and_bars_too(gateway: Gateway, dial: Dial) -> None:
    gateway.refuse_data("V", 10089)
    wire = await dial.greeted(gateway)
    ask_ticks(wire, gateway, "Last")
    ask_bars(wire, gateway, reqId=6)
    assert codes(await told(wire)) == ["10189", "10089"]


async def test_bars_of_quotes_have_no_volume_and_quiet_ones_repeat_the_price(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    for reqId, what in enumerate(("TRADES", "MIDPOINT", "BID", "ASK")):
        ask_bars(wire, gateway, what, reqId=reqId)
    await told(wire)
    gateway.step_to(NOON_S + 6)
    gateway.push_quote("V", 197.0, 198.0)
    gateway.step_to(NOON_S + 15)
    bars = [frame[2:] for frame in await told(wire)]
    start = int(NOON_S)
    quiet = ["-1", "-1", "-1"]
    assert bars[:4] == [
        ["0", str(start), "199", "199", "199", "199", "100", "199", "1"],
        ["1", str(start), "199", "199", "199", "199", *quiet],
        ["2", str(start), "198.99", "198.99", "198.99", "198.99", *quiet],
        ["3", str(start), "199.01", "199.01", "199.01", "199.01", *quiet],
    ]
    assert bars[4:8] == [
        ["0", str(start + 5), "199", "199", "199", "199", "0", "199", "0"],
        ["1", str(start + 5), "197.5", "197.5", "197.5", "197.5", *quiet],
        ["2", str(start + 5), "197", "197", "197", "197", *quiet],
        ["3", str(start + 5), "198", "198", "198", "198", *quiet],
    ]
    assert bars[9][1:3] == [str(start + 10), "197.5"]


async def test_a_price_of_the_very_end_belongs_to_the_next_bar_and_a_late_one_to_history(
    gateway: Gateway, dial: Dial, clock: SteppedClock
) -> None:
    wire = await dial.greeted(gateway)
    ask_bars(wire, gateway)
    await told(wire)
    clock.time_s = NOON_S + 5
    gateway.push("V", 205.0, 1)
    gateway._apply(gateway.market.push(number(gateway, "V"), 150.0, 9, at_s=NOON_S + 1))
    gateway.step_to(NOON_S + 10)
    assert [frame[3:9] for frame in await told(wire)] == [
        [str(int(NOON_S)), "199", "199", "199", "199", "100"],
        [str(int(NOON_S) + 5), "205", "205", "205", "205", "1"],
    ]
    past = gateway.market.bars(number(gateway, "V"), NOON_S + 10, 10, 5, "TRADES", False)
    assert [(bar.low, bar.volume) for bar in past] == [(150.0, 109.0), (205.0, 1.0)]


async def test_bars_of_regular_hours_pause_outside_them(bench: Bench, dial: Dial) -> None:
    before_open_s = NOON_S - 2.5 * 3600 - 10
    clock = SteppedClock(before_open_s)
    gateway = Gateway(parse_market(["walk"], sessions=True, clock=clock), clock=clock)
    await gateway.start()
    bench.running.append(gateway)
    wire = await dial.greeted(gateway)
    ask_bars(wire, gateway, rth=1, reqId=1)
    ask_bars(wire, gateway, rth=0, reqId=2)
    await told(wire)
    gateway.step_to(before_open_s + 20)
    bars = [(frame[2], int(frame[3]) - int(before_open_s)) for frame in await told(wire)]
    assert bars == [("2", 0), ("2", 5), ("1", 10), ("2", 10), ("1", 15), ("2", 15)]


@pytest.mark.parametrize(
    ("what", "name", "size", "code"),
    [
        ("TRADES", "V", 10, "321"),
        ("GOSSIP", "V", 5, "321"),
        ("BID_ASK", "V", 5, "321"),
        ("TRADES", "EURUSD", 5, "420"),
        ("MIDPOINT", "SPX", 5, "420"),
    ],
)
async def test_bars_that_cannot_be_are_refused(
    gateway: Gateway, dial: Dial, what: str, name: str, size: int, code: str
) -> None:
    wire = await dial.greeted(gateway)
    ask_bars(wire, gateway, what, name, size=size)
    wire.send(51, 1, 5)
    assert codes(await told(wire)) == [code, "300"]
