"""What arrives, read by us and read by the library: whatever it is and however it is cut, the same comes of it."""

import asyncio
import logging
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_engine.broker.feeds import Feeds
from rules_engine.broker.hearing import Hearing
from rules_engine.broker.inbox import Inbox, Item
from rules_engine.broker.library import NAME, Client
from rules_engine.broker.subscriptions import every_field
from rules_engine.broker.ticks import Stream
from rules_engine.model.clock import SteppedClock
from rules_engine.model.reports import OrderError
from rules_engine.model.tick import Tick

START_S = 1000.0
STOCK, CURRENCY = 7, 12
ORDER = 3
REPORTS_MAX = 2
"""So few that now and then a report finds no room, and the connection is given up in the middle of a packet."""


def framed(*fields: object) -> bytes:
    return sealed(b"".join(field if isinstance(field, bytes) else f"{field}\0".encode() for field in fields))


def sealed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


HELLO = framed(176, "20260701 12:00:00 EST"), framed(15, 1, "DU1"), framed(9, 1, 20)


class Ear:
    """One connection after the handshake, with two streams and one order, and all that it is told."""

    def __init__(self, *, library: bool = False, delayed: bool = False) -> None:
        self._clock, self.inbox = SteppedClock(START_S), Inbox(reports_max=REPORTS_MAX)
        feeds = Feeds(self.inbox, self._clock)
        self.hearing = Hearing(self.inbox, feeds, self._clock, every_field, delayed=delayed)
        self.client = self.hearing.session.client
        if library:
            conn = self.client.conn
            conn.hasData -= self.client._onSocketHasData
            conn.hasData += partial(Client._onSocketHasData, self.client)
        for hello in HELLO:
            self.client.conn.data_received(hello)
        self.hearing.concerns_order(ORDER)
        self.streams = {
            STOCK: Stream(("V", "visa"), 1, "STK", START_S),
            CURRENCY: Stream(("EURUSD",), 2, "CASH", START_S),
        }
        self.hearing.prices.streams |= self.streams

    def hear(self, pieces: Sequence[bytes]) -> None:
        """Until the connection is given up."""
        for piece in pieces:
            self._clock.time_s += 0.001
            if self.client.isReady():
                self.client.conn.data_received(piece)

    def items(self) -> list[Item]:
        return list(self.inbox.take())

    def known(self) -> str:
        """Everything that what it was told can show in. NaN is like NaN here."""
        client, hearing = self.client, self.hearing
        counts = client._numMsgRecv, client._numBytesRecv, hearing.packets
        state = client.isReady(), client._data, hearing.prices.came, hearing.why_ended
        return f"{self.items()} {self.streams} {counts} {state} {hearing.account.held}"


ODD = st.one_of(
    st.sampled_from(["", "0", "-1", "nan", "NaN", "inf", "-Infinity", "1.7976931348623157E308", "1e999", "1e-300"]),
    st.sampled_from([" 7 ", "+5", "07", "7.0", "1_0", "\u0663", "0x1", "x", "1.2.3", "\x1c7", "\xa07", "9" * 5000]),
    st.sampled_from(["", ";", ";;;", "200;1;999000", "0;1;;5;200;true", "200;1;" + "9" * 400 + ";5;200;true"]),
    st.sampled_from([b"\xff\0", b"200;1;\xff;5\0", b"200;1;;5;\xff\0"]),
)
NUMBERS = st.sampled_from(["198.5", "199", "199.5", "200", "-37.63", "90000"])
IDS, VERSIONS = st.sampled_from([STOCK, STOCK, CURRENCY, 8]), st.just(6)
REPORTS = st.builds("{};{};{};5;200;true".format, NUMBERS, NUMBERS, st.sampled_from(["999000", "1000004", ""]))
PRICES = st.one_of(
    st.tuples(st.just(1), VERSIONS, IDS, st.sampled_from([1, 2, 4, 9, 37, 68]), NUMBERS, NUMBERS, st.just(1)),
    st.tuples(st.just(2), VERSIONS, IDS, st.sampled_from([0, 3, 5, 8, 74]), NUMBERS),
    st.tuples(st.just(46), VERSIONS, IDS, st.just(48), REPORTS),
    st.tuples(st.just(46), VERSIONS, IDS, st.sampled_from([45, 84]), st.one_of(REPORTS, st.just("1000"))),
    st.tuples(st.just(45), VERSIONS, IDS, st.sampled_from([49, 23]), st.sampled_from(["0", "1", "2.0"])),
    st.tuples(st.just(58), VERSIONS, IDS, st.sampled_from([1, 2, 3, 4])),
)
OTHERS = st.sampled_from(
    [
        (3, ORDER, "Submitted", 0, 5, 0, 900, 0, 0, 1, "", 0),
        (4, 2, ORDER, 201, "Order rejected", ""),
        (4, 2, -1, 2104, "well", ""),
        (4, 2, -1, 1100, "lost", ""),
        (4, 2, -1, 1102, "back", ""),
        (4, 2, STOCK, 354, "not subscribed", ""),
        (6, 2, "NetLiquidation", "1000.5", "USD", "DU1"),
        (61, 3, "DU1", 1, "V", "STK", "", 0, "", "", "", "USD", "V", "V", 100, 190.5),
        (49, 1, 1000),
        (176, "20260701 12:00:00 EST"),
        (21, STOCK, 10, 0, 0.2, 0.5, 1.0, 0, 0.1, 0.1, 0.1, 200),
        (999, 1, 2),
        ("x",),
        ("01", 6, STOCK, 1, 200, 5, 0),
        (b"\xff\xfe\0", 1),
        (),
    ]
)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """One message; a price mostly. Every other one is damaged: a field is odd, or they are too few or too many, or the
    last one has no end."""
    fields = list[object](draw(st.one_of(PRICES, PRICES, PRICES, OTHERS)))
    at = draw(st.integers(0, len(fields)))
    match draw(st.sampled_from(["whole"] * 6 + ["odd", "odd", "odd", "short", "long", "endless"])):
        case "odd":
            fields[at : at + 1] = [draw(ODD)]
        case "short":
            del fields[at:]
        case "long":
            fields.insert(at, draw(ODD))
        case "endless":
            return sealed(framed(*fields)[4:-1])
    return framed(*fields)


