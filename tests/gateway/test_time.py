"""How the gateway's time passes: stepped, compressed, over nights, weekends and the days when clocks change."""

import asyncio
import itertools
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from ib_insync import LimitOrder

from rules_engine.gateway import Catalogue, Gateway, Market, parse_market
from rules_engine.gateway.clocks import ClockError, read_clock, read_start, read_time_of_day
from rules_engine.gateway.faults.plan import next_time_s, nightly_reset, nightly_restart
from rules_engine.gateway.passage import INSTANTS_MAX, Passage
from rules_engine.gateway.times import Timers, read_time
from rules_engine.model.clock import CompressedClock, SteppedClock, SystemClock
from tests.gateway.conftest import DEADLINE_S, NOON_S, Bench, Connect, Dial, echo, heard_by, hung_up, stock, until

DAY_S = 86_400.0
EASTERN = ZoneInfo("US/Eastern")


def eastern_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN).timestamp()


class Diary:
    """A passage of time whose timers write down when they ran."""

    def __init__(self, start_s: float = 0.0) -> None:
        self.clock = SteppedClock(start_s)
        self.timers, self.stage = Timers(), Timers()
        self.passage = Passage(self.clock, Market(Catalogue(clock=self.clock)), self.timers, self.stage)
        self.lines: list[tuple[str, float]] = []

    def note(self, word: str, at_s: float, timers: Timers | None = None) -> None:
        (timers or self.timers).at(at_s, lambda: self.lines.append((word, self.passage.now_s())))


def test_what_is_due_happens_in_order_and_sees_its_own_instant() -> None:
    diary = Diary()
    for word, at_s in (("late", 9.0), ("early", 2.0), ("between", 5.0)):
        diary.note(word, at_s)
    diary.passage.step_to(9.5)
    assert diary.lines == [("early", 2.0), ("between", 5.0), ("late", 9.0)]
    assert diary.passage.now_s() == 9.5


def test_what_follows_from_an_instant_comes_in_its_turn() -> None:
    diary = Diary()
    diary.timers.at(2.0, lambda: diary.note("followed", diary.passage.now_s() + 1.0))
    diary.note("later", 5.0)
    diary.passage.step_to(6.0)
    assert diary.lines == [("followed", 3.0), ("later", 5.0)]


def test_what_is_due_in_the_past_happens_now() -> None:
    diary = Diary(100.0)
    assert diary.passage.now_s() == 100.0
    diary.note("overdue", 3.0)
    diary.passage.step_to(101.0)
    assert diary.lines == [("overdue", 100.0)]


def test_only_the_stage_goes_on_while_the_gateway_is_frozen() -> None:
    diary = Diary()
    diary.passage.frozen = True
    diary.note("inside", 1.0)
    diary.note("outside", 2.0, diary.stage)
    diary.passage.step_to(3.0)
    assert diary.lines == [("outside", 2.0)]
    diary.passage.frozen = False
    diary.passage.step_to(4.0)
    assert [word for word, _ in diary.lines] == ["outside", "inside"]


def test_a_clock_that_runs_by_itself_cannot_be_stepped_and_no_clock_goes_back() -> None:
    running = Passage(SystemClock(), Market(Catalogue()), Timers(), Timers())
    with pytest.raises(ValueError, match="runs by itself"):
        running.step_to(2e9)
    diary = Diary(10.0)
    with pytest.raises(ValueError, match="does not go back"):
        diary.passage.step_to(9.0)


def test_a_compressed_clock_begins_where_it_is_told_and_runs_so_many_times_faster() -> None:
    life = SteppedClock(1000.0)
    clock = CompressedClock(NOON_S, 60.0, life)
    assert clock.now_s() == NOON_S
    life.time_s += 2.0
    assert clock.now_s() == NOON_S + 120.0
    life.time_s = 1000.0
    running = CompressedClock(NOON_S, 60.0)
    assert running.wait_s(NOON_S + 6000.0) == pytest.approx(100.0, abs=1.0)
    assert running.wait_s(NOON_S - 1.0) == 0.0


