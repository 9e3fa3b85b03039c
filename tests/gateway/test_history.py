"""The past over the wire, and bars that keep up with the present."""

from datetime import UTC, datetime

import pytest
from ib_insync import IB, Forex

from rules_engine.gateway import Gateway, parse_market
from rules_engine.gateway.market.spans import BAR_SIZES_S
from rules_engine.model.clock import SteppedClock
from tests.gateway.channels import numbered, told
from tests.gateway.conftest import NOON_S, Bench, Connect, Dial, Transcript, Wire, echo, stock, until

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
        ("60 S", "1 sec", "TRADES", 321),
        ("1 D", "1 week", "TRADES", None),
        ("1 D", "1W", "TRADES", None),
        ("1 D", "1 month", "TRADES", None),
        ("1 D", "1M", "TRADES", None),
        ("a day", "1 min", "TRADES", 321),
        ("1 d", "1 min", "TRADES", 321),
        ("0 D", "1 min", "TRADES", 321),
        ("366 D", "1 day", "TRADES", 321),
        ("13 M", "1 day", "TRADES", 321),
        ("2 Y", "1 day", "TRADES", None),
        ("1 D", "1 min", "GOSSIP", 321),
        ("1 D", "1 min", "AGGTRADES", 10299),
        ("1 Y", "1 min", "TRADES", 162),
        ("3600 S", "1 secs", "TRADES", 162),
        ("1800 S", "1 secs", "TRADES", None),
        ("1 D", "1 min", "HISTORICAL_VOLATILITY", 162),
        ("1 D", "1 min", "SCHEDULE", 321),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    played: Gateway, connect: Connect, duration: str, size: str, what: str, code: int | None
) -> None:
    ib = await connect()
    heard = codes_of(ib)
    bars = await ib.reqHistoricalDataAsync(await stock(ib, "V"), "", duration, size, what, False)
    assert bool(bars) is (code is None)
    assert heard == ([] if code is None else [code])


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


@pytest.fixture
async def walked(bench: Bench, clock: SteppedClock) -> Gateway:
    """A walk over everything, at noon of a Wednesday."""
    gateway = Gateway(parse_market(["walk"], seed=5, clock=clock), clock=clock)
    await gateway.start()
    bench.running.append(gateway)
    return gateway


async def ask_bars(
    wire: Wire,
    gateway: Gateway,
    name: str,
    end: str,
    size: str,
    duration: str,
    what: str,
    *,
    keep: int = 0,
    reqId: int = 5,
) -> list[list[str]]:
    """Every message that answers a request for bars."""
    listing = gateway.market.catalogue.named(name)
    assert listing is not None
    wire.send(20, reqId, *numbered(listing.conId), 0, end, size, duration, 0, what, 2, keep, "")
    return await told(wire)


@pytest.mark.parametrize("size", list(BAR_SIZES_S))
async def test_every_bar_size_cuts_the_same_prints(walked: Gateway, dial: Dial, size: str) -> None:
    wire = await dial.greeted(walked)
    duration = "600 S" if BAR_SIZES_S[size] < 60 else "2 D"
    (answer,) = await ask_bars(wire, walked, "V", "", size, duration, "TRADES")
    bars = [answer[5 + 8 * row : 13 + 8 * row] for row in range(int(answer[4]))]
    visa = walked.market.catalogue.named("V")
    assert visa is not None
    if BAR_SIZES_S[size] < 86_400:
        assert all(int(bar[0]) % BAR_SIZES_S[size] in (0, 3600 * 4 % BAR_SIZES_S[size]) for bar in bars)
        assert [int(bar[0]) for bar in bars] == sorted({int(bar[0]) for bar in bars})
        start_s, end_s = int(bars[0][0]), NOON_S
        prints = walked.market.prints(visa.conId, start_s, end_s, 1_000_000)
        assert sum(int(bar[7]) for bar in bars) == len(prints)
        assert sum(float(bar[5]) for bar in bars) == sum(one.size for one in prints)
    else:
        assert bars[-1][0] in ("20260701", "20260629")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("20260701 11:59:00 US/Eastern", None),
        ("20260701-15:59:00", None),
        ("20260701 11:59:00", None),
        ("11:59:00", None),
        ("11:59:00 US/Eastern", None),
        ("20360701 00:00:00 UTC", None),
        ("20260701", "10314"),
        ("20260701 11:59", "10314"),
        ("20260701 11:59:00 Moon/Base", "10314"),
        ("20261301 11:59:00", "10314"),
        ("noon", "10314"),
    ],
)
async def test_an_end_has_many_forms_and_a_wrong_one_is_10314(
    walked: Gateway, dial: Dial, end: str, code: str | None
) -> None:
    wire = await dial.greeted(walked)
    (answer,) = await ask_bars(wire, walked, "V", end, "1 min", "3600 S", "TRADES")
    if code is not None:
        assert answer[3] == code
        return
    assert answer[0] == "17"
    until_s = int(answer[5 + 8 * (int(answer[4]) - 1)])
    assert until_s == NOON_S - (60 if end.startswith("2036") else 120)


