"""IB's history into the prints and bars that fill windows, with the moment from which they are complete."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from rules_engine.broker.bars import BarReader, bar_request, prints_of, window_request
from rules_engine.broker.contracts import Qualified
from rules_engine.broker.details import zone_of
from rules_engine.broker.library import (
    BarData,
    HistoricalTick,
    HistoricalTickBidAsk,
    HistoricalTickLast,
    RequestError,
)
from rules_engine.broker.numbers import price_or_none
from rules_engine.broker.session import Session
from rules_engine.model.errors import LinkDown
from rules_engine.model.instrument import Field
from rules_engine.model.plan import History
from rules_engine.model.reports import Traded
from rules_engine.model.tick import Bar, Tick

DEADLINE_S = 30.0
TICKS_A_PAGE = 1000
"""The most that IB sends at once."""
PAGES_MAX = 5
"""IB allows sixty history requests in ten minutes; a busier window is read from bars."""
PRINTS_WINDOW_MAX_S = 1800.0

_TICKS_SHOWN = {Field.LAST: "TRADES", Field.BID: "BID_ASK", Field.ASK: "BID_ASK", Field.MID: "MIDPOINT"}
_UNTRADED = frozenset({"CASH", "CFD", "CMDTY"})
"""Kinds of contract whose history IB has as quotes only."""

PastTick = HistoricalTick | HistoricalTickBidAsk | HistoricalTickLast


@dataclass(frozen=True, slots=True)
class Past:
    """History of one instrument and field: prints (``ticks``) or completed ``bars``, oldest first.

    Nothing is missing from ``complete_from_s`` on; what is older is unknown. ``is_told``: IB has told what there is.
    """

    complete_from_s: float
    ticks: tuple[Tick, ...] = ()
    bars: tuple[Bar, ...] = ()
    is_told: bool = True


class Historian:
    """Asks one session for the past of one contract. Raises LinkDown where IB does not answer."""

    def __init__(self, session: Session, qualified: Qualified, traded: Traded, now_s: float) -> None:
        self._session = session
        self._contract = qualified.contract
        self._name = qualified.instrument.name
        self._bar_reader = BarReader(zone_of(qualified.details.timeZoneId) or UTC, traded.sessions, now_s)
        self._now_s = now_s

    async def past(self, wanted: History, as_of_s: float) -> Past:
        """The prints since ``duration_s`` before a moment, or the last ``bar_count`` completed bars."""
        start_s = min(as_of_s, self._now_s) - wanted.duration_s
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await (self._bars(wanted) if wanted.bar_count else self._prints(wanted, start_s))
        except TimeoutError:
            raise LinkDown(f"IB did not tell the history of {self._name} within {DEADLINE_S:g} s") from None
        except ConnectionError as error:
            raise LinkDown(f"connection lost while reading history: {error}") from error

    async def _bars(self, wanted: History) -> Past:
        request = bar_request(wanted.bar_count, wanted.bar_s)
        raw = await self._ask_bars(request.size, request.duration, wanted.field, use_rth=request.days)
        bars = self._bar_reader.completed(raw, wanted.bar_s)[-wanted.bar_count :]
        return Past(bars[0].start_s if bars else self._now_s, bars=bars, is_told=bool(bars))

    async def _prints(self, wanted: History, start_s: float) -> Past:
        if wanted.duration_s <= PRINTS_WINDOW_MAX_S and self._has_prints(wanted.field):
            past = await self._pages(wanted.field, start_s)
            if past is not None:
                return past
        return await self._prints_of_bars(wanted.field, start_s)

    async def _pages(self, field: Field, start_s: float) -> Past | None:
        """Page by page backwards; None when there are too many, or none to be had.

        Historical ticks carry whole seconds and a page may begin within one: that second is read again.
        """
        found: list[Tick] = []
        end_s = float(math.ceil(self._now_s))
        for _ in range(PAGES_MAX):
            try:
                raw = await self._page(field, end_s)
            except RequestError:
                return None
            page = [tick for one in raw if (tick := self._tick(one, field)) is not None and tick.time_s < end_s]
            found = page + [tick for tick in found if tick.time_s >= end_s]
            if len(raw) < TICKS_A_PAGE or (page and page[0].time_s <= start_s):
                return Past(start_s, ticks=tuple(tick for tick in found if tick.time_s > start_s))
            if not page or page[0].time_s + 1 >= end_s:
                return None
            end_s = page[0].time_s + 1
        return None

    async def _page(self, field: Field, end_s: float) -> list[PastTick]:
        end = datetime.fromtimestamp(end_s, UTC)
        shown = _TICKS_SHOWN[field]
        return await self._session.reqHistoricalTicksAsync(self._contract, "", end, TICKS_A_PAGE, shown, useRth=False)

    def _tick(self, raw: PastTick, field: Field) -> Tick | None:
        if isinstance(raw, HistoricalTickBidAsk):
            price, size = (raw.priceBid, raw.sizeBid) if field is Field.BID else (raw.priceAsk, raw.sizeAsk)
        else:
            price, size = raw.price, raw.size
        value = price_or_none(price)
        return None if value is None else Tick(self._name, raw.time.timestamp(), field, value, size)

    async def _prints_of_bars(self, field: Field, start_s: float) -> Past:
        """Each bar stands for four prints: its extremes are exact, their moments only within the bar."""
        request = window_request(self._now_s - start_s)
        raw = await self._ask_bars(request.size, request.duration, field, use_rth=False)
        bars = self._bar_reader.all(raw)
        if not bars:
            return Past(self._now_s, is_told=False)
        return Past(start_s, ticks=tuple(self._replayed(bars, request.size_s, field, start_s)))

    def _replayed(self, bars: Iterable[Bar], bar_s: float, field: Field, start_s: float) -> Iterable[Tick]:
        for bar in bars:
            for time_s, price in prints_of(bar, bar_s):
                if time_s > start_s:
                    yield Tick(self._name, min(time_s, self._now_s), field, price)

    async def _ask_bars(self, size: str, duration: str, field: Field, *, use_rth: bool) -> list[BarData]:
        try:
            return await self._session.reqHistoricalDataAsync(
                self._contract, "", duration, size, self._shown(field), useRTH=use_rth, formatDate=2, timeout=0
            )
        except RequestError:
            # No permission, nothing traded, or a kind without history: the window fills as prints arrive.
            return []

    def _has_prints(self, field: Field) -> bool:
        return field in _TICKS_SHOWN and not (field is Field.LAST and self._contract.secType in _UNTRADED)

    def _shown(self, field: Field) -> str:
        if field in (Field.BID, Field.ASK):
            return field.upper()
        if field in (Field.MID, Field.MARK) or self._contract.secType in _UNTRADED:
            return "MIDPOINT"
        return "AGGTRADES" if self._contract.secType == "CRYPTO" else "TRADES"
