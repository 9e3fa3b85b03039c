"""What tests of several packages share."""

import os
from pathlib import Path

import pytest

_DATA_FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded prices: RULES_DATA, else the one beside the repository."""
    folder = Path(os.environ.get("RULES_DATA", _DATA_FOLDER))
    if not folder.is_dir():
        pytest.skip(f"recorded prices are not here: no folder {folder} (set RULES_DATA)")
    return folder