@pytest.mark.parametrize(
    ("name", "what", "code"),
    [
        ("EURUSD", "TRADES", "162"),
        ("EURUSD", "MIDPOINT", None),
        ("SPX", "BID", "162"),
        ("SPX", "TRADES", None),
        ("SPX", "HISTORICAL_VOLATILITY", None),
        ("BTC", "TRADES", "10299"),
        ("BTC", "AGGTRADES", None),
        ("V", "BID_ASK", None),
        ("V", "ADJUSTED_LAST", None),
        ("V", "OPTION_IMPLIED_VOLATILITY", None),
        ("ES", "HISTORICAL_VOLATILITY", "162"),
    ],
)
async def test_what_can_be_shown_depends_on_the_instrument(
    walked: Gateway, dial: Dial, name: str, what: str, code: str | None
) -> None:
    wire = await dial.greeted(walked)
    (answer,) = await ask_bars(wire, walked, name, "", "1 day", "5 D", what)
    assert (answer[3] if answer[0] == "4" else None) == code
    if code is None and what not in ("TRADES", "AGGTRADES", "ADJUSTED_LAST"):
        assert answer[10:13] == ["-1", "-1", "-1"], "what has no volume says so"


@pytest.mark.parametrize(
    ("end", "size", "what", "text"),
    [
        ("20260701-15:00:00", "1 min", "TRADES", "End time not supported"),
        ("", "1 secs", "TRADES", "5 seconds at least"),
        ("", "1 min", "BID_ASK", "cannot be kept"),
        ("", "1 min", "ADJUSTED_LAST", "cannot be kept"),
    ],
)
async def test_bars_that_cannot_be_kept_up_to_date_are_refused(
    walked: Gateway, dial: Dial, end: str, size: str, what: str, text: str
) -> None:
    wire = await dial.greeted(walked)
    (answer,) = await ask_bars(wire, walked, "V", end, size, "1800 S", what, keep=1)
    assert answer[3] == "321"
    assert text in answer[4]


