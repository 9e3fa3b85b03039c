"""Rule files and how they are explained, in words and in IB's fields; `make golden` rewrites the expected texts."""

import json
from pathlib import Path

import pytest

from rules_engine.language import Source, load
from rules_engine.planning import explain, explain_json, plan

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.yaml"))


def texts(path: Path) -> dict[str, str]:
    """The expected texts of one rule file, by the ending of their name."""
    loaded = load([Source(path.name, path.read_bytes())], now_s=0.0)
    assert not loaded.problems, loaded.problems
    plans = [plan(rule) for rule in loaded.rules]
    fields = json.dumps([explain_json(each) for each in plans], indent=1)
    return {".txt": "\n\n".join(map(explain, plans)) + "\n", ".json": fields + "\n"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_explained_as_expected(path: Path) -> None:
    for ending, text in texts(path).items():
        assert text == path.with_suffix(ending).read_text()


def rewrite() -> None:
    """Makes what is said now the expected texts."""
    for path in FILES:
        for ending, text in texts(path).items():
            path.with_suffix(ending).write_text(text)
