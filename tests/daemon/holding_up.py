"""Whether a callback holds the loop up by what it does, and not by what else the machine did just then."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

ATTEMPTS = 3

Test = Callable[..., Awaitable[None]]


class HeldUp(AssertionError):
    """A callback took too large a share of the work."""


def none_is_long(longest: Mapping[str, float], share_max: float, work_s: float) -> None:
    """The longest callback of anything that was done takes no larger share of all the work."""
    long = {what: f"{taken_s * 1e3:.0f} ms" for what, taken_s in longest.items() if taken_s > share_max * work_s}
    if long:
        raise HeldUp(f"{long} of {work_s:.1f} s")


def each_time(test: Test) -> Test:
    """The test fails if something is held up each time that it is done. A callback which is long by what it does is
    long again; one during which caches are cold, or the collector looks through all that is new, is so by chance."""

    @wraps(test)
    async def attempts(tmp_path: Path, **fixtures: Any) -> None:
        for number in range(ATTEMPTS):
            home = tmp_path / f"{number}"
            home.mkdir()
            try:
                await test(tmp_path=home, **fixtures)
            except HeldUp:
                if number == ATTEMPTS - 1:
                    raise
            else:
                break

    return attempts