async def test_an_adjusted_price_has_no_end_in_the_past(walked: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(walked)
    (answer,) = await ask_bars(wire, walked, "V", "20260701-15:00:00", "1 day", "5 D", "ADJUSTED_LAST")
    assert answer[3] == "321"


async def test_cancelling_says_162_of_what_was_kept_and_366_of_what_was_not(walked: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(walked)
    await ask_bars(wire, walked, "V", "", "1 min", "600 S", "TRADES", keep=1)
    (twice,) = await ask_bars(wire, walked, "V", "", "1 min", "600 S", "TRADES", keep=1)
    assert twice[3] == "322"
    wire.send(25, 1, 5)
    wire.send(25, 1, 5)
    first, second = await told(wire)
    assert first[3:5] == [
        "162",
        "Historical Market Data Service error message:API historical data query cancelled: 5",
    ]
    assert second[3:5] == ["366", "No historical data query found for ticker id:5"]


async def test_kept_bars_of_regular_hours_begin_with_the_open_and_end_with_the_close(bench: Bench, dial: Dial) -> None:
    open_s = NOON_S - 2.5 * 3600
    clock = SteppedClock(open_s - 60)
    gateway = Gateway(parse_market(["walk"], seed=5, clock=clock, sessions=True), clock=clock)
    await gateway.start()
    bench.running.append(gateway)
    wire = await dial.greeted(gateway)
    visa = gateway.market.catalogue.named("V")
    assert visa is not None
    wire.send(20, 5, *numbered(visa.conId), 0, "", "1 hour", "2 D", 1, "TRADES", 2, 1, "")
    await told(wire)
    gateway.step_to(open_s - 1)
    assert await told(wire) == [], "before the open nothing is shown"
    gateway.step_to(open_s + 30)
    updates = await told(wire)
    assert {frame[3] for frame in updates} == {str(int(open_s))}, "the first bar begins with the session"


async def test_a_histogram_is_what_was_traded_at_every_price(played: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(played)
    visa = played.market.catalogue.named("V")
    assert visa is not None
    for period in ("1 day", "60 seconds", "a while", "0 days"):
        wire.send(88, 5, *numbered(visa.conId), 0, 0, period)
    wire.send(89, 5)
    whole, short, *refused = await told(wire)
    assert whole == ["89", "5", "5", "199", "100", "201", "10", "203", "10", "204", "10", "205", "10"]
    assert short == ["89", "5", "3", "203", "10", "204", "10", "205", "10"]
    assert [frame[3] for frame in refused] == ["321", "321"]


async def test_sessions_of_the_past_are_told_as_a_schedule(walked: Gateway, connect: Connect) -> None:
    ib = await connect()
    visa = await stock(ib, "V")
    answer = await ib.reqHistoricalScheduleAsync(visa, 3)
    assert answer.timeZone == "US/Eastern"
    assert [(one.startDateTime, one.endDateTime, one.refDate) for one in answer.sessions] == [
        (f"202606{day}-09:30:00", f"202606{day}-16:00:00", f"202606{day}") for day in (29, 30)
    ] + [("20260701-09:30:00", "20260701-16:00:00", "20260701")]


@pytest.mark.parametrize(
    ("what", "start", "end", "count", "code"),
    [
        ("TRADES", "20260701-15:59:00", "", 5, None),
        ("TRADES", "", "20260701-15:59:00", 5, None),
        ("BID_ASK", "", "20260701-15:59:00", 5, None),
        ("MIDPOINT", "", "20260701-15:59:00", 5, None),
        ("BID", "", "20260701-15:59:00", 5, "321"),
        ("TRADES", "20260701-15:58:00", "20260701-15:59:00", 5, "321"),
        ("TRADES", "", "20260701-15:59:00", 0, "321"),
        ("TRADES", "", "20260701-15:59:00", 1001, "321"),
        ("TRADES", "yesterday", "", 5, "10314"),
    ],
)
async def test_ticks_of_the_past_are_counted_from_one_end(
    walked: Gateway, dial: Dial, what: str, start: str, end: str, count: int, code: str | None
) -> None:
    wire = await dial.greeted(walked)
    visa = walked.market.catalogue.named("V")
    assert visa is not None
    wire.send(96, 5, *numbered(visa.conId), 0, start, end, count, what, 0, 0, "")
    (answer,) = await told(wire)
    if code is not None:
        assert answer[3] == code
        return
    assert answer[2] == "5"
    limit_s = NOON_S - 60
    width = {"96": 4, "97": 6, "98": 6}[answer[0]]
    times = [int(answer[3 + width * row]) for row in range(5)]
    assert times == sorted(times)
    assert all(at_s >= limit_s for at_s in times) if start else all(at_s < limit_s for at_s in times)


async def test_a_continuous_future_has_a_past_and_nothing_else(walked: Gateway, dial: Dial) -> None:
    wire = await dial.greeted(walked)
    future = (0, "ES", "CONTFUT", "", 0.0, "", "", "CME", "", "USD", "", "")
    wire.send(1, 11, 1, *future, 0, "", 0, 0, "")
    wire.send(97, 2, *future, "Last", 0, 0)
    wire.send(50, 3, 3, *future, 5, "TRADES", 0, "")
    wire.send(10, 5, 4, *future, 5, 0, "")
    for reqId, (end, keep) in enumerate((("", 0), ("20260701-15:00:00", 0), ("", 1)), start=5):
        wire.send(20, reqId, *future, 0, end, "1 day", "5 D", 1, "TRADES", 1, keep, "")
    frames = await told(wire)
    assert [frame[3] for frame in frames if frame[0] == "4"] == ["321", "321", "321", "10092", "10339", "321"]
    assert [frame[1] for frame in frames if frame[0] == "17"] == ["5"]


async def test_who_leaves_leaves_nothing_behind(walked: Gateway, dial: Dial) -> None:
    visa = walked.market.catalogue.named("V")
    assert visa is not None
    wire = await dial.greeted(walked)
    contract = numbered(visa.conId)
    wire.send(1, 11, 1, *contract, 0, "", 0, 0, "")
    wire.send(97, 2, *contract, "BidAsk", 0, 0)
    wire.send(50, 3, 3, *contract, 5, "TRADES", 0, "")
    wire.send(10, 5, 4, *contract, 5, 0, "")
    await ask_bars(wire, walked, "V", "", "1 min", "600 S", "TRADES", keep=1)
    followers = [feed._by_instrument for feed in (*walked._feeds, walked._history._kept) if feed is not walked._history]
    assert [len(one) for one in followers] == [1] * 5
    walked.drop_connections()
    assert await wire.is_closed()
    assert [len(one) for one in followers] == [0] * 5
