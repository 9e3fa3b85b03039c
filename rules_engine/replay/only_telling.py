"""Rules of which none orders anything, all armed before the first price: columns alone, without an evaluator."""

from collections.abc import Iterator
from math import inf

import numpy as np

from rules_engine.evaluation.columnar.scene import Scene
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.recordings.slices import Slice
from rules_engine.replay.hearing import hear
from rules_engine.replay.streaming import Stage
from rules_engine.replay.telling import Telling


class OnlyTelling:
    """Yields exactly what `Streaming` does where that is all there is: see `suits`."""

    def __init__(self, stage: Stage, scene: Scene, telling: Telling) -> None:
        self._stage = stage
        self._scene = scene
        self._telling = telling
        telling.begin_unheard()

    @staticmethod
    def suits(stage: Stage, telling: Telling) -> bool:
        """Whether all rules can be told, from the first price of all on."""
        return len(telling.rules) == len(stage.plans) and stage.span.start_s <= stage.extent.first_s

    def take(self, piece: Slice) -> Iterator[Firing | HeldBack]:
        """What comes of the next prices."""
        hear(self._scene, self._stage, piece)
        self._pass_days(piece)
        yield from self._telling.take(self._stage).rest()

    def end(self) -> Iterator[Firing | HeldBack]:
        """Nothing more comes when no prices follow."""
        self._stage.desk.finish(self._stage.end_s)
        self._scene.forget()
        return iter(())

    def _pass_days(self, piece: Slice) -> None:
        """The desk counts days, though nobody trades."""
        desk, end_s = self._stage.desk, self._stage.span.end_s
        while desk.wakes_s <= piece.last_s:
            times = piece.times_s
            at = int(np.searchsorted(times, desk.wakes_s)) if desk.wakes_s > -inf else 0
            if times[at] >= end_s:
                return
            desk.hear((float(times[at]), 0, 0.0, 0.0))
