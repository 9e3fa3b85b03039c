"""Rule files into rules, or every problem that they have."""

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.kept_files import KeptFiles
from rules_engine.language.ordinary_file import read_ordinary
from rules_engine.language.rendering import quote_lines
from rules_engine.language.rule_file import FileContext, RuleFile
from rules_engine.language.text import SIZE_MAX, Source
from rules_engine.language.whole_set import check_whole_set
from rules_engine.model.instrument import Instrument
from rules_engine.model.place import Place, Problem, Severity
from rules_engine.model.rule import Rule
from rules_engine.model.slices import Slices, at_once

if TYPE_CHECKING:
    from rules_engine.model.rule_test import RuleTest

_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """What rule files say. With an error among ``problems`` there are no rules and no tests.

    ``instruments`` are all that the files declare or name. ``sound`` are the rules without an error of their own, for
    finding out what else is wrong with them; with no error at all they are the rules.
    """

    rules: tuple[Rule, ...]
    tests: tuple["RuleTest", ...]
    problems: tuple[Problem, ...]
    instruments: Mapping[str, Instrument]
    sound: tuple[Rule, ...]

    @property
    def ok(self) -> bool:
        """Whether the rules may be used."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


def load(
    sources: Sequence[Source],
    *,
    channels: frozenset[str] | None = None,
    now_s: float,
    armed: frozenset[str] = frozenset(),
) -> Loaded:
    """Reads all files as one set of rules.

    ``channels`` None accepts any channel name. ``armed`` are rules that were armed before: for them an `expires` in
    the past is a warning.
    """
    return at_once(loading(sources, KeptFiles(), channels=channels, now_s=now_s, armed=armed))


def loading(
    sources: Sequence[Source],
    kept: KeptFiles,
    *,
    channels: frozenset[str] | None = None,
    now_s: float,
    armed: frozenset[str] = frozenset(),
) -> Slices[Loaded]:
    """The same in slices; files that ``kept`` has from before are not read again."""
    context = FileContext(channels, now_s, armed)
    files: list[RuleFile] = []
    collectors: dict[str, Collector] = {}
    for source in sources:
        file, collectors[source.name] = yield from kept.reading(source, context)
        files.append(file)
    kept.forget_all_but(collectors.keys())
    check_whole_set(files, collectors)
    yield
    quoted: list[Problem] = []
    for file in files:
        found = collectors[file.name].in_file_order()
        quoted += quote_lines(found, file.text)
        if found:
            yield
    problems = tuple(quoted)
    loaded = Loaded((), (), problems, {}, tuple(rule for file in files for rule in file.sound))
    return _filled(files, problems) if loaded.ok else loaded


def _filled(files: Iterable[RuleFile], problems: tuple[Problem, ...]) -> Loaded:
    rules = tuple(rule for file in files for rule in file.rules)
    tests = tuple(test for file in files for test in file.tests)
    instruments = {name: known for file in files for name, known in file.instruments.known().items()}
    return Loaded(rules, tests, problems, instruments, rules)


def read_sources(paths: Sequence[Path]) -> tuple[tuple[Source, ...], tuple[Problem, ...]]:
    """The bytes of files, and of every rule file in folders, sorted; and a problem for what cannot be read."""
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for path in paths:
        folder = path.resolve() if path.is_dir() else None
        found = [path] if folder is None else _in_folder(path)
        if not found:
            hint = "a rule file ends in .yaml or .yml"
            problems.append(Problem(Place(str(path), 1, 1), Code.UNREADABLE, "the folder holds no rule files", hint))
        for file in found:
            try:
                sources.setdefault(str(file), Source(str(file), _read(file, folder)))
            except OSError as error:
                reason = error.strerror or "it cannot be read"
                message, hint = f"the file is not read: {reason}", "name rule files, or a folder that holds them"
                problems.append(Problem(Place(str(file), 1, 1), Code.UNREADABLE, message, hint))
    return tuple(sources.values()), tuple(problems)


def _read(file: Path, folder: Path | None) -> bytes:
    """What the file holds, or enough of it to be too large. Raises OSError; a folder's files lie in it, really."""
    if folder is not None and not file.resolve().is_relative_to(folder):
        raise OSError(errno.ELOOP, "it is a link to a place outside of the folder")
    return read_ordinary(file, SIZE_MAX + 1)


def _in_folder(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in files if path.is_file())
