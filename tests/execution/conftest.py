from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rules_engine.execution.database import Database
from tests.execution.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(autouse=True)
def journals_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tests leave journals behind as killed engines do; Python 3.13 counts every open one as a fault."""
    open_database = Database.__init__
    with ExitStack() as afterwards:

        def opening(database: Database, path: Path) -> None:
            open_database(database, path)
            afterwards.callback(database.close)

        monkeypatch.setattr(Database, "__init__", opening)
        yield
