"""Streams of prices."""

import asyncio
import math

import pytest
from ib_insync import IB, Contract, Forex, Index, TickByTickAllLast, TickByTickBidAsk

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import DEADLINE_S, NOON_S, Bench, Connect, Transcript, echo, stock, until


def codes_of(ib: IB) -> list[int]:
    heard: list[int] = []
    ib.errorEvent += lambda reqId, code, text, contract: heard.append(code)
    return heard


async def test_a_line_begins_with_what_is_known(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    ticker = ib.reqMktData(await stock(ib, "V"))
    await until(ib, lambda: ticker.marketDataType)
    await echo(ib)
    assert (ticker.bid, ticker.ask, ticker.last) == (198.99, 199.01, 199.0)
    assert (ticker.open, ticker.high, ticker.low, ticker.volume) == (199.0, 199.0, 199.0, 100)
    assert ticker.marketDataType == 1
    assert ticker.minTick == 0.01


async def test_then_every_print_arrives_with_its_quote_in_one_packet(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    ticker = ib.reqMktData(await stock(ib, "V"), "233")
    await echo(ib)
    packets: list[list[tuple[int, float]]] = []
    ib.pendingTickersEvent += lambda tickers: packets.append(
        [(tick.tickType, tick.price) for one in tickers for tick in one.ticks]
    )
    gateway.push("V", 200.5, 300)
    await until(ib, lambda: packets)
    (packet,) = packets
    assert {(1, 200.49), (2, 200.51), (4, 200.5), (48, 200.5), (6, 200.5)} <= set(packet)
    assert ticker.rtVolume == 400
    assert ticker.lastSize == 300
    assert ticker.vwap == pytest.approx((199.0 * 100 + 200.5 * 300) / 400)


async def test_rt_volume_carries_the_time_of_the_trade(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    transcript = Transcript(ib)
    ib.reqMktData(await stock(ib, "V"), "233,375")
    await echo(ib)
    clock.time_s = NOON_S + 1.25
    gateway.push("V", 200.5, 7)
    await echo(ib)
    strings = {frame[3]: frame[4] for frame in transcript.of(46)}
    assert strings["48"].split(";")[:4] == ["200.5", "7", str(round((NOON_S + 1.25) * 1000)), "107"]
    assert strings["77"] == strings["48"]
    assert strings["45"] == str(int(NOON_S + 1))


async def test_a_price_is_followed_by_its_size(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    ib.reqMktData(v)
    await echo(ib)
    transcript.frames.clear()
    gateway.push_quote("V", 198.0, 198.5)
    await echo(ib)
    assert [frame[0] for frame in transcript.frames[:4]] == ["1", "2", "1", "2"]
    assert [frame[3] for frame in transcript.frames[:4]] == ["1", "0", "2", "3"]


async def test_without_data_the_price_is_minus_one(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    transcript = Transcript(ib)
    ib.reqMktData(await stock(ib, "AAPL"))
    await echo(ib)
    assert [(frame[3], frame[4], frame[5]) for frame in transcript.of(1)] == [
        ("1", "-1", "0"),
        ("2", "-1", "0"),
        ("4", "-1", "0"),
    ]


async def test_a_currency_pair_has_no_last_and_an_index_no_quote(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    pair, index = await ib.qualifyContractsAsync(Forex("EURUSD"), Index("SPX", "CBOE", "USD"))
    of_pair, of_index = ib.reqMktData(pair), ib.reqMktData(index)
    await echo(ib)
    gateway.push_quote("EURUSD", 1.1, 1.1001)
    gateway.push("SPX", 5000.0)
    await until(ib, lambda: of_index.last == 5000.0)
    assert (of_pair.bid, of_pair.ask) == (1.1, 1.1001)
    assert math.isnan(of_pair.last)
    assert math.isnan(of_index.bid)


async def test_delayed_data_come_as_delayed_ticks(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    transcript = Transcript(ib)
    ib.reqMarketDataType(3)
    ticker = ib.reqMktData(v)
    await echo(ib)
    gateway.push("V", 201.0)
    await echo(ib)
    assert ticker.marketDataType == 3
    assert {int(frame[3]) for frame in transcript.of(1)} <= {66, 67, 68, 72, 73, 75, 76}
    assert ticker.last == 201.0


async def test_a_snapshot_ends_and_leaves_no_line(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    (ticker,) = await ib.reqTickersAsync(await stock(ib, "V"))
    assert ticker.last == 199.0
    transcript = Transcript(ib)
    gateway.push("V", 250.0)
    await echo(ib)
    assert transcript.of(1) == []


async def test_a_cancelled_line_is_silent(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v = await stock(ib, "V")
    ib.reqMktData(v)
    ib.cancelMktData(v)
    await echo(ib)
    transcript = Transcript(ib)
    gateway.push("V", 250.0)
    await echo(ib)
    assert transcript.of(1) == []


async def test_an_unknown_contract_gets_200_and_no_line(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    ib.reqMktData(Contract(secType="STK", symbol="QZQZQ", exchange="SMART", currency="USD"))
    await echo(ib)
    assert heard == [200]


async def test_the_101st_line_is_error_101(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    ib.client.MaxRequests = 0
    heard = codes_of(ib)
    v = await stock(ib, "V")
    for _ in range(101):
        ib.reqMktData(Contract(conId=v.conId, exchange="SMART"))
    await echo(ib)
    assert heard == [101]


async def test_mark_price_and_weekly_extremes_on_request(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    ticker = ib.reqMktData(await stock(ib, "V"), "165,221,225,236")
    await echo(ib)
    assert ticker.markPrice == 199.0
    assert ticker.low52week == ticker.high13week == 199.0
    assert ticker.auctionPrice == 199.0
    assert ticker.shortableShares > 0


async def test_ticks_by_tick_tell_trades_quotes_and_middles(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    v, ma = await stock(ib, "V"), await stock(ib, "MA")
    trades = ib.reqTickByTickData(v, "Last")
    quotes = ib.reqTickByTickData(ma, "BidAsk")
    await echo(ib)
    seen: list[object] = []
    ib.pendingTickersEvent += lambda tickers: seen.extend(tick for one in tickers for tick in one.tickByTicks)
    gateway.push("V", 200.0, 5)
    gateway.push_quote("MA", 301.0, 301.5)
    await until(ib, lambda: len(seen) == 2)
    trade = next(tick for tick in seen if isinstance(tick, TickByTickAllLast))
    quote = next(tick for tick in seen if isinstance(tick, TickByTickBidAsk))
    assert (trade.price, trade.size) == (200.0, 5)
    assert (quote.bidPrice, quote.askPrice) == (301.0, 301.5)
    assert trades.last == 200.0
    assert quotes.ask == 301.5


async def test_the_sixth_tick_stream_is_error_10190(gateway: Gateway, connect: Connect) -> None:
    ib = await connect()
    heard = codes_of(ib)
    v = await stock(ib, "V")
    for _ in range(6):
        ib.reqTickByTickData(Contract(conId=v.conId, exchange="SMART"), "AllLast")
    await echo(ib)
    assert heard == [10190]


async def test_real_time_bars_come_every_five_seconds_the_first_one_whole(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    bars = ib.reqRealTimeBars(await stock(ib, "V"), 5, "TRADES", False)
    await echo(ib)
    for second, price in ((1, 201.0), (2, 203.0), (4, 202.0)):
        clock.time_s = NOON_S + second
        gateway.push("V", price, 10)
    gateway.step_to(NOON_S + 5)
    gateway.step_to(NOON_S + 10)
    await until(ib, lambda: len(bars) == 2)
    first, quiet = bars
    assert (first.open_, first.high, first.low, first.close, first.volume) == (199.0, 203.0, 199.0, 202.0, 130)
    assert first.time.timestamp() == NOON_S
    assert (quiet.open_, quiet.close, quiet.volume) == (202.0, 202.0, 0)


async def test_current_time_is_the_gateways(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    await bench.gateway(clock=clock)
    ib = await connect()
    assert (await asyncio.wait_for(ib.reqCurrentTimeAsync(), DEADLINE_S)).timestamp() == NOON_S
