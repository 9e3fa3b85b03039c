"""The bad files of tests/bad, and the exact message that each gets."""

from pathlib import Path

from rules_engine.language import Source, load, render
from rules_engine.language.settings_file import load_settings

FOLDER = Path(__file__).parent.parent / "bad"
NOW_S = 1_900_000_000.0


def bad_files() -> list[Path]:
    return sorted(FOLDER.glob("*.yaml"))


def message_of(path: Path) -> str:
    """What a user reads about the file. Names with `config` and codes R4 are settings, all others rules."""
    data = path.read_bytes()
    if path.name.startswith("R4") or "config" in path.name:
        _, problems = load_settings(data, path.name, {}, FOLDER)
    else:
        problems = load([Source(path.name, data)], channels=frozenset({"phone", "desk"}), now_s=NOW_S).problems
    return render(problems) + "\n"


def rewrite() -> None:
    """Writes every expected message anew."""
    for path in bad_files():
        path.with_suffix(".txt").write_text(message_of(path), encoding="utf-8")
