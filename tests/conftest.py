"""What tests of several packages share."""

import atexit
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

# A machine that others share may be slow for a moment: how long one example takes says nothing.
settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")

# Nothing that a test finds out is kept for the next run, and no run reads what the user's own checks have kept.
_CACHE = TemporaryDirectory(prefix="rules-engine-tests-")
atexit.register(_CACHE.cleanup)
os.environ["XDG_CACHE_HOME"] = _CACHE.name

_DATA_FOLDER = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recorded prices: RULES_DATA, else the one beside the repository."""
    folder = Path(os.environ.get("RULES_DATA", _DATA_FOLDER))
    if not folder.is_dir():
        pytest.skip(f"recorded prices are not here: no folder {folder} (set RULES_DATA)")
    return folder
