"""Long work inside the event loop, given way to by everything else."""

import asyncio

from rules_engine.model.slices import Result, Slices

STEPS_A_SLICE = 10
"""A step mostly takes a few hundred microseconds: what arrives meanwhile waits some milliseconds."""
SLICE_S = 0.004
"""After this time a slice is over, however few steps it had: a commit is one, and so is the swap of all rules."""


async def in_slices(work: Slices[Result]) -> Result:
    """Does the work a slice at a time; in between the loop does what else there is to do."""
    loop = asyncio.get_running_loop()
    while True:
        until_s = loop.time() + SLICE_S
        try:
            for _ in range(STEPS_A_SLICE):
                next(work)
                if loop.time() >= until_s:
                    break
        except StopIteration as done:
            result: Result = done.value
            return result
        await asyncio.sleep(0)
