"""The rule files in force: read whole, checked whole, compared with what runs, then swapped or refused."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from rules_engine.language import KeptFiles, Source, loading, merge, read_sources
from rules_engine.model.place import Problem, Severity
from rules_engine.model.plan import Plan, Where
from rules_engine.model.slices import Slices, at_once
from rules_engine.planning import planning


@dataclass(frozen=True, slots=True)
class Edition:
    """One consistent set of rules; ``digest`` changes with any byte of any file."""

    plans: tuple[Plan, ...]
    warnings: tuple[Problem, ...]
    digest: str

    @property
    def by_name(self) -> dict[str, Plan]:
        """The plans by the names of their rules."""
        return {plan.rule.name: plan for plan in self.plans}


@dataclass(frozen=True, slots=True)
class Refused:
    """A set of files that is not a valid set of rules."""

    problems: tuple[Problem, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a new edition changes, by rule name. ``cancels`` lose the order that the broker holds for them."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    cancels: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether every rule stays as it is."""
        return not (self.added or self.removed or self.changed)

    def lines(self) -> tuple[str, ...]:
        """One line a rule, as shown to the user."""
        cancels = frozenset(self.cancels)
        marked = [(name, "+", "added") for name in self.added]
        marked += [(name, "-", "removed") for name in self.removed]
        marked += [(name, "~", "changed") for name in self.changed]
        return tuple(
            f"{sign} {name} {word}{': its order held at the broker is cancelled' if name in cancels else ''}"
            for name, sign, word in sorted(marked)
        )


SAME_WORDS = Difference((), (), (), ())
"""Every rule stays as it is."""


class RuleBook:
    """Reads the rule folder. Remembers what it read, so that only files that changed are read and planned again."""

    def __init__(self, folder: Path, channels: frozenset[str]) -> None:
        self.folder = folder
        self._channels = channels
        self._files = KeptFiles()
        self._plans: Mapping[str, Plan] = {}
        self._steps: Mapping[str, Decimal] = {}

    def read(self, now_s: float, armed: frozenset[str], steps: Mapping[str, Decimal]) -> Edition | Refused:
        """The edition that lies in the folder now, or why it is none.

        ``armed`` are rules that the journal already knows, ``steps`` the price steps of instruments as far as known.
        """
        return at_once(self.reading(now_s, armed, steps))

    def reading(self, now_s: float, armed: frozenset[str], steps: Mapping[str, Decimal]) -> Slices[Edition | Refused]:
        """The same in slices. One at a time."""
        sources, unreadable = read_sources([self.folder])
        digest = _digest(sources, unreadable)
        yield
        loaded = yield from loading(sources, self._files, channels=self._channels, now_s=now_s, armed=armed)
        known = self._plans if steps == self._steps else {}
        plans, unplannable = yield from planning(loaded.sound, known, price_steps=steps)
        self._plans, self._steps = {plan.rule.name: plan for plan in plans}, dict(steps)
        return _edition(plans, (*unreadable, *merge(loaded.problems, unplannable, sources)), digest)

    def replanning(self, edition: Edition, steps: Mapping[str, Decimal]) -> Slices[Edition]:
        """The same rules with other price steps, in slices; not read again. One that asked for the broker, which cannot
        hold it with these steps, runs here."""
        plans, _ = yield from planning((one.rule for one in edition.plans), {}, price_steps=steps)
        self._plans, self._steps = {one.rule.name: one for one in plans}, dict(steps)
        return replace(edition, plans=plans)

    def digest(self) -> str:
        """What `read` would give as digest: cheap enough for every wake-up."""
        return _digest(*read_sources([self.folder]))


def _edition(plans: tuple[Plan, ...], problems: tuple[Problem, ...], digest: str) -> Edition | Refused:
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Refused(problems, digest)
    return Edition(plans, problems, digest)


def compare(old: Edition, new: Edition, held: frozenset[str]) -> Difference:
    """What changes from one edition to the next; ``held`` are rules with an order waiting at the broker."""
    before, after = old.by_name, new.by_name
    removed = tuple(sorted(before.keys() - after.keys()))
    changed = tuple(
        sorted(name for name in before.keys() & after.keys() if before[name].rule.digest != after[name].rule.digest)
    )
    gone = {name for name in (*removed, *changed) if before[name].where is Where.AT_BROKER}
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=removed,
        changed=changed,
        cancels=tuple(sorted(gone & held)),
    )


def _digest(sources: Sequence[Source], unreadable: Sequence[Problem]) -> str:
    sha = hashlib.sha256()
    for source in sources:
        sha.update(f"{source.name}\0{len(source.data)}\0".encode())
        sha.update(source.data)
    for problem in unreadable:
        sha.update(f"{problem.place.file}\0{problem.message}".encode())
    return sha.hexdigest()
