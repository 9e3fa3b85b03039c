"""Short ways to write rule files in tests, and to read what comes of them."""

from textwrap import dedent, indent

from rules_engine.language import Loaded, Source, load, render
from rules_engine.model.rule import Rule

NOW_S = 1_900_000_000.0


def loaded(text: str, channels: frozenset[str] | None = None, armed: frozenset[str] = frozenset()) -> Loaded:
    """What a file with this text says."""
    return load([Source("a.yaml", dedent(text).encode())], channels=channels, now_s=NOW_S, armed=armed)


def rule(body: str, head: str = "") -> Rule:
    """The one rule, named `a`, with these keys; fails with the rendered problems when it is wrong."""
    text = (
        f"version: 1\ntimezone: America/New_York\n{dedent(head)}\nrules:\n  - name: a\n{indent(dedent(body), '    ')}"
    )
    found = loaded(text)
    assert not found.problems, render(found.problems)
    return found.rules[0]


def codes(text: str) -> list[str]:
    """The codes of the problems, in file order."""
    return [str(problem.code) for problem in loaded(text).problems]
