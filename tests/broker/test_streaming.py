"""Prices from the gateway into the inbox: none lost, none believed that is no price."""

import asyncio

import pytest

from rules_engine.broker.feeds import Feeds
from rules_engine.broker.hearing import Hearing
from rules_engine.broker.inbox import Inbox
from rules_engine.broker.subscriptions import every_field
from rules_engine.gateway import Gateway
from rules_engine.model.clock import SystemClock
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.reports import FeedDown, FeedUp
from rules_engine.model.tick import Tick
from tests.broker.conftest import MA, Connect, Heard, V

SPX = Instrument("SPX", Kind.INDEX, "SPX", "CBOE")
EUR = Instrument("EUR", Kind.FOREX, "EURUSD")


async def test_first_prices_are_snapshots_and_later_ones_are_not(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    assert [(tick.value, tick.snapshot) for tick in heard.ticks("V")] == [(199.0, True)]
    gateway.push("V", 199.5)
    await heard.until(lambda: heard.prices("V"))
    assert heard.prices("V") == [199.5]


async def test_three_prints_in_one_packet_are_three_ticks_with_their_own_times(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    contract_id = _contract_id(gateway, "V")
    moments = [gateway.market.push(contract_id, price, size) for price, size in ((201.0, 10), (202.0, 20), (203.0, 30))]
    gateway._apply([tick for ticks in moments for tick in ticks])
    await heard.until(lambda: len(heard.prices("V")) == 3)
    prints = [tick for tick in heard.ticks("V") if not tick.snapshot]
    assert [(tick.value, tick.size) for tick in prints] == [(201.0, 10.0), (202.0, 20.0), (203.0, 30.0)]
    exchange_times = [ticks[0].time_s for ticks in moments]
    assert [tick.time_s for tick in prints] == [pytest.approx(time_s, abs=0.001) for time_s in exchange_times]


async def test_repeated_price_is_a_print_of_its_own_and_no_trade_counts_twice(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    for price in (200.0, 201.0, 201.0, 202.0):
        gateway.push("V", price)
    await heard.until(lambda: 202.0 in heard.prices("V"))
    assert heard.prices("V") == [200.0, 201.0, 201.0, 202.0]


async def test_prints_split_over_packets_arrive_whole(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    session = next(gateway._switchboard.sockets())
    write = session._transport.write
    pieces: list[bytes] = []
    session._transport = _Splitting(session._transport, pieces)
    for price in (200.0, 201.5, 202.0):
        gateway.push("V", price)
    data = b"".join(pieces)
    for start in range(0, len(data), 7):
        write(data[start : start + 7])
        await asyncio.sleep(0)
    await heard.until(lambda: len(heard.prices("V")) == 3)
    assert heard.prices("V") == [200.0, 201.5, 202.0]


@pytest.mark.parametrize("names", [("V", "MA"), ("MA", "V")])
async def test_instruments_of_one_packet_come_in_the_order_in_which_ib_wrote_them(
    connect: Connect, gateway: Gateway, heard: Heard, names: tuple[str, ...]
) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    heard.items.clear()
    gateway._apply([tick for name in names for tick in gateway.market.push(_contract_id(gateway, name), 250.0)])
    await heard.until(lambda: heard.ticks("V") and heard.ticks("MA"))
    assert tuple(dict.fromkeys(tick.instrument for tick in heard.of(Tick))) == names


async def test_missing_prices_are_none(connect: Connect, heard: Heard) -> None:
    await connect([Instrument("AAPL", Kind.STOCK, "AAPL")])
    await heard.subscribed("AAPL")
    await heard.until(lambda: heard.ticks("AAPL"))
    assert [tick.value for tick in heard.ticks("AAPL", Field.BID)] == [None]
    assert [tick.value for tick in heard.ticks("AAPL")] == [None]


async def test_first_print_of_a_stock_without_a_price_is_no_snapshot(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    await connect([Instrument("AAPL", Kind.STOCK, "AAPL")])
    await heard.subscribed("AAPL")
    gateway.push("AAPL", 190.0)
    await heard.until(lambda: heard.prices("AAPL"))
    assert heard.prices("AAPL") == [190.0]


async def test_currency_pair_has_quotes_and_no_last(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    await connect([EUR])
    await heard.subscribed("EUR")
    gateway.push_quote("EURUSD", 1.0850, 1.0852)
    gateway.push_quote("EURUSD", 1.0851, 1.0853)
    await heard.until(lambda: 1.0853 in heard.prices("EUR", Field.ASK))
    assert heard.prices("EUR", Field.BID)[-2:] == [1.0850, 1.0851]
    assert heard.ticks("EUR") == []


async def test_index_has_a_last_without_trade_reports(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    await connect([SPX])
    gateway.push("SPX", 6000.0)
    await heard.subscribed("SPX")
    gateway.push("SPX", 6001.0)
    gateway.push("SPX", 6002.0)
    await heard.until(lambda: 6002.0 in heard.prices("SPX"))
    assert heard.prices("SPX")[-2:] == [6001.0, 6002.0]


async def test_volume_and_mark_are_fields_of_their_own(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    gateway.push("V", 198.0, 50)
    await heard.until(lambda: heard.prices("V"))
    assert heard.ticks("V", Field.VOLUME)[-1].value == 150.0
    assert heard.ticks("V", Field.LOW)[-1].value == 198.0


async def test_delayed_prices_are_refused(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect([V])
    await heard.subscribed("V")
    heard.items.clear()
    for session in gateway._switchboard.sockets():
        session.marketDataType = 3
    connection.renew(["V"])
    await connection.probe()
    gateway.push("V", 205.0)
    await connection.probe()
    heard.items += heard.inbox.take()
    assert heard.of(Tick) == []


async def test_delayed_prices_are_taken_when_allowed(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    await connect([V], delayed=True)
    await heard.subscribed("V")
    assert heard.ticks("V")[0].value == 199.0


async def test_two_names_of_one_contract_both_hear_it(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    other = Instrument("visa", Kind.CONTRACT, contract_id=_contract_id(gateway, "V"))
    await connect([V, other])
    await heard.subscribed("V", "visa")
    gateway.push("V", 200.0)
    await heard.until(lambda: heard.prices("visa"))
    assert heard.prices("V") == heard.prices("visa") == [200.0]


async def test_refused_market_data_silences_that_instrument_only(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    gateway.refuse_data("V", 354)
    await connect()
    await heard.subscribed("MA")
    await heard.until(heard.silenced)
    assert heard.silenced() == [("V", 354)]
    assert "not subscribed" in heard.of(FeedDown)[-1].text


async def test_feed_that_comes_back_is_told_before_its_first_price(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect()
    await heard.subscribed("V", "MA")
    gateway.refuse_data("V", 10197)
    await heard.until(heard.silenced)
    gateway.refuse_data("V", 0)
    heard.items.clear()
    connection.renew(["V"])
    await heard.until(lambda: heard.ticks("V"))
    kinds = [type(item) for item in heard.items]
    assert heard.of(FeedUp)[0].instrument == "V"
    assert kinds.index(FeedUp) < kinds.index(Tick)
    assert heard.ticks("V")[0].snapshot


async def test_broken_farm_silences_everything_until_each_instrument_ticks(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    gateway.send_code(2103)
    await heard.until(lambda: len(heard.silenced()) == 2)
    heard.items.clear()
    gateway.send_code(2104)
    gateway.push("V", 200.0)
    await heard.until(lambda: heard.prices("V"))
    assert [one.instrument for one in heard.of(FeedUp)] == ["V"]


async def test_information_about_farms_silences_nothing(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    connection = await connect()
    for code in (2104, 2106, 2107, 2108, 2119, 2158):
        gateway.send_code(code)
    await connection.probe()
    heard.items += heard.inbox.take()
    assert heard.silenced() == []


async def test_lost_data_is_subscribed_again(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    await connect()
    await heard.subscribed("V", "MA")
    gateway.send_code(1100)
    gateway.send_code(1101)
    await heard.until(lambda: len(heard.of(FeedUp)) == 4)
    assert heard.silenced() == [("V", 1100), ("MA", 1100)]
    assert [tick.snapshot for tick in heard.ticks("V")] == [True, True]
    gateway.push("V", 200.0)
    await heard.until(lambda: heard.prices("V"))
    assert heard.prices("V") == [200.0]


async def test_prices_that_were_not_read_yet_as_their_subscription_is_renewed_are_heard(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect([V])
    await heard.subscribed("V")
    gateway.push("V", 200.0)
    gateway.push("V", 198.0)
    connection.renew(["V"])
    await connection.probe()
    gateway.push("V", 201.0)
    await heard.until(lambda: 201.0 in heard.prices("V"))
    told = [(tick.value, tick.snapshot) for tick in heard.ticks("V")]
    assert told == [(199.0, True), (200.0, False), (198.0, False), (198.0, True), (201.0, False)]


async def test_prices_that_were_not_read_yet_as_a_contract_gets_a_further_name_are_heard_under_the_first(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    other = Instrument("visa", Kind.CONTRACT, contract_id=_contract_id(gateway, "V"))
    connection = await connect([V])
    await heard.subscribed("V")
    watching = asyncio.create_task(connection.watch([V, other]))
    pushed = list[float]()
    while not watching.done():
        pushed.append(200.0 + len(pushed))
        gateway.push("V", pushed[-1])
        await asyncio.sleep(0)
    await heard.until(lambda: heard.ticks("visa") and heard.ticks("V")[-1].value == pushed[-1])
    assert heard.prices("V") == pushed


async def test_watch_changes_streams_and_leaves_the_others_alone(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect([V])
    await heard.subscribed("V")
    await connection.watch([V, MA])
    await heard.subscribed("MA")
    assert len(heard.ticks("V")) == 1
    await connection.watch([MA])
    gateway.push("V", 210.0)
    gateway.push("MA", 310.0)
    await heard.until(lambda: heard.prices("MA"))
    assert heard.prices("V") == []
    assert connection.traded("V") is None


class _Splitting:
    """Keeps what is written, to be sent in pieces."""

    def __init__(self, transport: asyncio.Transport, pieces: list[bytes]) -> None:
        self._transport = transport
        self._pieces = pieces

    def write(self, data: bytes) -> None:
        self._pieces.append(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


def _contract_id(gateway: Gateway, name: str) -> int:
    listing = gateway.market.catalogue.named(name)
    assert listing is not None
    return listing.conId


async def test_feed_counts_as_up_from_its_first_tick_on(connect: Connect, heard: Heard) -> None:
    connection = await connect([V])
    await heard.subscribed("V")
    await connection.watch([V, MA])
    await heard.subscribed("MA")
    told = [(type(item), item.instrument) for item in heard.items if isinstance(item, FeedDown | FeedUp)]
    assert told == [(FeedDown, "V"), (FeedUp, "V"), (FeedDown, "MA"), (FeedUp, "MA")]


async def test_further_name_of_a_streamed_contract_begins_with_a_snapshot(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect([V])
    await heard.subscribed("V")
    await connection.watch([V, Instrument("visa", Kind.CONTRACT, contract_id=_contract_id(gateway, "V"))])
    await heard.until(lambda: heard.ticks("visa"))
    assert heard.ticks("visa")[0].snapshot
    assert [report.instrument for report in heard.of(FeedDown)] == ["V", "visa"]


def test_what_is_said_of_an_option_besides_its_prices_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    clock, inbox = SystemClock(), Inbox()
    session = Hearing(inbox, Feeds(inbox, clock), clock, every_field).session
    decoder = session.client.decoder
    decoder.serverVersion = 176
    for kind in (10, 11, 12, 13, 83):
        decoder.interpret(["21", "7", str(kind), "0", "0.2", "0.5", "1.0", "0", "0.1", "0.1", "0.1", "200"])
    assert (caplog.records, len(inbox)) == ([], 0)
