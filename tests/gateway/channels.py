"""One raw client that listens to a market through every channel at once, and keeps what each of them says."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.gateway.conftest import Wire

_LINE, _PRINTS, _QUOTES, _MIDDLES, _DEPTH, _LIVE_BARS, _KEPT = 10, 20, 30, 40, 50, 70, 1000
LIVE_SHOWN = ("TRADES", "MIDPOINT", "BID", "ASK")


async def told(wire: Wire) -> list[list[str]]:
    """Everything that was sent so far: the answer to a question asked now comes last."""
    wire.send(49, 1)
    frames = []
    while (frame := await wire.read())[0] != "49":
        frames.append(frame)
    return frames


def numbered(conId: int, exchange: str = "") -> tuple[object, ...]:
    """The twelve fields of a contract that is named by its number."""
    return (conId, "", "", "", 0.0, "", "", exchange, "", "", "", "")


class Bar(NamedTuple):
    """What every kind of bar says."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int


@dataclass
class Heard:
    """What one client heard of one instrument, channel by channel."""

    conId: int
    quote: list[float] = field(default_factory=lambda: [math.nan] * 4)
    """Bid, ask and their sizes, as the market data line has told them so far."""
    shown: list[tuple[float, ...]] = field(default_factory=list)
    """Everything that the quote has been, message by message."""
    lasts: list[tuple[float, float]] = field(default_factory=list)
    volumes: list[float] = field(default_factory=list)
    reports: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    """Second, price, size, volume and mean price of every trade report."""
    extremes: dict[int, float] = field(default_factory=dict)
    halts: list[float] = field(default_factory=list)
    prints: list[tuple[int, float, float]] = field(default_factory=list)
    quotes: list[tuple[int, float, float, float, float]] = field(default_factory=list)
    middles: list[tuple[int, float]] = field(default_factory=list)
    bids: list[tuple[float, float]] = field(default_factory=list)
    asks: list[tuple[float, float]] = field(default_factory=list)
    live_bars: dict[str, list[Bar]] = field(default_factory=dict)
    kept: dict[str, dict[int, Bar]] = field(default_factory=dict)


