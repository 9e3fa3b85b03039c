"""A seeded random walk over a whole catalogue: one seed shows one price at one instant, past or present."""

import heapq
import math
from collections.abc import Iterable, Iterator
from datetime import date

from rules_engine.gateway.contracts.calendars import NEW_YORK, exchange_days
from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.hours import CALENDARS, Hours
from rules_engine.gateway.market.path import MINUTE_S, Moment, OptionPath, Path
from rules_engine.gateway.market.quote import Change, Print, Spread

_DAY_S = 86_400
PAST_S = 3_650.0 * _DAY_S
"""How far back a walk can be asked."""
_VOLATILITY = {
    "STK": 0.30,
    "IND": 0.18,
    "FUT": 0.22,
    "CFD": 0.30,
    "CRYPTO": 0.60,
    "CASH": 0.09,
    "CMDTY": 0.15,
    "BOND": 0.06,
}
"""Relative change of a year, by security type."""
_DENSITY = ((1_800, MINUTE_S, 1), (2 * _DAY_S, 4, 1), (30 * _DAY_S, 1, 1), (math.inf, 1, 15))
"""Up to which age at the start, so many moments in a minute, in every so many minutes."""
_QUARTER = 15
"""All minutes of a quarter of an hour are equally dense."""


class Walk:
    """Plays every instrument of a catalogue; only those that somebody watches cost anything.

    Walk time runs ``speed`` times as fast as ours from the start on; before it both are the same.
    """

    def __init__(self, catalogue: Catalogue, *, seed: int = 0, speed: float = 1.0, sessions: bool = False) -> None:
        self._catalogue = catalogue
        self._seed = seed
        self._speed = speed
        self._sessions = sessions
        self._start_s = 0.0
        self._wake_s = 0.0
        self._paths: dict[int, Path] = {}
        self._players: dict[int, _Player] = {}
        self._due: list[tuple[float, int]] = []

    def covers(self, conId: int) -> bool:
        return self._catalogue.listing(conId) is not None

    def instruments(self) -> Iterable[int]:
        return ()

    def start(self, now_s: float) -> None:
        self._start_s = self._wake_s = now_s
        # Read before anybody is connected, who would otherwise wait half a second for the first price.
        exchange_days(NEW_YORK)

    def watch(self, conId: int, from_s: float) -> None:
        if conId in self._players:
            return
        path = self._path(conId)
        hours = CALENDARS[path.listing.calendar]
        player = self._players[conId] = _Player(path, hours, self._walk_s(from_s), self._sessions)
        while self._wire_s(player.due_s) < from_s:
            player.step()
        heapq.heappush(self._due, (player.due_s, conId))

    def next_s(self) -> float:
        """Never None: with nothing watched it wakes each second, so that what is watched next starts soon."""
        idle_s = self._wake_s + 1.0
        return min(idle_s, self._wire_s(self._due[0][0])) if self._due else idle_s

    def take(self) -> tuple[Change, ...]:
        self._wake_s = self.next_s()
        changes = []
        while self._due and self._wire_s(self._due[0][0]) <= self._wake_s:
            conId = self._due[0][1]
            player = self._players[conId]
            moment, new_day = player.step()
            heapq.heapreplace(self._due, (player.due_s, conId))
            changes.append(Change(conId, self._spread(conId, moment), self._print(conId, moment), new_day))
        return tuple(changes)

    def prints(self, conId: int, start_s: float, end_s: float) -> Iterator[Print]:
        moments = self._moments(conId, start_s, end_s) if self._path(conId).listing.prints_trades else ()
        for moment in moments:
            trade = self._print(conId, moment)
            if trade is not None:
                yield trade

    def spreads(self, conId: int, start_s: float, end_s: float) -> Iterator[Spread]:
        moments = self._moments(conId, start_s, end_s) if self._path(conId).listing.quotes else ()
        for moment in moments:
            spread = self._spread(conId, moment)
            if spread is not None:
                yield spread

    def head_s(self, conId: int) -> float | None:
        return self._start_s - PAST_S

    def previous_close(self, conId: int) -> float | None:
        """Not written anywhere: it is the last price of the day before."""
        return None

    def quotes_are_real(self, conId: int) -> bool:
        return True

    def open_since_s(self) -> float:
        """A day before the start, so that windows can be filled at any hour; with sessions never."""
        return math.inf if self._sessions else self._start_s - _DAY_S

    def _moments(self, conId: int, start_s: float, end_s: float) -> Iterator[Moment]:
        path = self._path(conId)
        first = int(max(self._walk_s(start_s), self._start_s - PAST_S) // MINUTE_S)
        last = int(self._walk_s(end_s) // MINUTE_S)
        for minute, count in self._minutes(first, last):
            for moment in path.minute(minute, count):
                if start_s <= self._wire_s(moment.at_s) < end_s:
                    yield moment

    def _minutes(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Those minutes from the first to the last in which something happens, with the number of moments."""
        for quarter in range(first // _QUARTER, last // _QUARTER + 1):
            age_s = self._start_s - (quarter + 1) * _QUARTER * MINUTE_S
            count, every = next((count, every) for until_s, count, every in _DENSITY if age_s <= until_s)
            for minute in range(quarter * _QUARTER, (quarter + 1) * _QUARTER, every):
                if first <= minute <= last:
                    yield minute, count

    def _spread(self, conId: int, moment: Moment) -> Spread | None:
        if not self._paths[conId].listing.quotes:
            return None
        return Spread(self._wire_s(moment.at_s), moment.bid, moment.ask, moment.bidSize, moment.askSize)

    def _print(self, conId: int, moment: Moment) -> Print | None:
        if not self._paths[conId].listing.prints_trades:
            return None
        return Print(self._wire_s(moment.at_s), moment.last, moment.size)

    def _path(self, conId: int) -> Path:
        if conId not in self._paths:
            self._paths[conId] = self._new_path(conId)
        return self._paths[conId]

    def _new_path(self, conId: int) -> Path:
        listing = self._catalogue.listing(conId)
        assert listing is not None, conId
        if listing.contract.secType not in ("OPT", "FOP"):
            return Path(listing, self._seed, _VOLATILITY[listing.contract.secType])
        underlying = self._path(listing.underConId)
        return OptionPath(listing, self._seed, underlying, _VOLATILITY[underlying.listing.contract.secType])

    def _walk_s(self, wire_s: float) -> float:
        past_s = wire_s - self._start_s
        return wire_s if past_s <= 0 else self._start_s + past_s * self._speed

    def _wire_s(self, walk_s: float) -> float:
        past_s = walk_s - self._start_s
        return walk_s if past_s <= 0 else self._start_s + past_s / self._speed


class _Player:
    """Walks one path forward."""

    def __init__(self, path: Path, hours: Hours, from_s: float, sessions: bool) -> None:
        self._path = path
        self._hours = hours
        self._sessions = sessions
        self._minute = int(from_s // MINUTE_S) - 1
        self._day: date = hours.trade_date(from_s)
        self._new_day = False
        self._ahead: list[Moment] = []
        self._refill()

    @property
    def due_s(self) -> float:
        """Walk time of the next moment."""
        return self._ahead[-1].at_s

    def step(self) -> tuple[Moment, bool]:
        """The next moment, and whether a trade date begins with it."""
        moment, new_day = self._ahead.pop(), self._new_day
        self._new_day = False
        self._refill()
        return moment, new_day

    def _refill(self) -> None:
        while not self._ahead:
            self._minute += 1
            start_s = float(self._minute * MINUTE_S)
            if self._sessions:
                start_s = self._hours.next_open_s(start_s)
                self._minute = int(start_s // MINUTE_S)
            day = self._hours.trade_date(start_s)
            self._new_day |= day != self._day
            self._day = day
            self._ahead = self._path.minute(self._minute, MINUTE_S)[::-1]
