"""Rows as columns of ticks say what they say one by one."""

import random
from math import inf

import numpy as np
import pytest

from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.tick import Tick
from rules_engine.recordings.columns import Block
from rules_engine.recordings.slices import Slice
from rules_engine.replay.assumptions import Charge
from rules_engine.replay.hearing import ticks_of
from rules_engine.replay.voices import Voice

KINDS = (Kind.STOCK, Kind.FOREX, Kind.OPTION)
SPREADS = (Charge(0.0002, True), Charge(0.0), Charge(3.0))


def columns(source: random.Random, count: int, *, quotes: bool) -> Block:
    """Days of prices, some of them near zero."""
    times = 1_921_590_000.0 + np.cumsum([source.choice((0, 1, 60, 40_000)) for _ in range(count)])
    first = np.array([source.choice((1.0, 1.5, 100.0, 101.25)) for _ in range(count)])
    second = (
        first + source.choice((0.0, 0.5)) if quotes else np.array([source.choice((0.0, 0.1, 300.0)) for _ in first])
    )
    return Block(times.astype(np.float64), (first, second))


@pytest.mark.parametrize("seed", range(40))
def test_ticks_of_many_rows_are_those_of_each(seed: int) -> None:
    source = random.Random(seed)
    quotes = source.random() < 0.4
    instrument = Instrument("V", source.choice(KINDS))
    wanted = frozenset(field for field in Field if source.random() < 0.3)
    one, many = (Voice(instrument, quotes, wanted, source.choice(SPREADS[seed % 3 :])) for _ in range(2))
    many.spread = one.spread
    scene = Scene({"V": many.spoken}, frozenset())
    for _ in range(3):
        piece = Slice([[columns(source, source.randrange(1, 60), quotes=quotes)]])
        take(scene, many, piece)
        for row, (time_s, number, price, size) in enumerate(piece.rows()):
            expected = [_known(tick) for tick in one.ticks((time_s, number, price, size))]
            assert list(scene.ticks("V", row, row, size)) == expected


def take(scene: Scene, voice: Voice, piece: Slice) -> None:
    scene.turn_over({"V": ticks_of(voice, piece.pieces[0])}, lambda _: piece.of[0], lambda: piece.times_s, inf)


def _known(tick: Tick) -> Tick:
    """A bid that is not positive says nothing."""
    is_price = tick.field not in (Field.VOLUME, Field.CHANGE_TODAY)
    return Tick(
        tick.instrument,
        tick.time_s,
        tick.field,
        None if is_price and not (tick.value or 0) > 0 else tick.value,
        tick.size,
    )
