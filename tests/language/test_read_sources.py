"""Which files are read as rules: ordinary ones that really lie in the folder, and not more of them than is needed."""

import os
from pathlib import Path

import pytest

from rules_engine.language import load, read_sources
from rules_engine.language.text import SIZE_MAX

RULE = "version: 1\nrules:\n  - {name: a, when: V > 1, do: buy 1 V}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "good.yaml").write_text(RULE)
    (tmp_path / "secret.yaml").write_text("canary: canary")
    return tmp_path / "rules"


@pytest.mark.parametrize("target", ["../secret.yaml", "/etc/passwd"])
def test_a_link_that_leads_out_of_the_folder_is_a_problem_and_is_not_read(folder: Path, target: str) -> None:
    (folder / "link.yaml").symlink_to(target)
    sources, problems = read_sources([folder])
    assert [Path(source.name).name for source in sources] == ["good.yaml"]
    [problem] = problems
    assert problem.place.file.endswith("link.yaml") and "outside of the folder" in problem.message


def test_a_link_within_the_folder_is_a_file_like_any_other(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("good.yaml")
    sources, problems = read_sources([folder])
    assert problems == () and len(sources) == 2


def test_a_folder_that_is_a_link_is_the_folder_that_it_leads_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    sources, problems = read_sources([tmp_path / "current"])
    assert problems == () and len(sources) == 1


@pytest.mark.parametrize("path", ["pipe.yaml", "/dev/zero"])
def test_a_pipe_or_device_named_as_a_file_is_refused_at_once(folder: Path, path: str) -> None:
    os.mkfifo(folder / "pipe.yaml")
    sources, [problem] = read_sources([folder / path])
    assert sources == () and "no ordinary file" in problem.message


def test_of_a_file_without_end_only_as_much_is_read_as_shows_that_it_is_too_large(folder: Path) -> None:
    with (folder / "good.yaml").open("wb") as file:
        file.truncate(1 << 33)
    sources, _ = read_sources([folder])
    assert len(sources[0].data) == SIZE_MAX + 1
    assert [str(problem.code) for problem in load(sources, now_s=0.0).problems] == ["R003"]
