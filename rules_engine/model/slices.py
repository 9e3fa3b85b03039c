"""Long work in slices, so that whoever runs it may do something else in between."""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")
Slices = Generator[None, None, Result]
"""Work that yields after every few hundred microseconds and returns what it made."""


def at_once(work: Slices[Result]) -> Result:
    """Does all of it now."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Result = done.value
            return result
