"""Long work inside the event loop, given way to by everything else."""

import asyncio

from rules_engine.model.slices import Result, Slices

STEPS_A_SLICE = 10
"""A step takes a few hundred microseconds: what arrives meanwhile waits some milliseconds."""


async def in_slices(work: Slices[Result]) -> Result:
    """Does the work a slice at a time; in between the loop does what else there is to do."""
    while True:
        try:
            for _ in range(STEPS_A_SLICE):
                next(work)
        except StopIteration as done:
            result: Result = done.value
            return result
        await asyncio.sleep(0)