async def test_a_clock_faster_than_this_machine_leaves_nothing_out_and_still_listens(dial: Dial) -> None:
    clock = CompressedClock(NOON_S, 1e9)
    gateway = Gateway(Market(Catalogue(clock=clock)), clock=clock, accounts=("DU1",))
    ran: list[float] = []

    def each_hour() -> None:
        ran.append(gateway.now_s)
        gateway._timers.at(gateway.now_s + 3600.0, each_hour)

    gateway._timers.at(NOON_S, each_hour)
    await gateway.start()
    try:
        wire = await dial.greeted(gateway)
        wire.send(49, 1)
        assert (await wire.read())[0] == "49"
        async with asyncio.timeout(DEADLINE_S):
            while len(ran) <= 3 * INSTANTS_MAX:
                await asyncio.sleep(0)
    finally:
        await gateway.stop()
    hours = {later - earlier for earlier, later in itertools.pairwise(ran)}
    assert hours == {3600.0}


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-11-27 09:25", "2026-11-27T14:25:00+00:00"),
        ("2026-11-27 09:25 US/Eastern", "2026-11-27T14:25:00+00:00"),
        ("2026-07-01T12:00:30 Europe/Berlin", "2026-07-01T10:00:30+00:00"),
    ],
)
def test_a_start_is_a_date_and_a_time_with_or_without_a_zone(start: str, expected: str) -> None:
    assert datetime.fromtimestamp(read_start(start), UTC).isoformat() == expected


@pytest.mark.parametrize("word", ["fast", "0x", "-2x", "60", ""])
def test_a_clock_that_cannot_be_is_refused(word: str) -> None:
    with pytest.raises(ClockError, match="such as 60x"):
        read_clock(word)


@pytest.mark.parametrize("start", ["tomorrow", "2026-13-01 09:00", "2026-11-27 09:25 Mars/Olympus", "2026-11-27"])
def test_a_start_that_cannot_be_is_refused(start: str) -> None:
    with pytest.raises(ClockError, match="start"):
        read_clock("real", start)


def test_clocks_are_real_compressed_or_stepped() -> None:
    assert isinstance(read_clock(), SystemClock)
    stepped = read_clock("stepped", "2026-11-27 09:25")
    assert isinstance(stepped, SteppedClock)
    assert stepped.time_s == eastern_s("2026-11-27T09:25")
    shifted = read_clock("real", "2026-11-27 09:25")
    assert isinstance(shifted, CompressedClock)
    assert shifted.speed == 1.0


@pytest.mark.parametrize("text", ["24:00", "9:15", "23:60", "noon", "23:45:10"])
def test_a_time_of_day_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ClockError, match="write it like 23:45"):
        read_time_of_day(text)


@pytest.mark.parametrize(
    ("after", "clock", "expected"),
    [
        ("2026-07-01T12:00", "23:45", "2026-07-02T03:45"),
        ("2026-07-01T23:45", "23:45", "2026-07-03T03:45"),
        ("2026-03-07T12:00", "02:30", "2026-03-08T07:30"),  # skipped that night: an hour later by the clocks then
        ("2026-10-31T12:00", "01:30", "2026-11-01T05:30"),  # comes twice that night: the first of them
        ("2026-11-01T01:31", "01:30", "2026-11-02T06:30"),
    ],
)
def test_the_next_time_of_day_also_where_clocks_change(after: str, clock: str, expected: str) -> None:
    found = next_time_s(eastern_s(after), time.fromisoformat(clock))
    assert datetime.fromtimestamp(found, UTC).isoformat()[:16] == expected


