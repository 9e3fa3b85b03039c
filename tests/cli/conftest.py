"""Every test calls the command from an empty folder, so that no config.yaml of this checkout is found."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.daemon.house import House, house_in


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    """A gateway and a phone; the settings are still to be written."""
    async with house_in(folder) as house:
        yield house
