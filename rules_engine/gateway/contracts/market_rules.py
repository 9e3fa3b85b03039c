"""Market rules: the price steps of contracts, by number. A step may grow with the price."""

import math
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

_TICKS = {26: 0.01, 32: 0.05, 34: 0.1, 59: 0.005, 67: 0.25, 239: 0.00005, 1250: 1.0}
_RULES = {tick: rule for rule, tick in _TICKS.items()}

# Steps without a number of IB's get one that spells the step.
_SPELLED = 100_000_000
_UNIT = 1e-7

Bands = tuple[tuple[float, float], ...]
"""Pairs of a price and the step from there on; the first price is 0."""

BANDED: dict[str, tuple[int, Bands]] = {
    "penny": (109, ((0.0, 0.01), (3.0, 0.05))),
    "nickel": (110, ((0.0, 0.05), (3.0, 0.1))),
    "mifid": (
        1874,
        (
            *((0.0, 0.0001), (1.0, 0.0002), (2.0, 0.0005)),
            *((5.0, 0.001), (10.0, 0.002), (20.0, 0.005)),
            *((50.0, 0.01), (100.0, 0.02), (200.0, 0.05)),
            *((500.0, 0.1), (1000.0, 0.2), (2000.0, 0.5)),
        ),
    ),
    "hong kong": (
        1352,
        (
            *((0.0, 0.001), (0.25, 0.005), (0.5, 0.01)),
            *((10.0, 0.02), (20.0, 0.05), (100.0, 0.1)),
            *((200.0, 0.2), (500.0, 0.5), (1000.0, 1.0)),
            *((2000.0, 2.0), (5000.0, 5.0)),
        ),
    ),
    "tokyo": (1402, ((0.0, 0.1), (1000.0, 0.5), (3000.0, 1.0), (10000.0, 5.0), (30000.0, 10.0), (100000.0, 50.0))),
}
"""Rules with several steps, by the name that a catalogue gives them: options of the penny pilot and all others, liquid
stocks under MiFID II, Hong Kong, Tokyo."""
_BANDS = dict(BANDED.values())


def rule_of_tick(tick: float) -> int:
    """The number of the rule whose only step this is."""
    return _RULES.get(tick, _SPELLED + round(tick / _UNIT))


def bands_of_rule(rule: int) -> Bands | None:
    """The steps of a rule, None for a number that no contract has."""
    if rule in _BANDS:
        return _BANDS[rule]
    if rule > _SPELLED:
        return ((0.0, round((rule - _SPELLED) * _UNIT, 7)),)
    return ((0.0, _TICKS[rule]),) if rule in _TICKS else None


@lru_cache(maxsize=1024)
def _edges(rule: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    bands = bands_of_rule(rule)
    assert bands is not None, rule
    return tuple(edge for edge, _ in bands), tuple(step for _, step in bands)


def step_at(rule: int, price: float) -> float:
    """The step that prices move in at ``price``; below zero it is the one of the same distance above."""
    return band_at(rule, abs(price)).step


class Band(NamedTuple):
    """Prices of `[low, high)` move in this step."""

    low: float
    high: float
    step: float


def band_at(rule: int, price: float) -> Band:
    """The band that a price of zero or more lies in."""
    edges, steps = _edges(rule)
    above = max(1, bisect_right(edges, price))
    return Band(edges[above - 1], edges[above] if above < len(edges) else math.inf, steps[above - 1])
