"""The past that fills windows: complete from the moment it says, in prints or in bars."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from rules_engine.broker.bars import BarReader, bar_request, prints_of, window_request
from rules_engine.broker.connection import Connection
from rules_engine.broker.library import BarData
from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.model.clock import SteppedClock
from rules_engine.model.errors import LinkDown
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.plan import History
from rules_engine.model.settings import GatewaySettings
from rules_engine.model.tick import Bar
from tests.broker.conftest import Heard, V

NOON_S = 1_782_921_600.0
"""Wednesday 1 July 2026, noon in New York."""
EUR = Instrument("EUR", Kind.FOREX, "EURUSD")
BTC = Instrument("BTC", Kind.CRYPTO, "BTC", "PAXOS")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON_S)


@pytest.fixture
async def played(clock: SteppedClock) -> AsyncIterator[Gateway]:
    gateway = Gateway(Market(Catalogue(clock=clock)), clock=clock, accounts=("DU1",))
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def connection(played: Gateway, heard: Heard, clock: SteppedClock) -> AsyncIterator[Connection]:
    opened = await Connection.open(GatewaySettings(port=played.port), [V, EUR, BTC], heard.inbox, clock)
    yield opened
    opened.close()


def _play(gateway: Gateway, clock: SteppedClock, *moments: tuple[float, float]) -> None:
    for after_s, price in moments:
        clock.time_s = NOON_S + after_s
        gateway.push("V", price, 10)


async def test_window_is_filled_with_the_prints_in_it(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    _play(played, clock, (0, 199), (60, 200), (180, 190.5), (300, 201), (359, 202))
    clock.time_s = NOON_S + 360
    past = await connection.history(History(V, Field.LAST, duration_s=300))
    assert [(tick.time_s - NOON_S, tick.value) for tick in past.ticks] == [(180, 190.5), (300, 201.0), (359, 202.0)]
    assert past.complete_from_s == NOON_S + 60
    assert past.bars == ()
    assert {tick.size for tick in past.ticks} == {10.0}


async def test_window_of_a_moment_before_now_is_filled_whole_and_until_now(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    _play(played, clock, (0, 199), (60, 200), (180, 190.5), (359, 202))
    clock.time_s = NOON_S + 360
    past = await connection.history(History(V, Field.LAST, duration_s=300), NOON_S + 350)
    assert [(tick.time_s - NOON_S, tick.value) for tick in past.ticks] == [(60, 200.0), (180, 190.5), (359, 202.0)]
    assert past.complete_from_s == NOON_S + 50


async def test_busy_window_is_read_page_by_page_without_loss_or_repetition(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    _play(played, clock, *((number / 11, 100 + number / 100) for number in range(2500)))
    past = await connection.history(History(V, Field.LAST, duration_s=200))
    expected = [100 + number / 100 for number in range(2500) if int(NOON_S + number / 11) > clock.time_s - 200]
    assert [tick.value for tick in past.ticks] == expected
    assert past.complete_from_s == clock.time_s - 200


async def test_too_busy_a_window_keeps_its_extremes(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    _play(played, clock, *((number / 30, 100 + (number % 100) / 100) for number in range(6000)))
    past = await connection.history(History(V, Field.LAST, duration_s=190))
    values = [tick.value for tick in past.ticks if tick.value is not None]
    assert (min(values), max(values)) == (100.0, 100.99)
    assert past.complete_from_s == clock.time_s - 190
    assert all(past.complete_from_s < tick.time_s <= clock.time_s for tick in past.ticks)


async def test_long_window_is_filled_from_bars(played: Gateway, connection: Connection, clock: SteppedClock) -> None:
    _play(played, clock, (0, 199), (600, 150), (3000, 250), (7100, 202))
    clock.time_s = NOON_S + 7200
    past = await connection.history(History(V, Field.LAST, duration_s=7000))
    values = [tick.value for tick in past.ticks if tick.value is not None]
    assert (min(values), max(values), values[-1]) == (150.0, 250.0, 202.0)
    assert past.complete_from_s == NOON_S + 200


async def test_instrument_without_a_past_knows_nothing_before_now(connection: Connection, clock: SteppedClock) -> None:
    past = await connection.history(History(V, Field.LAST, bar_count=5, bar_s=300))
    assert (past.bars, past.complete_from_s) == ((), clock.time_s)
    volume = await connection.history(History(V, Field.VOLUME, duration_s=300))
    assert (volume.ticks, volume.complete_from_s) == ((), clock.time_s)


async def test_instrument_that_is_not_watched_has_no_past(connection: Connection, clock: SteppedClock) -> None:
    other = Instrument("AAPL", Kind.STOCK, "AAPL")
    assert (await connection.history(History(other, Field.LAST, duration_s=60))).complete_from_s == clock.time_s


async def test_currency_pair_is_filled_with_its_quotes(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    for after_s, bid in ((0, 1.08), (30, 1.09), (60, 1.10)):
        clock.time_s = NOON_S + after_s
        played.push_quote("EURUSD", bid, bid + 0.0002)
    clock.time_s = NOON_S + 70
    mid = await connection.history(History(EUR, Field.MID, duration_s=50))
    assert [tick.value for tick in mid.ticks] == pytest.approx([1.0901, 1.1001])
    bid_side = await connection.history(History(EUR, Field.BID, duration_s=50))
    ask_side = await connection.history(History(EUR, Field.ASK, duration_s=50))
    assert [tick.value for tick in bid_side.ticks] == [1.09, 1.10]
    assert [tick.value for tick in ask_side.ticks] == pytest.approx([1.0902, 1.1002])


async def test_bars_are_completed_ones_only(played: Gateway, connection: Connection, clock: SteppedClock) -> None:
    _play(played, clock, (0, 199), (310, 200), (350, 205), (590, 198), (610, 210))
    past = await connection.history(History(V, Field.LAST, bar_count=2, bar_s=300))
    assert past.bars == (
        Bar(NOON_S, 199, 199, 199, 199, 10),
        Bar(NOON_S + 300, 200, 205, 198, 198, 30),
    )
    assert past.complete_from_s == NOON_S


async def test_only_the_newest_bars_asked_for_are_given(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    _play(played, clock, *((60 * minute, 100 + minute) for minute in range(10)))
    past = await connection.history(History(V, Field.LAST, bar_count=3, bar_s=60))
    assert [bar.close for bar in past.bars] == [106, 107, 108]


async def test_bar_length_that_ib_lacks_is_built_of_smaller_ones(
    played: Gateway, connection: Connection, clock: SteppedClock
) -> None:
    _play(played, clock, (0, 100), (100, 104), (300, 98), (419, 101), (420, 500), (900, 99))
    past = await connection.history(History(V, Field.LAST, bar_count=1, bar_s=420))
    # Noon is not a multiple of seven minutes from midnight: the bars begin at 11:54 and 12:01.
    assert past.bars == (Bar(NOON_S + 60, 104, 500, 98, 500, 40),)


async def test_crypto_has_aggregated_bars(played: Gateway, connection: Connection, clock: SteppedClock) -> None:
    played.push("BTC", 60_000.0, 0.5)
    clock.time_s = NOON_S + 120
    past = await connection.history(History(BTC, Field.LAST, bar_count=1, bar_s=60))
    assert [bar.close for bar in past.bars] == [60_000.0]


async def test_history_that_is_not_answered_is_a_lost_link(
    played: Gateway, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rules_engine.broker.history.DEADLINE_S", 0.1)
    played.freeze()
    with pytest.raises(LinkDown, match="history of V"):
        await connection.history(History(V, Field.LAST, duration_s=60))


@pytest.mark.parametrize(
    ("count", "bar_s", "expected"),
    [
        (50, 60, ("1 min", "3060 S")),
        (20, 900, ("15 mins", "18900 S")),
        (100, 900, ("15 mins", "5 D")),
        (20, 86_400, ("1 day", "22 D")),
        (400, 86_400, ("1 day", "2 Y")),
        (3, 420, ("1 min", "1680 S")),
        (3, 2700, ("15 mins", "10800 S")),
        (2, 172_800, ("1 day", "7 D")),
    ],
)
def test_enough_bars_are_asked_for_in_sizes_that_ib_has(count: int, bar_s: float, expected: tuple[str, str]) -> None:
    request = bar_request(count, bar_s)
    assert (request.size, request.duration) == expected


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (60, ("1 secs", "60 S")),
        (7200, ("5 secs", "7200 S")),
        (86_400, ("1 min", "86400 S")),
        (259_200, ("3 mins", "4 D")),
    ],
)
def test_window_is_read_as_finely_as_ib_allows(duration_s: float, expected: tuple[str, str]) -> None:
    request = window_request(duration_s)
    assert (request.size, request.duration) == expected


@pytest.mark.parametrize(
    ("bar", "path"),
    [(Bar(0, 10, 12, 9, 11), [10, 9, 12, 11]), (Bar(0, 11, 12, 9, 10), [11, 12, 9, 10]), (Bar(0, 5, 5, 5, 5), [5] * 4)],
)
def test_bar_stands_for_four_prints(bar: Bar, path: list[float]) -> None:
    assert list(prints_of(bar, 60)) == [(15.0 * quarter, price) for quarter, price in enumerate(path)]


def _at(hour: int, minute: int = 0) -> float:
    return datetime(2026, 7, 1, hour, minute, tzinfo=NEW_YORK).timestamp()


@pytest.mark.parametrize(("now_s", "days"), [(_at(15, 59), 1), (_at(16), 2)])
def test_daily_bar_is_complete_when_its_session_is_over(now_s: float, days: int) -> None:
    raw = [_day(date(2026, 6, 30)), _day(date(2026, 7, 1))]
    reader = BarReader(NEW_YORK, [(_at(9, 30), _at(16))], now_s)
    assert len(reader.completed(raw, 86_400)) == days


def test_daily_bar_begins_at_midnight_of_the_exchange() -> None:
    reader = BarReader(NEW_YORK, [], _at(12))
    bars = reader.completed([_day(date(2026, 6, 30)), _day(date(2026, 7, 1))], 86_400)
    assert [bar.start_s for bar in bars] == [datetime(2026, 6, 30, 4, tzinfo=UTC).timestamp()]


def _day(day: date) -> BarData:
    return BarData(date=day, open=1.0, high=2.0, low=1.0, close=2.0, volume=5.0)
