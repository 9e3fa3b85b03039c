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

    def run() -> None:
        try:
            settle = partial(answer.set_result, work())
        except Exception as failed:
            settle = partial(answer.set_exception, failed)
        with contextlib.suppress(RuntimeError):  # The loop may have ended meanwhile.
            loop.call_soon_threadsafe(_unless_done, answer, settle)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return answer, thread


def _unless_done(answer: asyncio.Future[Answer], settle: Callable[[], None]) -> None:
    if not answer.done():
        settle()
