"""How far a long command has come: a bar on stderr, where that is a terminal."""

import sys
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
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
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
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

    def begin(self, what: str, total: int | None = None) -> Callable[[int], None]:
        """A new part of the work, of ``total`` rows where that is known; call the answer with every few rows done."""
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        task = self._bar.add_task(what, total=total)
        if self._is_shown:
            self._bar.refresh()

        def done(rows: int) -> None:
            self._bar.advance(task, rows)
            if self._is_wanted and not self._is_shown and self._bar.get_time() - self._started_s > SHOWN_AFTER_S:
                self._is_shown = True
                self._bar.start()

        return done


class Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s", style="dim")
