"""The grammar as one thing: what each kind of condition brings, what words it reserves, where its tables are kept."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules_engine.language.grammar import CONDITION, keywords, phrases, reserved_words, sentence_parser


@pytest.fixture
def anew() -> Iterator[None]:
    """The parser is made again in this test, and again after it."""
    sentence_parser.cache_clear()
    yield
    sentence_parser.cache_clear()


def test_every_module_of_conditions_adds_its_phrases() -> None:
    assert {"crossing", "move", "change", "inside", "silence", "between", "execution", "lasting", "using"} <= set(
        phrases()
    )


def test_words_of_sentences_fields_and_functions_are_reserved() -> None:
    assert {"crosses", "market", "till", "sma", "last", "price", "minutes"} <= reserved_words()
    assert "phone" not in reserved_words() and "gold" not in reserved_words()
    assert set(keywords().values()) <= reserved_words()


@pytest.mark.usefixtures("anew")
def test_tables_are_kept_where_only_the_user_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for _ in range(2):
        assert sentence_parser().parse("V > 200", start=CONDITION)
        sentence_parser.cache_clear()
    folder = tmp_path / "rules-engine"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["sentences"]


@pytest.mark.usefixtures("anew")
def test_tables_that_are_spoilt_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "rules-engine").mkdir()
    (tmp_path / "rules-engine" / "sentences").write_bytes(b"not a table")
    assert sentence_parser().parse("V > 200", start=CONDITION)


@pytest.mark.usefixtures("anew")
def test_without_a_folder_to_write_the_parser_is_made_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert sentence_parser().parse("V > 200", start=CONDITION)
