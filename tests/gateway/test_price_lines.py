"""Market data lines, message by message: what is asked for, on what terms it comes, and what is refused."""

from collections.abc import Callable

import pytest

from rules_engine.gateway import Catalogue, Gateway, Market, parse_market
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.model.clock import SteppedClock
from tests.gateway.channels import numbered, told
from tests.gateway.conftest import NOON_S, Bench, Dial, Wire

SATURDAY_S = NOON_S + 3 * 86_400
V, SPX, EURUSD, ES = "V", "SPX", "EURUSD", "ES"


def number(gateway: Gateway, name: str) -> int:
    listing = gateway.market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def ask(
    wire: Wire, gateway: Gateway, name: str, generic: str = "", reqId: int = 5, snapshot: int = 0, regulatory: int = 0
) -> None:
    wire.send(1, 11, reqId, *numbered(number(gateway, name)), 0, generic, snapshot, regulatory, "")


def ticks(frames: list[list[str]]) -> list[tuple[str, ...]]:
    """Tick type and value of every message of a line, the type of message first."""
    return [(frame[0], *frame[3:5]) for frame in frames if frame[0] in ("1", "2", "45", "46")]


def codes(frames: list[list[str]]) -> list[str]:
    return [frame[3] for frame in frames if frame[0] == "4"]


def types(frames: list[list[str]]) -> list[str]:
    return [frame[3] for frame in frames if frame[0] == "58"]


async def test_a_line_begins_with_its_terms_then_everything_known(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V)
    frames = await told(wire)
    assert [frame[:4] for frame in frames[:2]] == [["58", "1", "5", "1"], ["81", "5", "0.01", "9c0001"]]
    second = frames[6][4]
    assert ticks(frames) == [
        *[("1", "1", "198.99"), ("2", "0", "100"), ("1", "2", "199.01"), ("2", "3", "100")],
        *[("46", "45", second), ("1", "4", "199"), ("2", "5", "100"), ("2", "8", "100")],
        *[("1", "6", "199"), ("1", "7", "199"), ("1", "14", "199"), ("45", "49", "0")],
    ]


async def test_only_what_changes_is_told_and_a_size_that_changes_alone_comes_alone(
    bench: Bench, dial: Dial, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V)
    await told(wire)
    market, visa = gateway.market, number(gateway, V)
    gateway._apply(market.push_quote(visa, 198.99, 199.02, 100.0, 300.0))
    gateway._apply(market.push_quote(visa, 198.99, 199.02, 700.0, 300.0))
    gateway._apply(market.push_quote(visa, 198.99, 199.02, 700.0, 300.0))
    assert ticks(await told(wire)) == [("1", "2", "199.02"), ("2", "3", "300"), ("2", "0", "700")]
    gateway._apply(market.push(visa, 199.0, 40.0))
    gateway._apply(market.push(visa, 199.0, 40.0))
    print_ = [("1", "4", "199"), ("2", "5", "40")]
    assert ticks(await told(wire)) == [*print_, ("2", "8", "140"), *print_, ("2", "8", "180")]


async def test_a_late_print_is_reported_and_counted_and_is_no_last_price(
    bench: Bench, dial: Dial, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V, "233")
    clock.time_s = NOON_S + 10
    gateway.push(V, 200.0)
    await told(wire)
    gateway._apply(gateway.market.push(number(gateway, V), 150.0, 10.0, at_s=NOON_S + 4))
    average = (199 * 100 + 200 * 100 + 150 * 10) / 210
    assert ticks(await told(wire)) == [
        ("2", "8", "210"),
        ("1", "7", "150"),
        ("46", "48", f"150.0;10;{round((NOON_S + 4) * 1000)};210;{round(average, 8)};true"),
    ]


@pytest.mark.parametrize(
    ("name", "generic", "expected"),
    [
        (V, "100", {"29", "30"}),
        (V, "101", {"27", "28"}),
        (V, "105", {"87"}),
        (V, "104", {"23"}),
        (V, "106", {"24"}),
        (V, "411", {"58"}),
        (V, "221", {"37"}),
        (V, "232", {"37"}),
        (V, "225", {"34", "35", "36"}),
        (V, "236", {"46", "89"}),
        (V, "456", {"59"}),
        (V, " 100, 101,", {"27", "28", "29", "30"}),
        (V, "258,292,318,460,576,595,623", set()),
        (ES, "588", {"86"}),
        (ES, "236,456,104", set()),
        (EURUSD, "221", {"37"}),
        (EURUSD, "233,293,236,100", set()),
        (SPX, "104,221", {"23", "37"}),
    ],
)
async def test_generic_ticks_come_where_they_make_sense(
    bench: Bench, dial: Dial, clock: SteppedClock, name: str, generic: str, expected: set[str]
) -> None:
    gateway = Gateway(parse_market(["walk"], clock=clock), clock=clock)
    await gateway.start()
    bench.running.append(gateway)
    wire = await dial.greeted(gateway)
    ask(wire, gateway, name)
    usual = {tick for _, tick, _ in ticks(await told(wire))}
    ask(wire, gateway, name, generic, reqId=6)
    assert {tick for _, tick, _ in ticks(await told(wire))} == usual | expected
    ask(wire, gateway, name, f"mdoff,{generic}", reqId=7)
    assert {tick for _, tick, _ in ticks(await told(wire))} == expected


