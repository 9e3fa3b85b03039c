"""Tables: every character of a cell is shown as it is."""

import pytest

from rules_engine.cli.tables import clock, show


def test_what_looks_like_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    show(("rule", "reason"), [("a", "order rejected [/b] [red]no[/red] :smile: [201]")], "none")
    assert capsys.readouterr().out.splitlines()[1].rstrip() == "a     order rejected [/b] [red]no[/red] :smile: [201]"


def test_a_pipe_gets_long_lines_whole(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "word " * 40 + "end"
    show(("sentence",), [(sentence,)], "none")
    assert sentence in capsys.readouterr().out


def test_no_rows_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    show(("rule",), [], "nothing has fired")
    assert capsys.readouterr().out == "nothing has fired\n"


def test_no_moment_is_no_text() -> None:
    assert clock(None) == ""