@st.composite
def arrivals(draw: st.DrawFn) -> list[bytes]:
    """Messages as they arrive: one behind the other, cut anywhere, the last one perhaps not whole."""
    data = b"".join(draw(st.lists(frames(), min_size=5, max_size=20)))
    return list(_cut(data, draw(st.lists(st.integers(1, max(len(data), 1)), max_size=6))))


def _cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    edges = [0, *sorted(places), len(data)]
    return (data[start:end] for start, end in pairwise(edges) if start < end)


def told(pieces: Sequence[bytes], *, library: bool, delayed: bool) -> str:
    async def hear() -> str:
        ear = Ear(library=library, delayed=delayed)
        ear.hear(pieces)
        return ear.known()

    return asyncio.run(hear())


@settings(max_examples=300)
@given(arrivals(), st.booleans())
def test_prices_and_all_else_are_heard_as_the_library_reads_them(pieces: list[bytes], delayed: bool) -> None:
    ours = told(pieces, library=False, delayed=delayed)
    assert ours == told(pieces, library=True, delayed=delayed)


BID, TRADE = framed(1, 6, STOCK, 1, 199.5, 3, 1), framed(46, 6, STOCK, 48, "200.0;5;1000000;5;200.0;true")
REJECTED = framed(4, 2, ORDER, 201, "Order rejected", "")


@pytest.mark.parametrize("library", [False, True])
async def test_what_is_said_between_two_prices_is_heard_between_them(library: bool) -> None:
    ear = Ear(library=library)
    ear.hear([BID + REJECTED + TRADE])
    kinds = [type(item) for item in ear.items()]
    assert kinds == [Tick, Tick, OrderError, Tick, Tick]


@pytest.mark.parametrize("cut", range(1, len(BID + TRADE)))
async def test_message_that_is_cut_is_heard_once_it_is_whole(cut: int) -> None:
    ear = Ear()
    data = BID + TRADE
    ear.hear([data[:cut]])
    before = ear.items()
    ear.hear([data[cut:]])
    values = [item.value for item in [*before, *ear.items()] if isinstance(item, Tick)]
    assert (len(before), values) == (2 if cut >= len(BID) else 0, [199.5, 199.5, 200.0, 200.0])


async def test_messages_of_no_stream_of_ours_change_nothing() -> None:
    ear = Ear()
    ear.hear([BID.replace(b"\x007\0", b"\x008\0") + TRADE.replace(b"\x007\0", b"\x008\0")])
    assert (ear.items(), ear.client.isReady()) == ([], True)


@pytest.mark.parametrize("library", [False, True])
async def test_where_a_price_cannot_be_taken_in_the_connection_is_given_up_with_all_behind_it(
    library: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear(library=library)

    def full(_: Tick) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(ear.inbox, "tick", full)
    ear.hear([REJECTED + BID + REJECTED + TRADE])
    assert ([type(item) for item in ear.items()], ear.client.isReady()) == ([OrderError], False)


async def test_all_messages_are_logged_where_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    silent, logged = Ear(), Ear()
    pieces = [BID + REJECTED, TRADE]
    silent.hear(pieces)
    with caplog.at_level(logging.DEBUG, logger=f"{NAME}.client"):
        logged.hear(pieces)
    assert logged.known() == silent.known()
    assert len([record for record in caplog.records if record.levelno == logging.DEBUG]) == 3