@pytest.mark.parametrize(
    ("start", "hours"),
    [
        ("2026-03-06T12:00", [12, 24, 23, 24]),  # clocks go forward on Sunday 8 March
        ("2026-10-30T12:00", [12, 24, 25, 24]),  # and back on Sunday 1 November
        ("2026-07-03T12:00", [12, 24, 24, 24]),  # a weekend after a holiday
    ],
)
async def test_each_day_begins_once_at_midnight_over_weekends_and_changes_of_the_clock(
    bench: Bench, connect: Connect, start: str, hours: list[int]
) -> None:
    clock = SteppedClock(eastern_s(start))
    gateway = await bench.gateway(clock=clock)
    ib = await connect()
    # Account values would be told every few minutes of these days.
    ib.client.reqAccountUpdates(False, "")
    v = await stock(ib, "V")
    for number, length in enumerate(hours):
        day = ib.placeOrder(v, LimitOrder("BUY", 1, 150.0))
        kept = ib.placeOrder(v, LimitOrder("BUY", 1, 149.0 - number, tif="GTC"))
        await echo(ib)
        gateway.step_to(clock.time_s + length * 3600 - 1)
        await echo(ib)
        assert day.isActive()
        gateway.step_to(clock.time_s + 1)
        await until(ib, day.isDone)
        assert day.orderStatus.status == "Cancelled"
        assert kept.isActive()


async def test_three_days_in_one_step_are_three_days(bench: Bench, connect: Connect, clock: SteppedClock) -> None:
    gateway = await bench.gateway(clock=clock)
    begun: list[float] = []
    gateway.forgot_before = begun.append  # type: ignore[method-assign]
    gateway.step_to(NOON_S + 3 * DAY_S)
    midnight_s = eastern_s("2026-07-02T00:00")
    assert begun == [midnight_s, midnight_s + DAY_S, midnight_s + 2 * DAY_S]


async def test_the_nightly_restart_drops_everybody_for_a_minute(bench: Bench, connect: Connect, dial: Dial) -> None:
    clock = SteppedClock(eastern_s("2026-07-01T23:44"))
    gateway = await bench.gateway(clock=clock, faults=(nightly_restart(time(23, 45)),))
    ib = await connect(clientId=1)
    ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 150.0, tif="GTC"))
    await echo(ib)
    gone = hung_up(ib)
    gateway.step_to(eastern_s("2026-07-01T23:45"))
    await asyncio.wait_for(gone.wait(), DEADLINE_S)
    refused = await dial.open(gateway)
    assert await refused.is_closed()
    gateway.step_to(eastern_s("2026-07-01T23:46"))
    back = await connect(clientId=1)
    assert len(back.openTrades()) == 1
    gone = hung_up(back)
    gateway.step_to(eastern_s("2026-07-02T23:45"))
    await asyncio.wait_for(gone.wait(), DEADLINE_S)


async def test_the_nightly_reset_loses_the_link_for_a_moment_each_night(bench: Bench, connect: Connect) -> None:
    clock = SteppedClock(eastern_s("2026-07-01T23:00"))
    gateway = await bench.gateway(clock=clock, faults=(nightly_reset(time(0, 15)),))
    ib = await connect()
    heard = heard_by(ib)
    for day in range(2):
        gateway.step_to(eastern_s(f"2026-07-0{2 + day}T00:16"))
        await echo(ib)
    assert [code for _, code in heard] == [1100, 1100, 1100, 1100, 1102] * 2


async def test_hours_are_kept_by_a_compressed_clock_over_a_weekend(bench: Bench, connect: Connect) -> None:
    life = SteppedClock(0.0)
    clock = CompressedClock(eastern_s("2026-11-27T12:55"), 3600.0, life)
    market = parse_market(["walk"], seed=5, sessions=True, clock=clock)
    gateway = Gateway(market, clock=clock, accounts=("DU1",), seed=5)
    v = market.catalogue.named("V")
    assert v is not None
    # A half day, which ends at 13:00, then a weekend: the next regular session is Monday's.
    assert market.is_open(v.conId, eastern_s("2026-11-27T12:59"), False)
    assert not market.is_open(v.conId, eastern_s("2026-11-27T13:00"), False)
    assert not market.is_open(v.conId, eastern_s("2026-11-28T12:00"), True)
    assert market.is_open(v.conId, eastern_s("2026-11-30T09:30"), False)
    await gateway.start()
    bench.running.append(gateway)
    ib = await connect()
    trade = ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 1.0, tif="GTC"))
    await echo(ib)
    assert trade.orderStatus.status == "Submitted"


@pytest.mark.parametrize("zone", ["Mars", "America", "x" * 300])
def test_a_time_in_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read_time(f"20300102 15:04:05 {zone}")