async def test_counts_and_rates_follow_every_print(bench: Bench, dial: Dial, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V, "mdoff,293,294,295")
    await told(wire)
    paces = []
    for second, size in ((1, 10.0), (1, 20.0), (30, 30.0), (61, 40.0), (200, 50.0)):
        clock.time_s = NOON_S + second
        gateway.push(V, 200.0, size)
        paces.append([value for _, _, value in ticks(await told(wire))])
    assert paces == [
        ["2", "1", "10"],
        ["3", "2", "30"],
        ["4", "3", "60"],
        ["5", "2", "70"],
        ["6", "1", "50"],
    ]


@pytest.mark.parametrize("generic", ["999", "233,999", "abc", "233;236", "-1", "233 236"])
async def test_a_generic_tick_that_is_none_is_321_with_the_legal_ones(
    gateway: Gateway, dial: Dial, generic: str
) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V, generic)
    (refusal,) = await told(wire)
    assert refusal[2:4] == ["5", "321"]
    assert f"Incorrect generic tick list of {generic}.  Legal ones for (STK) are: 100(Option Volume)," in refusal[4]
    ask(wire, gateway, V)
    assert codes(await told(wire)) == [], "the refused request left its number free"


@pytest.mark.parametrize(
    ("generic", "snapshot", "regulatory", "text"),
    [
        ("233", 1, 0, "Snapshot market data subscription is not applicable to generic ticks"),
        ("", 0, 1, "regulatory snapshots"),
        ("", 1, 1, "regulatory snapshots"),
    ],
)
async def test_snapshots_that_cannot_be_are_refused(
    gateway: Gateway, dial: Dial, generic: str, snapshot: int, regulatory: int, text: str
) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V, generic, snapshot=snapshot, regulatory=regulatory)
    (refusal,) = await told(wire)
    assert refusal[3] == "321"
    assert text in refusal[4]


async def test_a_snapshot_ends_and_its_number_is_unknown_afterwards(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V, snapshot=1)
    frames = await told(wire)
    assert frames[-1] == ["57", "1", "5"]
    wire.send(2, 2, 5)
    assert codes(await told(wire)) == ["300"]


async def test_the_number_of_lines_is_one_for_all_clients(bench: Bench, dial: Dial) -> None:
    gateway = await bench.gateway(limits=Limits(lines=2))
    first, second = await dial.greeted(gateway, clientId=1), await dial.greeted(gateway, clientId=2)
    ask(first, gateway, V, reqId=1)
    ask(first, gateway, V, reqId=1)
    assert codes(await told(first)) == ["102"]
    ask(second, gateway, V, reqId=1)
    ask(second, gateway, V, reqId=2)
    assert codes(await told(second)) == ["101"]
    ask(second, gateway, V, reqId=2, snapshot=1)
    assert codes(await told(second)) == [], "a snapshot takes no line"
    first.send(2, 2, 1)
    await told(first)
    ask(second, gateway, V, reqId=2)
    assert codes(await told(second)) == []


async def test_a_halt_is_told_to_live_and_delayed_lines(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V)
    wire.send(59, 1, 3)
    ask(wire, gateway, V, reqId=6)
    await told(wire)
    gateway.halt(V)
    gateway.halt(V)
    gateway.push(V, 250.0)
    gateway.halt(V, False)
    assert ticks(await told(wire)) == [
        ("45", "49", "1"),
        ("45", "90", "1"),
        ("45", "49", "0"),
        ("45", "90", "0"),
    ]


