"""The house that the daemon's tests live in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.daemon.house import House, house_in


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path) as house:
        yield house
