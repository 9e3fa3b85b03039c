"""Requests whose answers carry no number: each answer belongs to the oldest question of its kind."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from rules_engine.model.errors import LinkDown

Answer = TypeVar("Answer")


class Questions(Generic[Answer]):
    """Unanswered questions of one kind, oldest first.

    TCP keeps order, so a late answer ends the question that it was meant for, also when nobody waits for that one any
    more. An answer that never comes leaves later questions unanswered too: that errs on the safe side.
    """

    def __init__(self, on_part: Callable[[], None]) -> None:
        """``on_part`` hears of every element that comes of an answer."""
        self._on_part = on_part
        self._open: deque[tuple[list[Answer], asyncio.Future[tuple[Answer, ...]]]] = deque()

    @property
    def outstanding(self) -> int:
        """How many answers are still to come."""
        return len(self._open)

    def ask(self) -> asyncio.Future[tuple[Answer, ...]]:
        """Registers a question just before it is sent."""
        future: asyncio.Future[tuple[Answer, ...]] = asyncio.get_running_loop().create_future()
        self._open.append(([], future))
        return future

    def add(self, part: Answer) -> None:
        """One element of the oldest question's answer; ignored when nothing was asked."""
        if self._open:
            self._open[0][0].append(part)
            self._on_part()

    def end(self) -> None:
        """The oldest question is answered in full."""
        if self._open:
            parts, future = self._open.popleft()
            if not future.done():
                future.set_result(tuple(parts))

    def fail(self, why: str) -> None:
        """No answer will come any more."""
        while self._open:
            _, future = self._open.popleft()
            if not future.done():
                future.set_exception(LinkDown(why))
                future.exception()  # Marks it as seen: the one who asked may have given up already.
