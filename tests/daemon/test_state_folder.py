"""The state folder belongs to its owner alone."""

import stat
from pathlib import Path

import pytest

from rules_engine.daemon.state_folder import StateFolder, StateFolderRefused


def test_it_is_created_for_the_owner_alone(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "a" / "var")
    folder.prepare()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_folder_open_to_others_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "var"
    path.mkdir(mode=0o755)
    with pytest.raises(StateFolderRefused, match="chmod 700"):
        StateFolder(path).prepare()


def test_a_folder_of_somebody_else_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var").mkdir(mode=0o700)
    monkeypatch.setattr("os.geteuid", lambda: (tmp_path / "var").stat().st_uid + 1)
    with pytest.raises(StateFolderRefused, match="belongs to somebody else: run `chown"):
        StateFolder(tmp_path / "var").prepare()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(StateFolderRefused, match="cannot use the state folder"):
        StateFolder(tmp_path / "var").prepare()


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateFolderRefused, match="too long"):
        StateFolder(tmp_path / ("x" * 120)).prepare()
