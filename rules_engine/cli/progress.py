"""How far a long command has come: a bar on stderr, where that is a terminal."""

import sys
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

SHOWN_AFTER_S = 1.0


class Progress:
    """Shows nothing in the first second: what is over by then needs no bar."""

    def __init__(self) -> None:
        self._is_wanted = sys.stderr.isatty()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            Done(),
            Rate(),
            Left(),
            console=Console(stderr=True),
            transient=True,
        )
        self._started_s = self._bar.get_time()
        self._is_shown = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_shown:
            self._bar.stop()

    def begin(self, what: str, total: int, *, as_bytes: bool = False) -> Callable[[int], None]:
        """A new part of the work, of ``total`` rows or bytes; call the answer with every few that are done, from any
        thread."""
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        task = self._bar.add_task(what, total=total, as_bytes=as_bytes)
        if self._is_shown:
            self._bar.refresh()

        def done(more: int) -> None:
            self._bar.advance(task, more)
            if self._is_wanted and not self._is_shown and self._bar.get_time() - self._started_s > SHOWN_AFTER_S:
                self._is_shown = True
                self._bar.start()

        return done


class Done(ProgressColumn):
    """How many of how many."""

    def render(self, task: Task) -> Text:
        return Text(f"{_words(task, task.completed)}/{_words(task, task.total or 0)}")


class Rate(ProgressColumn):
    """Rows or bytes a second, since this part of the work began: work that is told in few large pieces does not come at
    once."""

    def render(self, task: Task) -> Text:
        return Text(f"{_words(task, 1 / a_piece_s)}/s" if (a_piece_s := _each_s(task)) else "", style="dim")


class Left(ProgressColumn):
    """The time that the rest takes at that rate."""

    def render(self, task: Task) -> Text:
        a_piece_s = _each_s(task)
        if not a_piece_s or task.total is None:
            return Text("-:--:--")
        return Text(str(timedelta(seconds=round(max(0.0, task.total - task.completed) * a_piece_s))))


def _each_s(task: Task) -> float | None:
    """How long one row or byte took, None while nobody knows."""
    return task.elapsed / task.completed if task.elapsed and task.completed > 0 else None


def _words(task: Task, count: float) -> str:
    return decimal(int(count)) if task.fields.get("as_bytes") else f"{count:,.0f}"
