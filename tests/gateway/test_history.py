"""The past over the wire, and bars that keep up with the present."""

from datetime import UTC, datetime

import pytest
from ib_insync import IB, Forex

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, Transcript, echo, stock, until

NOON = datetime.fromtimestamp(NOON_S, UTC)


@pytest.fixture
async def played(bench: Bench, clock: SteppedClock) -> Gateway:
    """V trades at 199 at noon, then 201, 205, 203 in the next minute and 204 in the one after."""
    gateway = await bench.gateway(clock=clock)
    for second, price in ((60, 201.0), (80, 205.0), (110, 203.0), (130, 204.0)):
        clock.time_s = NOON_S + second
        gateway.push("V", price, 10)
    return gateway


def codes_of(ib: IB) -> list[int]:
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    return heard


async def test_bars_are_the_prints_that_were_streamed(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    bars = await ib.reqHistoricalDataAsync(await stock(ib, "V"), "", "600 S", "1 min", "TRADES", False, formatDate=2)
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == [
        (199.0, 199.0, 199.0, 199.0, 100),
        (201.0, 205.0, 201.0, 203.0, 30),
        (204.0, 204.0, 204.0, 204.0, 10),
    ]
    assert bars[1].date.timestamp() == NOON_S + 60
    assert bars[1].barCount == 3
    assert bars[1].average == pytest.approx(203.0)


async def test_dates_of_format_1_are_in_the_zone_of_the_exchange(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    transcript = Transcript(ib)
    bars = await ib.reqHistoricalDataAsync(await stock(ib, "V"), "", "600 S", "1 min", "TRADES", False)
    assert transcript.of(17)[0][5] == "20260701 12:00:00 US/Eastern"
    assert bars[0].date.timestamp() == NOON_S


async def test_daily_bars_carry_dates(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    bars = await ib.reqHistoricalDataAsync(await stock(ib, "V"), "", "2 D", "1 day", "TRADES", True)
    assert [(str(bar.date), bar.high) for bar in bars] == [("2026-07-01", 205.0)]


async def test_an_end_in_the_past_leaves_out_what_came_later(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    end = datetime.fromtimestamp(NOON_S + 100, UTC)
    bars = await ib.reqHistoricalDataAsync(await stock(ib, "V"), end, "1 D", "1 min", "TRADES", False)
    assert [bar.close for bar in bars] == [199.0, 205.0]


async def test_kept_bars_change_and_begin_anew(played: Gateway, connect: Connect, clock: SteppedClock) -> None:
    ib = await connect()
    bars = await ib.reqHistoricalDataAsync(
        await stock(ib, "V"), "", "600 S", "1 min", "TRADES", False, formatDate=2, keepUpToDate=True
    )
    updates: list[bool] = []
    bars.updateEvent += lambda bars, new: updates.append(new)
    clock.time_s = NOON_S + 140
    played.push("V", 210.0, 5)
    await until(ib, lambda: updates == [False])
    assert (bars[-1].high, bars[-1].close, bars[-1].volume) == (210.0, 210.0, 15)
    clock.time_s = NOON_S + 185
    played.push("V", 208.0, 5)
    await until(ib, lambda: updates == [False, True])
    assert (bars[-1].open, bars[-1].high, bars[-1].volume) == (208.0, 208.0, 5)
    assert bars[-1].date.timestamp() == NOON_S + 180
    ib.cancelHistoricalData(bars)
    await echo(ib)
    played.push("V", 207.0, 5)
    await echo(ib)
    assert len(updates) == 2


@pytest.mark.parametrize(
    ("duration", "size", "what", "code"),
    [
        ("1 D", "7 mins", "TRADES", 321),
        ("a day", "1 min", "TRADES", 321),
        ("1 D", "1 min", "GOSSIP", 321),
        ("1 Y", "1 secs", "TRADES", 162),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    played: Gateway, connect: Connect, duration: str, size: str, what: str, code: int
) -> None:
    ib = await connect()
    heard = codes_of(ib)
    assert not await ib.reqHistoricalDataAsync(await stock(ib, "V"), "", duration, size, what, False)
    assert heard == [code]


async def test_no_data_is_162_and_an_empty_list(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    assert not await ib.reqHistoricalDataAsync(await stock(ib, "AAPL"), "", "1 D", "1 min", "TRADES", False)
    (pair,) = await ib.qualifyContractsAsync(Forex("EURUSD"))
    assert not await ib.reqHistoricalDataAsync(pair, "", "1 D", "1 min", "TRADES", False)
    assert heard == [162, 162]


async def test_an_end_time_with_updates_is_refused(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    await ib.reqHistoricalDataAsync(await stock(ib, "V"), NOON, "1 D", "1 min", "TRADES", False, keepUpToDate=True)
    assert heard == [321]


async def test_past_trades_forward_from_a_start_and_back_from_an_end(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    forward = await ib.reqHistoricalTicksAsync(v, NOON, "", 3, "TRADES", False)
    assert [(tick.price, tick.time.timestamp() - NOON_S) for tick in forward] == [(199.0, 0), (201.0, 60), (205.0, 80)]
    end = datetime.fromtimestamp(NOON_S + 120, UTC)
    back = await ib.reqHistoricalTicksAsync(v, "", end, 2, "TRADES", False)
    assert [tick.price for tick in back] == [205.0, 203.0]


async def test_past_quotes_and_middles(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    (quote,) = await ib.reqHistoricalTicksAsync(v, NOON, "", 1, "BID_ASK", False)
    assert (quote.priceBid, quote.priceAsk) == (198.99, 199.01)
    (middle,) = await ib.reqHistoricalTicksAsync(v, NOON, "", 1, "MIDPOINT", False)
    assert middle.price == pytest.approx(199.0)


async def test_ticks_without_start_or_end_are_refused(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    assert await ib.reqHistoricalTicksAsync(await stock(ib, "V"), "", "", 3, "TRADES", False) == []
    assert heard == [321]


async def test_the_head_is_the_first_price(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    assert (await ib.reqHeadTimeStampAsync(v, "TRADES", False, 2)).timestamp() == NOON_S
    assert (await ib.reqHeadTimeStampAsync(v, "TRADES", False, 1)) == datetime(2026, 7, 1, 16)


async def test_tick_streams_can_begin_with_the_past(played: Gateway, connect: Connect) -> None:
    ib = await connect()
    transcript = Transcript(ib)
    ib.reqTickByTickData(await stock(ib, "V"), "Last", numberOfTicks=2)
    await echo(ib)
    (message,) = transcript.of(98)
    assert message[2] == "2"
    assert [message[5], message[11]] == ["203", "204"]
