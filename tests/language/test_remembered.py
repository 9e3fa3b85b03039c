"""A file that was found right is not asked again; one that changed, or was wrong, always is."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules_engine.language import Source, load, remembered
from rules_engine.language.remembered import KEPT_MAX, is_known_right, remember_right

GOOD = b"version: 1\nrules:\n  - {name: a, when: V > 1, do: buy 1 MA}\n"
BAD = GOOD.replace(b"name: a", b"name: a, cooldwn: 5m")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    remembered._known.cache_clear()
    yield tmp_path / "rules-engine"
    remembered._known.cache_clear()


def check_in_a_process(text: bytes) -> tuple[int, bool]:
    """How many problems a fresh process finds, and whether it needed jsonschema for that."""
    program = (
        "import sys; from rules_engine.language import Source, load;"
        f"found = load([Source('a.yaml', {text!r})], now_s=0.0).problems;"
        "print(len(found), 'jsonschema' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, needed = answer.stdout.split()
    return int(count), needed == "True"


def test_a_right_file_is_asked_once_and_a_changed_one_again() -> None:
    assert check_in_a_process(GOOD) == (0, True)
    assert check_in_a_process(GOOD) == (0, False)
    assert check_in_a_process(GOOD.replace(b"V > 1", b"V > 2")) == (0, True)


def test_a_wrong_file_is_wrong_every_time() -> None:
    assert check_in_a_process(BAD) == (1, True)
    assert check_in_a_process(BAD) == (1, True)


def test_what_is_kept_is_bounded_and_the_newest_stay(folder: Path) -> None:
    for number in range(KEPT_MAX + 5):
        remember_right(f"key{number}")
    assert len((folder / "shapes").read_text().split()) == KEPT_MAX
    assert not is_known_right("key4")
    assert is_known_right(f"key{KEPT_MAX + 4}")


@pytest.mark.parametrize("kept", [b"\xff\xfe", b"", b"nonsense\n\n"], ids=["bytes", "empty", "words"])
def test_a_damaged_memory_is_no_memory(folder: Path, kept: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "shapes").write_bytes(kept)
    remembered._known.cache_clear()
    assert len(load([Source("a.yaml", BAD)], now_s=0.0).problems) == 1
    assert load([Source("a.yaml", GOOD)], now_s=0.0).ok


def test_without_a_folder_to_write_in_nothing_is_kept_and_nothing_fails(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert load([Source("a.yaml", GOOD)], now_s=0.0).ok
