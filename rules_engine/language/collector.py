"""Collects the problems of one file, and locates faults of sentences in it."""

from collections.abc import Iterable
from dataclasses import replace

from rules_engine.language.codes import Code
from rules_engine.language.fault import Fault
from rules_engine.language.tree import Node, Scalar
from rules_engine.language.within import place_within
from rules_engine.model.place import Place, Problem, Severity

PROBLEMS_MAX = 50


class Collector:
    """The problems found so far, in the order found."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def __len__(self) -> int:
        return len(self._problems)

    @property
    def found(self) -> tuple[Problem, ...]:
        """All of them, as they were found."""
        return tuple(self._problems)

    def add(self, at: Node | Place, code: Code, message: str, hint: str = "") -> None:
        """Records an error at a node or a place."""
        place = at if isinstance(at, Place) else at.place
        self._problems.append(Problem(place, code, message, hint))

    def warn(self, at: Node, code: Code, message: str, hint: str = "") -> None:
        """Records something that the user should know but that stops nothing."""
        self._problems.append(Problem(at.place, code, message, hint, Severity.WARNING))

    def add_faults(self, sentence: Scalar, faults: Iterable[Fault]) -> None:
        """Records what is wrong inside a sentence, at the words at fault."""
        for fault in faults:
            self.add(place_within(sentence, fault.start, fault.end), fault.code, fault.message, fault.hint)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Records problems that others have found."""
        self._problems.extend(problems)

    def in_file_order(self) -> tuple[Problem, ...]:
        """One problem a place, the first found there, in file order; what exceeds the bound is counted at the end."""
        firsts: dict[tuple[str, int, int], Problem] = {}
        for problem in self._problems:
            firsts.setdefault((problem.place.file, problem.place.line, problem.place.column), problem)
        ordered = sorted(firsts.values(), key=lambda problem: (problem.place.line, problem.place.column))
        if len(ordered) <= PROBLEMS_MAX:
            return tuple(ordered)
        rest = len(ordered) - PROBLEMS_MAX
        more = f"{rest} more problems in this file are not shown"
        last = replace(ordered[PROBLEMS_MAX], code=Code.MORE, message=more, hint="correct the first ones")
        return (*ordered[:PROBLEMS_MAX], last)
