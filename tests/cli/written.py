"""Files that the tests of several commands write."""

from pathlib import Path

GOOD = """\
version: 1
rules:
  - name: ma-when-v-hits-200
    when: V crosses above 200
    do: buy 100 MA
    once: true
"""
BAD = """\
version: 1
rules:
  - name: visa
    when: V crosses over 200
    do: buy 100 MA
    cooldwn: 15m
"""
NOTIFIES = GOOD + "    notify: phone\n"

TESTS = """\
tests:
  - name: a crossing buys
    rules: [ma-when-v-hits-200]
    start: 2030-11-22 10:00
    every: 1s
    prices: {V: '199, 199.5, 200.5, 201'}
    expect:
"""


def write_rules(folder: Path, text: str, name: str = "rules.yaml") -> str:
    """A rule file in the folder ``rules``; returns its path as a user would name it."""
    path = folder / "rules" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path.relative_to(folder))


def write_config(folder: Path, text: str, mode: int = 0o600) -> str:
    """A config.yaml in the folder, by default for its owner alone."""
    path = folder / "config.yaml"
    path.touch()
    path.chmod(mode)
    path.write_text(text)
    return path.name
