"""What a rule says as a short hash, so that an edit that changes nothing is seen to change nothing."""

import hashlib
from dataclasses import MISSING, fields
from functools import partial

from rules_engine.model.rule import Active, Case, Rule

_UNSAID = frozenset({"place", "run_place", "digest", "when_digest", "cases", "spelled"})


def with_digests(made: "partial[Rule]", cases: tuple[Case, ...]) -> Rule:
    """The rule with these cases and with both digests. Sets are sorted, for their order is not the rule's."""
    whens = repr([case.when for case in cases])
    actions = repr([case.actions for case in cases])
    said = made.keywords
    rest = [
        usual if value is otherwise else _entry(name, value)
        for name, otherwise, usual in _SAID
        for value in [said.get(name, otherwise)]
    ]
    digest = _hash(f"{whens}{actions}{{{', '.join(rest)}}}")
    return made(cases=cases, digest=digest, when_digest=_hash(whens))


def _entry(name: str, value: object) -> str:
    return f"{name!r}: {_ordered(value)!r}"


def _ordered(value: object) -> str:
    if isinstance(value, Active):
        return repr((sorted(value.days), value.start, value.end))
    return repr(value)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_SAID = tuple(
    (one.name, one.default, "" if one.default is MISSING else _entry(one.name, one.default))
    for one in fields(Rule)
    if one.name not in _UNSAID
)
"""Each key with what it is where nobody wrote it, and how that is spelled: most keys of most rules are not written."""
