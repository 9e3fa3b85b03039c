"""Problems as people and programs read them; nothing shown holds a secret."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rules_engine.language.text import Source, hide_forbidden
from rules_engine.model.place import Problem, Severity

WIDTH_MAX = 140
_RED, _YELLOW, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
# An address, a name with its password at a host, tokens as Telegram, Slack and Amazon write them, and any long run that
# mixes letters and digits.
_SECRETS = re.compile(
    r"(?<=://)[^\s'\"]+"
    r"|(?<![^\s:@'\"])(?!//)[^\s:@'\"]{1,64}:(?!//)[^\s@'\"]{3,128}@[\w-]{1,64}\.[\w.-]+"
    r"|(?<![0-9])[0-9]{6,20}:[A-Za-z0-9_-]{16,}"
    r"|\b(?P<prefixed>xox[a-z]-[\w-]{10,}|AKIA[A-Z0-9]{12,})"
    r"|[A-Za-z0-9]{20,}"
)


def render(problems: Iterable[Problem], *, colour: bool = False) -> str:
    """All problems, each with its line and a caret under the word."""
    return "\n".join(_render(problem, colour=colour) for problem in problems)


def as_json(problem: Problem) -> dict[str, object]:
    """The problem as one JSON object."""
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "code": str(problem.code),
        "message": problem.message,
        "hint": problem.hint,
        "severity": str(problem.severity),
    }


def mask(text: str) -> str:
    """The text with everything shaped like a secret starred out, as long as before."""
    return _SECRETS.sub(_starred, text)


def _starred(found: "re.Match[str]") -> str:
    """A long run of letters with hardly a digit, or of digits alone, is a word or a number."""
    word = found[0]
    digits = sum(character.isdigit() for character in word)
    is_plain = found["prefixed"] is None and word.isalnum() and (digits < 3 or digits == len(word))
    return word if is_plain else "*" * len(word)


def quote_lines(problems: Sequence[Problem], text: str) -> tuple[Problem, ...]:
    """The problems with the line of ``text`` that each is about; secrets are masked everywhere."""
    if not problems:
        return ()
    lines = re.split(r"\r\n|\r|\n", text)
    shown: dict[int, str] = {}
    quoted = []
    for problem in problems:
        at = problem.place.line
        if at not in shown:
            shown[at] = mask(hide_forbidden(lines[at - 1])) if 0 < at <= len(lines) else ""
        quoted.append(
            replace(problem, message=mask(problem.message), hint=mask(problem.hint), quoted=shown[at].rstrip())
        )
    return tuple(quoted)


def merge(read: Iterable[Problem], found: Iterable[Problem], sources: Sequence[Source]) -> tuple[Problem, ...]:
    """The problems of reading and those ``found`` afterwards, all in file order and with the lines they are about."""
    order = {source.name: number for number, source in enumerate(sources)}
    texts = {source.name: source.data.decode("utf-8", "replace").removeprefix("\ufeff") for source in sources}
    quoted = [one for problem in found for one in quote_lines((problem,), texts.get(problem.place.file, ""))]
    return tuple(
        sorted((*read, *quoted), key=lambda one: (order.get(one.place.file, 0), one.place.line, one.place.column))
    )


def _render(problem: Problem, *, colour: bool) -> str:
    place, severity = problem.place, problem.severity
    head = f"{severity}[{problem.code}]"
    if colour:
        head = f"{_RED if severity is Severity.ERROR else _YELLOW}{head}{_PLAIN}"
    title = f"{_BOLD}{problem.message}{_PLAIN}" if colour else problem.message
    number = str(place.line)
    gutter = " " * len(number)
    line, column = _window(problem.quoted.replace("\t", " "), place.column)
    carets = "^" * max(1, min(place.length, len(line) - column + 1))
    mark = f"{gutter} | {' ' * (column - 1)}{carets} {problem.hint}".rstrip()
    where = f" --> {place.file}:{place.line}:{place.column}"
    return "\n".join((f"{head}: {title}", where, f"{gutter} |", f"{number} | {line}".rstrip(), mark))


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around the column, and the column in it."""
    if len(line) <= WIDTH_MAX:
        return line, column
    start = max(0, min(column - 1 - WIDTH_MAX // 2, len(line) - WIDTH_MAX))
    return line[start : start + WIDTH_MAX], column - start
