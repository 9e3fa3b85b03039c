"""What a rule says as a short hash, so that an edit that changes nothing is seen to change nothing."""

import hashlib
from dataclasses import fields, replace

from rules_engine.model.rule import Active, Rule

_UNSAID = frozenset({"place", "run_place", "digest", "when_digest", "cases", "spelled"})
_SAID = tuple(field.name for field in fields(Rule) if field.name not in _UNSAID)


def with_digests(rule: Rule) -> Rule:
    """The rule with both digests filled in. Sets are sorted, for their order is not the rule's."""
    whens = repr([case.when for case in rule.cases])
    actions = repr([case.actions for case in rule.cases])
    rest = {name: _ordered(getattr(rule, name)) for name in _SAID}
    return replace(rule, digest=_hash(f"{whens}{actions}{rest!r}"), when_digest=_hash(whens))


def _ordered(value: object) -> str:
    if isinstance(value, Active):
        return repr((sorted(value.days), value.start, value.end))
    return repr(value)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
