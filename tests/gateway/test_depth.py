"""Market depth: messages that keep a client's ladder equal to what can be traded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_insync import LimitOrder, Stock

from rules_engine.gateway import Gateway
from rules_engine.gateway.feeds.ladder import DELETE, INSERT, UPDATE, steps
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.gateway.market.liquidity import Level
from tests.gateway.channels import numbered, told
from tests.gateway.conftest import Bench, Connect, Dial, Wire, echo, until

ladders = st.dictionaries(st.integers(1, 12), st.integers(1, 4), max_size=8)


@given(old=ladders, new=ladders, rises=st.booleans())
def test_steps_make_the_old_ladder_the_new_one(old: dict[int, int], new: dict[int, int], rises: bool) -> None:
    before, after = (
        [Level(float(price), float(one[price])) for price in sorted(one, reverse=not rises)] for one in (old, new)
    )
    replayed = list(before)
    taken = list(steps(before, after, 1 if rises else -1))
    for operation, position, level in taken:
        if operation == INSERT:
            replayed.insert(position, level)
        elif operation == UPDATE:
            assert replayed[position].price == level.price
            replayed[position] = level
        else:
            assert operation == DELETE
            del replayed[position]
    assert replayed == after
    changed = sum(1 for price in old.keys() | new.keys() if old.get(price) != new.get(price))
    assert len(taken) == changed, "what stays is not told"


def number(gateway: Gateway, name: str) -> int:
    listing = gateway.market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def ask(wire: Wire, gateway: Gateway, name: str = "V", reqId: int = 5, rows: int = 5, smart: int = 0) -> None:
    wire.send(10, 5, reqId, *numbered(number(gateway, name)), rows, smart, "")


async def refusal(wire: Wire) -> list[str]:
    return [frame[3] for frame in await told(wire) if frame[0] == "4"]


async def test_a_ladder_begins_with_its_rows_best_first(gateway: Gateway, dial: Dial) -> None:
    gateway.push_quote("V", 199.0, 199.5)
    wire = await dial.greeted(gateway)
    ask(wire, gateway, rows=2)
    frames = await told(wire)
    rows = [[frame[:2], *frame[3:7]] for frame in frames]
    assert rows == [
        [["12", "1"], "0", "0", "1", "199"],
        [["12", "1"], "1", "0", "1", "198.99"],
        [["12", "1"], "0", "0", "0", "199.5"],
        [["12", "1"], "1", "0", "0", "199.51"],
    ]
    levels = gateway._liquidity.bids(number(gateway, "V"))[:2] + gateway._liquidity.asks(number(gateway, "V"))[:2]
    assert [float(frame[7]) for frame in frames] == [level.size for level in levels]


async def test_a_consolidated_ladder_says_whose_every_row_is(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, rows=1, smart=1)
    assert [frame[:6] + frame[-1:] for frame in await told(wire)] == [
        ["13", "1", "5", "0", "NYSE", "0", "1"],
        ["13", "1", "5", "0", "NYSE", "0", "1"],
    ]


@pytest.mark.parametrize("smart", [False, True])
async def test_a_client_s_ladder_follows_quotes_and_its_own_fills(
    gateway: Gateway, connect: Connect, smart: bool
) -> None:
    ib = await connect()
    (visa,) = await ib.qualifyContractsAsync(Stock("V", "SMART", "USD"))
    gateway.push_quote("V", 199.0, 199.05)
    ticker = ib.reqMktDepth(visa, numRows=6, isSmartDepth=smart)
    book, conId = gateway._liquidity, visa.conId

    def same() -> bool:
        shown = ([(row.price, row.size) for row in side] for side in (ticker.domBids, ticker.domAsks))
        return list(shown) == [[tuple(level) for level in side(conId)[:6]] for side in (book.bids, book.asks)]

    await until(ib, same)
    for bid, offer in ((199.01, 199.05), (199.0, 199.04), (198.5, 198.6), (198.55, 198.6), (198.6, 198.61)):
        gateway.push_quote("V", bid, offer)
        await until(ib, same)
    before = book.asks(conId)
    trade = ib.placeOrder(visa, LimitOrder("BUY", before[0].size + 1, 198.63))
    await until(ib, lambda: trade.orderStatus.status == "Filled")
    await until(ib, same)
    assert book.asks(conId)[0].price > before[0].price, "the order took the best row and more"
    gateway.push("V", 198.0)
    await until(ib, same)
    ib.cancelMktDepth(visa, smart)
    await echo(ib)
    gateway.push("V", 190.0)
    await echo(ib)


async def test_of_three_ladders_the_fourth_is_309_and_a_cancelled_one_makes_room(gateway: Gateway, dial: Dial) -> None:
    first, second = await dial.greeted(gateway, clientId=1), await dial.greeted(gateway, clientId=2)
    ask(first, gateway, reqId=1)
    ask(first, gateway, "MA", reqId=2)
    ask(first, gateway, reqId=1)
    assert await refusal(first) == ["102"]
    ask(second, gateway, reqId=1)
    ask(second, gateway, reqId=2)
    assert await refusal(second) == ["309"]
    first.send(11, 1, 2, 0)
    first.send(11, 1, 2, 0)
    assert await refusal(first) == ["310"]
    ask(second, gateway, reqId=2)
    assert await refusal(second) == []


async def test_a_client_that_leaves_takes_its_ladders_along(bench: Bench, dial: Dial) -> None:
    gateway = await bench.gateway(limits=Limits(depth_lines=1))
    first, second = await dial.greeted(gateway, clientId=1), await dial.greeted(gateway, clientId=2)
    ask(first, gateway)
    await told(first)
    gateway.drop_connections(1)
    assert await first.is_closed()
    ask(second, gateway)
    assert await refusal(second) == []


async def test_what_has_no_depth_or_may_not_be_seen_is_refused(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, "SPX")
    gateway.refuse_data("V", 354)
    ask(wire, gateway, "V")
    wire.send(10, 5, 9, 0, "QZQZQ", "STK", "", 0.0, "", "", "SMART", "", "USD", "", "", 5, 0, "")
    assert await refusal(wire) == ["10092", "354", "200"]


async def test_no_quote_is_an_empty_ladder_that_fills_with_the_first(gateway: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(gateway)
    ask(wire, gateway, "AAPL", rows=3)
    assert await told(wire) == []
    gateway.push("AAPL", 150.0)
    assert len([frame for frame in await told(wire) if frame[0] == "12"]) == 6
