"""Work that waits for somebody else's server, in a thread that never keeps the program from ending."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Answer = TypeVar("Answer")


def begin_apart(work: Callable[[], Answer], name: str) -> tuple[asyncio.Future[Answer], threading.Thread]:
    """The answer to come, and the thread that works on it. The pool of `asyncio.to_thread` would be waited for at the
    program's end. What ``work`` raises is raised to whoever waits for the answer."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Answer] = loop.create_future()

    def settle(how: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop may have ended meanwhile.
            loop.call_soon_threadsafe(_unless_done, answer, how)

    def run() -> None:
        with _Handed(lambda error: settle(partial(answer.set_exception, error))):
            settle(partial(answer.set_result, work()))

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return answer, thread


class _Handed:
    """What is raised inside is handed on, and goes no further."""

    def __init__(self, on: Callable[[BaseException], None]) -> None:
        self._on = on

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self._on(error)
        return True


def _unless_done(answer: asyncio.Future[Answer], settle: Callable[[], None]) -> None:
    if not answer.done():
        settle()
