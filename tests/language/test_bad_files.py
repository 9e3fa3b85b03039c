"""Every kind of mistake has a file, and the file's whole message is held."""

from pathlib import Path

import pytest

from rules_engine.language import Source, load
from rules_engine.language.codes import Code
from tests.language.bad_files import bad_files, message_of

# These need more than one file, a folder, a file's permissions or half a megabyte: tests of their own hold them.
ELSEWHERE = {Code.UNREADABLE, Code.TOO_LARGE, Code.INSTRUMENT_CONFLICT, Code.SECRET_EXPOSED}


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.stem)
def test_a_bad_file_gets_its_message(path: Path) -> None:
    assert message_of(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.stem)
def test_problems_stand_in_file_order_and_name_a_line_that_exists(path: Path) -> None:
    data = path.read_bytes()
    problems = load([Source(path.name, data)], now_s=0.0).problems
    places = [(problem.place.line, problem.place.column) for problem in problems]
    assert places == sorted(places)
    assert all(1 <= line <= data.count(b"\n") + 1 for line, _ in places)


def test_every_code_has_a_file() -> None:
    shown = {path.stem[:4] for path in bad_files()}
    assert {code.value for code in Code} - shown == {code.value for code in ELSEWHERE}


def test_the_file_is_named_for_a_code_that_it_shows() -> None:
    assert [path.name for path in bad_files() if f"[{path.stem[:4]}]" not in message_of(path)] == []
