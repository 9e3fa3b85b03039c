"""Rules that were given and are not armed yet."""

from collections.abc import Sequence

from rules_engine.evaluation.jury import Jury
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.watch import Watch
from rules_engine.model.life import Life
from rules_engine.model.slices import Slices


class Newcomers:
    """Whatever happens first arms all that are ``waiting``.

    Once they are armed in turn, only what happens to one of them arms it out of its turn. Nothing that the others read
    has happened since they were given, so that they are armed as of then, however long it takes.
    """

    __slots__ = ("_given_s", "_in_turn", "_jury", "_lives", "waiting")

    def __init__(self, jury: Jury) -> None:
        self.waiting: dict[str, Run] = {}
        self._jury = jury
        self._in_turn: dict[str, Run] = {}
        self._lives: dict[str, Life] = {}
        self._given_s = 0.0

    def __len__(self) -> int:
        """How many are armed by whatever happens."""
        return len(self.waiting)

    def add(self, run: Run, life: Life | None = None) -> None:
        """One more, with what is remembered of it."""
        self.waiting[run.rule.name] = run
        if life is not None:
            self._lives[run.rule.name] = life

    def in_turn(self, now_s: float) -> Slices[None]:
        """Arms one after the other all that wait now."""
        self._in_turn, self.waiting = {**self._in_turn, **self.waiting}, {}
        self._given_s = now_s
        while self._in_turn:
            self.hurry(next(iter(self._in_turn)))
            yield

    def hurry(self, rule: str) -> None:
        """Something happens to the rule: it is armed before."""
        run = self._in_turn.pop(rule, None)
        if run is not None:
            self._jury.take_in(run, self._lives.pop(rule, None), self._given_s)

    def hurrying(self, watches: Sequence[Watch]) -> Slices[None]:
        """Something happens to these: their rules are armed before."""
        if self._in_turn:
            for watch in watches:
                self.hurry(watch.run.rule.name)
                yield
