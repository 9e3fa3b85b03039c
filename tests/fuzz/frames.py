"""Frames that nobody should send, to several sessions of one gateway at once."""

import gc
import random
import weakref
from collections import Counter

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.gateway.wire.session import Session
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, framed, hello
from tests.gateway.requests import LISTED, ORDERS, Socket, library_requests, order_fields

CALLERS = range(1, 7)
JUNK = (
    *(
        "",
        "0",
        "-1",
        "1",
        "2147483647",
        "2147483648",
        "9" * 30,
        "9" * 5000,
        "1e999",
        "nan",
        "Infinity",
        "-0.0",
        "1e-300",
    ),
    *("1.7976931348623157E308", "x", "SELL", "BAG", "OPT", "CASH", "20260701 12:00:00", "%s", "{0}", "a" * 300, "a;b"),
    *("PEG BENCH", "TRAIL", "MKT", "1 D", "1 day", "BID_ASK", "MidPoint", "\u0663", "\ufeff", "\U0001f600", "' OR 1"),
)
# Where the request's id stands in replies that have one. Orders are told to others too, so they are not here.
ID_AT = dict.fromkeys(("1", "2", "4", "45", "46", "50", "52", "55", "57", "58", "63", "64", "71", "72", "73", "74"), 2)
ID_AT |= dict.fromkeys(("10", "17", "75", "76", "77", "79", "81", "82", "87", "88", "89", "90", "94", "95", "96"), 1)
ID_AT |= dict.fromkeys(("97", "98", "99", "106", "107"), 1)


def sign(number: int) -> str:
    """How the ids of one caller begin: no few wrong bytes make another's of them."""
    return str(number) * 5


class Caller:
    """One client that sends what it should not, and begins anew when it is dropped."""

    def __init__(self, gateway: Gateway, number: int, seed: int) -> None:
        self._gateway = gateway
        self._number = number
        self._random = random.Random(f"{seed}:{number}")
        self._corpus = [fields for name, fields in library_requests(176) if name != "startApi"]
        self._corpus += [order_fields(176, order, LISTED) for order in ORDERS.values()]
        self._others = {sign(other) for other in CALLERS if other != number}
        self.sessions: list[weakref.ref[Session]] = []
        self.heard: Counter[str] = Counter()
        self.connect()

    def connect(self) -> None:
        self._session, self.socket = self._gateway._reception.session(), Socket()
        self.sessions.append(weakref.ref(self._session))
        self._session.connection_made(self.socket)
        self._session.data_received(hello(176))
        self._session.data_received(framed(71, 2, self._number, ""))

    def hang_up(self) -> None:
        self._session.connection_lost(None)
        del self._session

    def call(self) -> None:
        """Send one frame, whole or in two pieces, and look at what comes back."""
        data = framed(*self._fields())
        broken = self._random.random() < 0.02
        if broken:
            data = self._broken(data)
        cut = self._random.randrange(len(data) + 1) if self._random.random() < 0.3 else len(data)
        for piece in (data[:cut], data[cut:]):
            if piece and not self.socket.dropped:
                self._session.data_received(piece)
        self.check()
        if broken or self.socket.dropped:
            self.hang_up()
            self.connect()

    def check(self) -> None:
        """No reply names a request of somebody else."""
        for fields in self.socket.read():
            self.heard[fields[0]] += 1
            at = ID_AT.get(fields[0])
            assert at is None or fields[at][:5] not in self._others, (self._number, fields)

    def _fields(self) -> list[str]:
        own = sign(self._number) + str(self._random.randrange(1000, 9999))
        fields = [own if field == "7" else field for field in self._random.choice(self._corpus)]
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 5))):
            self._spoil(fields)
        return fields

    def _broken(self, data: bytes) -> bytes:
        spoiled = bytearray(data)
        for _ in range(3):
            spoiled[self._random.randrange(len(spoiled))] = self._random.randrange(256)
        return bytes(spoiled)

    def _spoil(self, fields: list[str]) -> None:
        at = self._random.randrange(len(fields) + 1)
        what = self._random.randrange(4)
        if what == 0:
            fields.insert(at, self._random.choice(JUNK))
        elif what == 1:
            del fields[at:]
        else:
            fields[at : at + 1] = [self._random.choice(JUNK)]


async def call_with_anything(frames: int, seed: int) -> None:
    """So many frames to one gateway. Raises AssertionError where an answer goes astray, or anything is left behind."""
    gateway = Gateway(Market(Catalogue()), clock=SteppedClock(NOON_S), accounts=("DU1",))
    await gateway.start()
    gateway.push("V", 199.0)
    callers = [Caller(gateway, number, seed) for number in CALLERS]
    witness = Caller(gateway, 9, seed)
    witness.socket.read()
    order = random.Random(seed)
    for count in range(frames):
        order.choice(callers).call()
        if count % 500 == 0:
            gateway.push("V", 199.0 + order.randrange(-200, 200) / 100)
    assert witness.socket.read() == []
    heard = sum((caller.heard for caller in callers), Counter[str]())
    assert len(heard) > 30, "most requests still find their answers"
    assert len(gateway.connected_clients) == len(callers) + 1
    for caller in (*callers, witness):
        caller.hang_up()
    assert gateway.connected_clients == ()
    gc.collect()
    kept = [session for caller in callers for session in caller.sessions if session() is not None]
    assert kept == [], f"{len(kept)} sessions are still known after their connections are gone"
    await gateway.stop()
