"""Rows of a slice into the prices by which the account is worth more or less."""

from dataclasses import dataclass

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.recordings.slices import Slice
from rules_engine.replay.streaming import Stage


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows of a slice, of which recordings they are, and the prices at which holdings are valued there."""

    rows: Index
    numbers: Index
    prices: Column


NO_MARKS = Marks(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


def marks_of(stage: Stage, piece: Slice, at: int, end: int) -> Marks:
    """Those rows, from ``at`` to before ``end``, that the desk hears: of instruments that are held or ordered."""
    hears = stage.desk.hears
    if not hears:
        return NO_MARKS
    rows = np.arange(at, end)
    if len(stage.voices) > 1:
        rows = rows[np.isin(piece.numbers[at:end], list(hears))]
    numbers, prices = piece.numbers[rows], piece.first[rows]
    for number, voice in enumerate(stage.voices):
        if voice.has_quotes:
            own = numbers == number
            prices[own] = (prices[own] + piece.second[rows][own]) / 2
    return Marks(rows, numbers, prices)
