"""Rows of recordings into ticks as columns: what `Voice.ticks` says of each row, for many rows at once."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from rules_engine.evaluation.bars import bar_bounds
from rules_engine.evaluation.columnar.arrays import Column, Index
from rules_engine.evaluation.columnar.kernels import Kernels
from rules_engine.evaluation.columnar.leaves import Key
from rules_engine.evaluation.columnar.scene import Scene, Ticks, said
from rules_engine.model.instrument import Field
from rules_engine.model.rule import expressions_outside, rule_conditions
from rules_engine.recordings.columns import Block
from rules_engine.recordings.slices import Slice
from rules_engine.replay.streaming import Stage
from rules_engine.replay.touch import touch_of
from rules_engine.replay.voices import DAY_S, Day, Voice

_BID, _ASK, _MARK, _PRINT = 0, 1, 2, 4
_OF_THE_DAY = {Field.CLOSE: 3, Field.OPEN: 5, Field.HIGH: 6, Field.LOW: 7, Field.VOLUME: 8}
"""Where in the order of a row's ticks each of them has its place."""


def scene_of(stage: Stage, countable: Sequence[bool], kernels: Kernels) -> Scene:
    """The market that the plans read. ``countable`` says of each recording whether sums over its prices are exact in
    whole steps."""
    counted: set[Key] = set()
    for voice, is_countable in zip(stage.voices, countable, strict=True):
        if is_countable:
            counted.update((voice.instrument.name, of) for of in _recorded(voice))
    scene = Scene({voice.instrument.name: voice.spoken for voice in stage.voices}, frozenset(counted), kernels)
    for plan in stage.plans:
        for condition in rule_conditions(plan.rule):
            scene.watch(condition)
        for value in expressions_outside(plan.rule):
            scene.watch_value(value)
    return scene


def _recorded(voice: Voice) -> set[Field]:
    """The fields that have the prices of the file themselves."""
    if voice.has_quotes:
        return {Field.BID, Field.ASK}
    return {voice.instrument.default_field, Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE} & set(voice.spoken)


def hear(scene: Scene, stage: Stage, piece: Slice) -> None:
    """The scene takes the next slice."""
    numbers = stage.known.numbers
    heard = {voice.instrument.name: ticks_of(voice, own) for voice, own in zip(stage.voices, piece.pieces, strict=True)}
    scene.turn_over(heard, lambda name: piece.of[numbers[name]], lambda: piece.times_s, piece.last_s)


def ticks_of(voice: Voice, blocks: Sequence[Block]) -> Sequence[Ticks]:
    """What is heard of the next rows, column by column: the same ticks. Their places in a row follow its order."""
    times = [block.times_s for block in blocks]
    first, second = ([block.values[number] for block in blocks] for number in range(2))
    sizes = partial(np.concatenate, second or [np.empty(0)])
    if voice.plain is not None:
        return [Ticks(voice.plain, _PRINT, times, first, sizes=sizes)]
    spoken, found = voice.spoken, []
    touches = [touch_of(*pair, voice.spread, voice.has_quotes) for pair in zip(first, second, strict=True)]
    if Field.BID in spoken:
        found.append(_ticks(Field.BID, _BID, times, [touch.bid for touch in touches]))
        found.append(_ticks(Field.ASK, _ASK, times, [touch.ask for touch in touches]))
    if Field.MARK in spoken and (voice.has_quotes or voice.instrument.default_field is not Field.MARK):
        found.append(_ticks(Field.MARK, _MARK, times, [touch.middle for touch in touches]))
    if not voice.has_quotes:
        found.append(Ticks(voice.instrument.default_field, _PRINT, times, first, sizes=sizes))
    if Field.VOLUME in spoken:
        time_s, prices = (np.concatenate(each or [np.empty(0)]) for each in (times, first))
        figures = take_all(voice.day, time_s, prices, sizes())
        for of, (rows, values) in figures.items():
            found.append(Ticks(of, _OF_THE_DAY[of], [time_s[rows]], [said(of, values)], rows))
    return found


def _ticks(of: Field, slot: int, times: Sequence[Column], values: Sequence[Column]) -> Ticks:
    """One in each row; a bid below zero says nothing."""
    usable = [said(of, each) for each in values]
    if all(bool((each == each).all()) for each in usable):
        return Ticks(of, slot, times, values)
    return Ticks(of, slot, times, usable, np.arange(sum(map(len, values))))


def take_all(day: Day, times_s: Column, prices: Column, sizes: Column) -> dict[Field, tuple[Index, Column]]:
    """As `Day.take` for many prints: of each figure the prints, from 0, that change it, and what they make of it."""
    found: dict[Field, list[tuple[Index, Column]]] = {of: [] for of in _OF_THE_DAY}
    at = 0
    while at < len(prices):
        if times_s[at] >= day.ends_s:
            close = None if day.last is None else np.array([day.last])
            if close is not None:
                found[Field.CLOSE].append((np.array([at]), close))
            day.ends_s = bar_bounds(float(times_s[at]), DAY_S)[1]
            day.figures = {}
        end = at + int(np.searchsorted(times_s[at:], day.ends_s))
        for of, values in _go_on(day, prices[at:end], sizes[at:end]).items():
            changed = np.flatnonzero(values != np.concatenate(([day.figures.get(of, np.nan)], values[:-1])))
            found[of].append((at + changed, values[changed]))
            day.figures[of] = float(values[-1])
        day.last = float(prices[end - 1])
        at = end
    none = (np.empty(0, dtype=np.int64), np.empty(0))
    return {of: _joined([none, *pieces]) for of, pieces in found.items()}


def _go_on(day: Day, prices: Column, sizes: Column) -> dict[Field, Column]:
    """The figures after each print of one day."""
    before = day.figures or {Field.OPEN: prices[0], Field.HIGH: prices[0], Field.LOW: prices[0], Field.VOLUME: 0.0}
    return {
        Field.OPEN: np.full(len(prices), before[Field.OPEN]),
        Field.HIGH: np.maximum.accumulate(np.maximum(prices, before[Field.HIGH])),
        Field.LOW: np.minimum.accumulate(np.minimum(prices, before[Field.LOW])),
        Field.VOLUME: np.cumsum(np.concatenate(([before[Field.VOLUME]], sizes)))[1:],
    }


def _joined(pieces: Sequence[tuple[Index, Column]]) -> tuple[Index, Column]:
    return np.concatenate([prints for prints, _ in pieces]), np.concatenate([values for _, values in pieces])
