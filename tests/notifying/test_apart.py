"""Work in a thread of its own."""

import pytest

from rules_engine.notifying.apart import begin_apart


def stumble() -> str:
    raise LookupError("not foreseen")


async def test_whoever_waits_for_work_that_fails_is_told_and_does_not_wait_for_ever() -> None:
    answer, _ = begin_apart(stumble, "stumbles")
    with pytest.raises(LookupError, match="not foreseen"):
        await answer
