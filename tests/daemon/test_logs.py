"""The engine's log: for its owner alone, and with what nobody else caught."""

import logging
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules_engine.daemon.logs import start_logging, thread_errors_logged

SECRET = "jsons://example.com/c4n4ry-path"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    path = tmp_path / "engine.log"
    path.touch(0o644)
    start_logging(path, [SECRET])
    yield path
    for handler in list(root.handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_old_log_that_others_may_read_is_closed(log: Path) -> None:
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_what_a_thread_dies_of_is_logged_without_its_secrets(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def fall() -> None:
        raise ArithmeticError(f"cannot post to {SECRET}")

    with thread_errors_logged():
        thread = threading.Thread(target=fall)
        thread.start()
        thread.join()
    out, err = capfd.readouterr()
    assert "ArithmeticError: cannot post to ***" in log.read_text()
    assert "c4n4ry" not in log.read_text() + out + err


def test_a_delivery_that_fails_is_told_once_and_an_address_that_apprise_cannot_read_too(log: Path) -> None:
    apprise = logging.getLogger("apprise")
    apprise.warning("failed to send it")
    apprise.error("unparseable address")
    logging.getLogger("rules_engine.notifying.sender").warning("channel phone: failed to send it")
    assert log.read_text().count("failed to send it") == 1
    assert "unparseable address" in log.read_text()


def test_without_a_file_there_is_still_a_log(log: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.log").mkdir()
    for handler in logging.getLogger().handlers:
        handler.close()
    start_logging(tmp_path / "folder.log", [SECRET])
    logging.getLogger("x").warning("lost %s", SECRET)
    err = capfd.readouterr().err
    assert "there is no log file" in err and "lost ***" in err
