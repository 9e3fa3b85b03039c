"""What is still to be judged of what happened last: all in one go, or some rules at a time."""

from itertools import islice

from rules_engine.model.slices import Slices, at_once


class Work:
    """One thing at a time: whoever begins the next finishes this one before."""

    __slots__ = ("_at_once_max", "_left", "is_left")

    def __init__(self, at_once_max: int | None) -> None:
        """``at_once_max`` steps are done in one go; None: all."""
        self._at_once_max = at_once_max
        self._left: Slices[None] | None = None
        self.is_left = False

    def begin(self, work: Slices[None]) -> None:
        """Takes on the next, and does as much of it as is done in one go."""
        assert not self.is_left
        self._left, self.is_left = work, True
        self.go_on()

    def go_on(self) -> None:
        """Does as much of what is left as is done in one go."""
        if self._at_once_max is None:
            self.finish()
        elif self._left is not None:
            done = sum(1 for _ in islice(self._left, self._at_once_max))
            if done < self._at_once_max:
                self._left, self.is_left = None, False

    def finish(self) -> None:
        """Does all of what is left."""
        left, self._left, self.is_left = self._left, None, False
        if left is not None:
            at_once(left)
