"""Rule files as they were last read: one that has not changed since is not read again."""

from collections.abc import Collection
from dataclasses import dataclass

from rules_engine.language.collector import Collector
from rules_engine.language.rule_file import FileContext, RuleFile, reading_file
from rules_engine.language.text import Source
from rules_engine.model.place import Problem
from rules_engine.model.slices import Slices

_DATED = b"expires"
"""What a file with this word means depends on when it is read, and on which rules were armed before."""


@dataclass(frozen=True, slots=True)
class _Kept:
    data: bytes
    channels: frozenset[str] | None
    file: RuleFile
    problems: tuple[Problem, ...]


class KeptFiles:
    """As many files as the last set of rules had."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def reading(self, source: Source, context: FileContext) -> Slices[tuple[RuleFile, Collector]]:
        """The file and what is wrong in it. Its rules are the very same objects for as long as it stays the same."""
        kept = self._kept.get(source.name)
        if kept is None or kept.data != source.data or kept.channels != context.channels or _DATED in source.data:
            problems = Collector()
            file = yield from reading_file(source, context, problems)
            kept = self._kept[source.name] = _Kept(source.data, context.channels, file, problems.found)
        collector = Collector()
        collector.extend(kept.problems)
        return kept.file, collector

    def forget_all_but(self, names: Collection[str]) -> None:
        """Other files are gone."""
        self._kept = {name: kept for name, kept in self._kept.items() if name in names}