async def test_a_type_holds_for_later_requests_and_leaves_earlier_lines_as_they_are(
    gateway: Gateway, dial: Dial
) -> None:
    wire = await dial.greeted(gateway)
    for reqId, type_ in ((1, 1), (2, 3), (3, 4), (4, 2), (5, 9)):
        wire.send(59, 1, type_)
        ask(wire, gateway, V, reqId=reqId)
    assert types(await told(wire)) == ["1", "3", "3", "1", "1"], "frozen data of an open market are live"
    gateway.push(V, 200.0)
    lasts = [frame[2:4] for frame in await told(wire) if frame[0] == "1" and frame[3] in ("4", "68")]
    assert lasts == [["1", "4"], ["2", "68"], ["3", "68"], ["4", "4"], ["5", "4"]]


async def test_delayed_lines_carry_delayed_ticks_and_no_trade_reports(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    wire.send(59, 1, 3)
    ask(wire, gateway, V, "233")
    known = await told(wire)
    gateway.push(V, 200.0)
    heard = {tick for _, tick, _ in ticks(known + await told(wire))}
    assert heard == {"66", "67", "68", "69", "70", "71", "72", "73", "74", "76", "88", "90"}


@pytest.mark.parametrize(
    ("code", "type_", "heard", "shown"),
    [
        (354, 1, ["354"], []),
        (354, 2, ["354"], []),
        (354, 3, ["10167"], ["3"]),
        (354, 4, ["10167"], ["3"]),
        (10089, 1, ["10089"], []),
        (10089, 3, ["10167"], ["3"]),
        (10168, 1, ["10168"], []),
        (10168, 3, ["10167"], ["3"]),
        (10167, 1, ["10167"], ["3"]),
        (10090, 1, ["10090"], ["1"]),
        (10197, 1, ["10197"], []),
        (10197, 3, ["10197"], []),
    ],
)
async def test_who_may_not_see_live_data_hears_why_and_gets_delayed_ones_if_that_is_what_they_want(
    gateway: Gateway, dial: Dial, code: int, type_: int, heard: list[str], shown: list[str]
) -> None:
    gateway.refuse_data(V, code)
    wire = await dial.greeted(gateway)
    wire.send(59, 1, type_)
    ask(wire, gateway, V)
    frames = await told(wire)
    assert (codes(frames), types(frames)) == (heard, shown)
    gateway.push(V, 200.0)
    assert bool(ticks(await told(wire))) is bool(shown)


@pytest.mark.parametrize(("code", "goes_on"), [(354, False), (10197, False), (10090, True), (10167, True)])
async def test_a_line_that_stands_ends_with_the_code_unless_it_only_warns(
    gateway: Gateway, dial: Dial, code: int, goes_on: bool
) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V)
    await told(wire)
    gateway.refuse_data(V, code)
    assert codes(await told(wire)) == [str(code)]
    gateway.push(V, 200.0)
    assert bool(ticks(await told(wire))) is goes_on


@pytest.fixture
def closed(bench: Bench) -> Callable[[], object]:
    """A market that keeps sessions, on a Saturday."""

    async def started() -> Gateway:
        clock = SteppedClock(SATURDAY_S)
        gateway = Gateway(Market(Catalogue(clock=clock), sessions=True), clock=clock)
        await gateway.start()
        bench.running.append(gateway)
        gateway.push_quote(V, 198.0, 199.0)
        gateway.push(V, 198.5)
        return gateway

    return started


async def test_after_the_close_nobody_quotes_and_frozen_data_show_who_did_last(closed: Callable, dial: Dial) -> None:
    gateway = await closed()
    wire = await dial.greeted(gateway)
    shown = {}
    for type_ in (1, 2, 3, 4):
        wire.send(59, 1, type_)
        ask(wire, gateway, V, reqId=type_)
        frames = await told(wire)
        shown[type_] = (types(frames), [frame[4] for frame in frames if frame[0] == "1"][:3])
    assert shown == {
        1: (["1"], ["-1", "-1", "198.5"]),
        2: (["2"], ["198", "199", "198.5"]),
        3: (["3"], ["-1", "-1", "198.5"]),
        4: (["4"], ["198", "199", "198.5"]),
    }
    gateway.push(V, 198.6)
    frames = await told(wire)
    assert [frame[2:] for frame in frames if frame[0] == "58"] == [["2", "1"], ["4", "3"]], "prices move again"


async def test_a_day_that_begins_tells_the_close_before_it_and_new_extremes(
    bench: Bench, dial: Dial, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    wire = await dial.greeted(gateway)
    ask(wire, gateway, V)
    await told(wire)
    clock.time_s += 86_400
    gateway.push(V, 190.0, 7)
    prices = [tick[1:] for tick in ticks(await told(wire)) if tick[1] in ("9", "14", "6", "7", "8")]
    assert prices == [("9", "199"), ("8", "7"), ("6", "190"), ("7", "190"), ("14", "190")]
