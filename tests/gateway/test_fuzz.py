"""Frames that nobody should send, a hundred thousand of them: `make fuzz` sends more."""

import pytest

from tests.fuzz.frames import call_with_anything

FRAMES = 25_000


@pytest.mark.parametrize("seed", range(4))
async def test_no_frame_crashes_the_gateway_or_is_answered_to_somebody_else(seed: int) -> None:
    await call_with_anything(FRAMES, seed)
