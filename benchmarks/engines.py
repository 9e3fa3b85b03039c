"""Sentences -> an engine: many rules are written to many files, for one holds at most 256 KiB."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from rules_engine import Engine

_RULES_A_FILE = 1_000


def engine_of(sentences: Iterable[tuple[str, str]]) -> Engine:
    """An engine with a rule for every name and sentence."""
    left = iter(sentences)
    with TemporaryDirectory() as folder:
        number = 0
        while rules := list(islice(left, _RULES_A_FILE)):
            lines = [f"  - {{name: {name}, when: '{sentence}', do: notify desk}}" for name, sentence in rules]
            text = "\n".join(["version: 1", "timezone: UTC", "rules:", *lines])
            (Path(folder) / f"{number:04}.yaml").write_text(text)
            number += 1
        return Engine(Path(folder))