class Channels:
    """Subscribes, listens, and asks for the past. Instruments are numbered 0, 1, 2... in request ids."""

    def __init__(self, wire: Wire, conIds: Iterable[int]) -> None:
        self._wire = wire
        self.heard = [Heard(conId) for conId in conIds]
        self._answers: list[list[str]] = []
        self._kept_sizes: dict[int, str] = {}

    async def subscribe(self, number: int, *, trades: bool, kept: Iterable[str]) -> None:
        """Every stream of one instrument; those of trades only where there are any."""
        contract = self._contract(number)
        self._wire.send(1, 11, _LINE + number, *contract, 0, "233,221", 0, 0, "")
        if trades:
            self._wire.send(97, _PRINTS + number, *contract, "Last", 0, 0)
        self._wire.send(97, _QUOTES + number, *contract, "BidAsk", 0, 0)
        self._wire.send(97, _MIDDLES + number, *contract, "MidPoint", 0, 1)
        self._wire.send(10, 5, _DEPTH + number, *contract, 5, 0, "")
        for place, what in enumerate(LIVE_SHOWN):
            if trades or what != "TRADES":
                self._wire.send(50, 3, _LIVE_BARS + 10 * place + number, *contract, 5, what, 0, "")
        shown = "TRADES" if trades else "MIDPOINT"
        for place, size in enumerate(kept):
            reqId = _KEPT + 10 * place + number
            self.heard[number].kept[size] = {}
            self._wire.send(20, reqId, *contract, 0, "", size, "600 S", 0, shown, 2, 1, "")
            self._kept_sizes[reqId] = size
        await self.listen()

    def _contract(self, number: int) -> tuple[object, ...]:
        return numbered(self.heard[number].conId)

    async def listen(self) -> None:
        """Take in everything that was sent so far: the answer to a question asked now comes last."""
        for frame in await told(self._wire):
            self._hear(frame)

    async def past_ticks(self, number: int, what: str, start: str, count: int = 1000) -> list[tuple[float, ...]]:
        """Historical ticks from a start, as numbers."""
        self._wire.send(96, 5000, *self._contract(number), 0, start, "", count, what, 0, 0, "")
        await self.listen()
        (frame,) = self._answers
        self._answers.clear()
        assert frame[0] in ("96", "97", "98"), frame
        width = {"96": 4, "97": 6, "98": 6}[frame[0]]
        cells = frame[3:-1]
        rows = [cells[at : at + width] for at in range(0, len(cells), width)]
        keep = {"96": (0, 2), "97": (0, 2, 3, 4, 5), "98": (0, 2, 3)}[frame[0]]
        return [tuple(float(row[column]) for column in keep) for row in rows]

    async def past_bars(self, number: int, size: str, duration: str, what: str) -> list[Bar]:
        """Historical bars until now."""
        self._wire.send(20, 5001, *self._contract(number), 0, "", size, duration, 0, what, 2, 0, "")
        await self.listen()
        (frame,) = self._answers
        self._answers.clear()
        assert frame[0] == "17", frame
        return _bars_of(frame)

    def _hear(self, frame: list[str]) -> None:
        kind = frame[0]
        if kind in ("1", "2", "45", "46"):
            self._hear_line(self.heard[int(frame[2]) - _LINE], frame)
        elif kind == "99":
            self._hear_tick(self.heard[int(frame[1]) % 10], frame)
        elif kind == "12":
            self._hear_row(self.heard[int(frame[2]) - _DEPTH], frame)
        elif kind == "50":
            place, number = divmod(int(frame[2]) - _LIVE_BARS, 10)
            start, open_, high, low, close, volume, _, count = map(float, frame[3:11])
            bar = Bar(int(start), open_, high, low, close, volume, int(count))
            self.heard[number].live_bars.setdefault(LIVE_SHOWN[place], []).append(bar)
        elif kind == "17" and int(frame[1]) in self._kept_sizes:
            known = self.heard[int(frame[1]) % 10].kept[self._kept_sizes[int(frame[1])]]
            known.update((bar.start, bar) for bar in _bars_of(frame))
        elif kind == "90":
            count, start, open_, close, high, low, _, volume = map(float, frame[2:10])
            bar = Bar(int(start), open_, high, low, close, volume, int(count))
            self.heard[int(frame[1]) % 10].kept[self._kept_sizes[int(frame[1])]][bar.start] = bar
        elif kind in ("17", "96", "97", "98"):
            self._answers.append(frame)
        else:
            assert kind in ("58", "81"), frame

    def _hear_line(self, heard: Heard, frame: list[str]) -> None:
        kind, tick = frame[0], int(frame[3])
        if kind == "45" and tick == 49:
            heard.halts.append(float(frame[4]))
        elif kind == "46" and tick == 48:
            price, size, at_ms, volume, average, _ = frame[4].split(";")
            second = math.floor(int(at_ms) / 1000)
            heard.reports.append((second, float(price), float(size), float(volume), float(average)))
        elif kind == "1" and tick in (1, 2):
            heard.quote[tick - 1] = float(frame[4])
            heard.quote[tick + 1] = float(frame[5])
        elif kind == "1" and tick == 4:
            heard.lasts.append((float(frame[4]), float(frame[5])))
        elif kind == "1":
            heard.extremes[tick] = float(frame[4])
        elif kind == "2" and tick in (0, 3):
            heard.quote[2 if tick == 0 else 3] = float(frame[4])
            heard.shown.append(tuple(heard.quote))
        elif kind == "2" and tick == 8:
            heard.volumes.append(float(frame[4]))

    def _hear_tick(self, heard: Heard, frame: list[str]) -> None:
        if frame[2] == "1":
            heard.prints.append((int(frame[3]), float(frame[4]), float(frame[5])))
        elif frame[2] == "3":
            second, bid, ask, bid_size, ask_size = map(float, frame[3:8])
            heard.quotes.append((int(second), bid, ask, bid_size, ask_size))
        else:
            heard.middles.append((int(frame[3]), float(frame[4])))

    def _hear_row(self, heard: Heard, frame: list[str]) -> None:
        position, operation, side = map(int, frame[3:6])
        ladder = heard.bids if side == 1 else heard.asks
        level = float(frame[6]), float(frame[7])
        if operation == 0:
            ladder.insert(position, level)
        elif operation == 1:
            ladder[position] = level
        else:
            del ladder[position]


def _bars_of(frame: list[str]) -> list[Bar]:
    cells = frame[5:]
    rows = [cells[at : at + 8] for at in range(0, len(cells), 8)]
    return [_bar(row[0], row[1:5], row[5], row[7]) for row in rows]


def _bar(start: str, prices: list[str], volume: str, trades: str) -> Bar:
    open_, high, low, close = map(float, prices)
    return Bar(int(start), open_, high, low, close, float(volume), int(trades))
