"""Bytes that went wrong, from seeds: every reader accepts or answers with problems, quickly."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_engine.cli.group import group
from tests.fuzz.files import READERS, ROOT, try_files
from tests.language.test_hostile import hostile_folder

SEEDS = range(4)
ROUNDS = 50
SECONDS_MAX = 2.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_a_spoiled_file_is_taken_or_answered_with_problems(
    read: Callable[[bytes, Path], None], seed: int, tmp_path: Path
) -> None:
    found = try_files(read, ROUNDS, seed, tmp_path)
    assert found.broken == [] and found.seconds_max < SECONDS_MAX


def test_hostile_files_through_the_commands() -> None:
    """The corpus as rule files and as prices: an answer and an exit code, never a traceback."""
    folder = hostile_folder()
    if not folder.is_dir():
        pytest.skip(f"the corpus of hostile files is not at {folder}")
    files = sorted([*(folder / "yaml").iterdir(), *(folder / "expr").iterdir()])
    good = str(next((ROOT / "rules").rglob("*.yaml")))
    for file in files:
        for words in (("check", str(file)), ("explain", str(file)), ("backtest", good, "--data", f"V={file}")):
            result = CliRunner().invoke(group, words, prog_name="rules")
            assert result.exit_code in (0, 1, 2, 78), (file.name, words, result.output[-500:])
            assert result.exception is None or isinstance(result.exception, SystemExit), (file.name, words)
