"""The random path of one instrument: a pure function of seed, contract and time."""

import math
from random import Random
from typing import NamedTuple

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.contracts.market_rules import band_at
from rules_engine.gateway.contracts.options import expiry_s

MINUTE_S = 60
_YEAR_S = 365 * 86_400
_OCTAVES = 20
"""Waves of 1, 2, 4, ... minutes, the longest about a year."""
_FINE = 4
"""So many of them are looked at for each minute; the sum of the longer ones is a straight line for 16 minutes."""
_SCALE = 0.5
"""Makes the sum of all waves about as wild as a walk of the same volatility."""
_MASK = (1 << 64) - 1
_OPTION_NOISE = 0.02
"""What an option moves by itself, as a volatility of a year; the rest is its underlying."""
_LOTS = 5
"""A print of a single second is one to so many lots."""
_PRINTS_OFTEN = 0.85
"""Chance of a print in a second."""


class Moment(NamedTuple):
    """Bid, ask and perhaps a print at one instant of walk time. Sizes of 0 mean that there is none."""

    at_s: float
    bid: float
    ask: float
    bidSize: float
    askSize: float
    last: float
    size: float


class Path:
    """Prices of one instrument, minute by minute, in any order and as often as asked."""

    def __init__(self, listing: Listing, seed: int, volatility: float) -> None:
        self.listing = listing
        self._key = mixed(seed * 0x9E3779B97F4A7C15 ^ _moved_by(listing))
        self._volatility_s = volatility / math.sqrt(_YEAR_S)
        self._heights = [_SCALE * self._volatility_s * math.sqrt(MINUTE_S << octave) for octave in range(_OCTAVES)]
        self._band = band_at(listing.rule, 0.0)
        self._lot_size = listing.lot
        self._dice = Random()
        self._waves: list[tuple[int, float, float]] = [(-1, 0.0, 0.0)] * _OCTAVES
        self._line = (-1, 0.0, 0.0)
        self._reached = (-1, 0.0)

    def minute(self, minute: int, count: int) -> list[Moment]:
        """The moments of one minute, at most ``count`` of them evenly strewn over it."""
        dice = self._dice
        dice.seed(self._key ^ minute << 8 ^ count)
        prices = self._bridge(minute, count, dice)
        step_s = MINUTE_S / count
        often = _PRINTS_OFTEN if count == MINUTE_S else 1.0
        return [
            self._moment(minute * MINUTE_S + round((slot + dice.random()) * step_s, 3), price, step_s, dice)
            for slot, price in enumerate(prices)
            if dice.random() < often
        ]

    def price(self, minute: int) -> float:
        """The price at the start of a minute, between the ticks."""
        return math.exp(self._level(minute))

    def _bridge(self, minute: int, count: int, dice: Random) -> list[float]:
        if count == 1:
            return [self.price(minute + 1)]
        start = self._reached[1] if self._reached[0] == minute else self._level(minute)
        end = self._level(minute + 1)
        self._reached = minute + 1, end
        sigma = self._volatility_s * math.sqrt(MINUTE_S / count)
        walked, steps = 0.0, []
        for _ in range(count):
            walked += dice.gauss(0.0, sigma)
            steps.append(walked)
        drift = (end - start - walked) / count
        return [math.exp(start + step + drift * (slot + 1)) for slot, step in enumerate(steps)]

    def _level(self, minute: int) -> float:
        """Logarithm of the price at the start of a minute."""
        cell = minute >> _FINE
        known, left, right = self._line
        if known != cell:
            left = right if known == cell - 1 else self._long_waves(cell << _FINE)
            right = self._long_waves(cell + 1 << _FINE)
            self._line = (cell, left, right)
        within = minute - (cell << _FINE)
        # The shortest wave has a knot at every minute.
        fine = self._knot(0, minute) + self._sum(minute, range(1, _FINE))
        return left + (right - left) * within / (1 << _FINE) + fine

    def _long_waves(self, minute: int) -> float:
        return math.log(self.listing.reference_price) + self._sum(minute, range(_FINE, _OCTAVES))

    def _sum(self, minute: int, octaves: range) -> float:
        total = 0.0
        for octave in octaves:
            cell = minute >> octave
            known, left, right = self._waves[octave]
            if known != cell:
                left = right if known == cell - 1 else self._knot(octave, cell)
                right = self._knot(octave, cell + 1)
                self._waves[octave] = (cell, left, right)
            total += left + (right - left) * (minute - (cell << octave)) / (1 << octave)
        return total

    def _knot(self, octave: int, cell: int) -> float:
        unit = mixed(self._key + octave * 0xD1B54A32D192ED03 + cell * 0x2545F4914F6CDD1D) / (1 << 63) - 1.0
        return unit * self._heights[octave]

    def _moment(self, at_s: float, price: float, span_s: float, dice: Random) -> Moment:
        tick = self._step(price)
        units = max(1, round(price / tick))
        width = max(1, round(units * 1e-4))
        below = int(dice.random() * (width + 1))
        bid = max(tick, round((units - below) * tick, 8))
        ask = round((units - below + width) * tick, 8)
        if bid >= ask:
            ask = round(bid + tick, 8)
        bid = self._on_step(bid, tick)
        last = bid if dice.random() < 0.5 else ask
        lot = self._lot
        return Moment(at_s, bid, ask, lot(dice, 1.0), lot(dice, 1.0), last, lot(dice, max(1.0, span_s)))

    def _on_step(self, bid: float, tick: float) -> float:
        """A bid that lies below the edge where steps grow is a multiple of the smaller ones."""
        step = self._step(bid)
        return bid if step == tick else round(math.floor(bid / step) * step, 8)

    def _step(self, price: float) -> float:
        if not self._band.low <= price < self._band.high:
            self._band = band_at(self.listing.rule, price)
        return self._band.step

    def _lot(self, dice: Random, scale: float) -> float:
        step = self._lot_size
        if step < 1.0:
            return round(dice.uniform(0.01, 2.0) * scale, 4)
        return step * math.ceil((1 + int(dice.random() * _LOTS)) * scale)


class OptionPath(Path):
    """The path of an option: it follows its underlying and loses its time value."""

    def __init__(self, listing: Listing, seed: int, underlying: Path, volatility: float) -> None:
        super().__init__(listing, seed, _OPTION_NOISE)
        self._underlying = underlying
        self._implied = volatility
        self._expiry_s = expiry_s(listing)

    def _level(self, minute: int) -> float:
        contract = self.listing.contract
        years = max(0.0, self._expiry_s - minute * MINUTE_S) / _YEAR_S
        spot = self._underlying.price(minute)
        return math.log(
            max(self.listing.minTick, fair_value(spot, contract.strike, years, self._implied, contract.right))
        )


def fair_value(spot: float, strike: float, years: float, volatility: float, right: str) -> float:
    """Black and Scholes without interest or dividends."""
    if years <= 0.0:
        return max(0.0, spot - strike if right == "C" else strike - spot)
    spread = volatility * math.sqrt(years)
    nearer = math.log(spot / strike) / spread + spread / 2
    call = spot * _normal(nearer) - strike * _normal(nearer - spread)
    return call if right == "C" else call - spot + strike


def _normal(quantile: float) -> float:
    return (1.0 + math.erf(quantile / math.sqrt(2.0))) / 2.0


def _moved_by(listing: Listing) -> int:
    """The contract whose luck moves this one: a CFD moves as its underlying does."""
    return listing.underConId if listing.contract.secType == "CFD" and listing.underConId else listing.conId


def mixed(value: int) -> int:
    """A well spread 64-bit number (the finaliser of splitmix64)."""
    value &= _MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31
