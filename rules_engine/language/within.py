"""From a place inside a value to the place in the file, through quotes, escapes and line breaks."""

import re
from collections.abc import Iterator

from rules_engine.language.tree import Scalar
from rules_engine.model.place import Place

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.|\n)", re.DOTALL)


def place_within(scalar: Scalar, start: int, end: int) -> Place:
    """Where the characters from ``start`` to ``end`` of the value stand in the file."""
    if scalar.raw == scalar.text and "\n" not in scalar.raw:
        return _on_line(scalar, start, max(end - start, 1))
    # Line folding changes white space only, so that the n-th visible character of the value is that of the file.
    visible = [offset for offset, is_space in _characters(scalar.raw) if not is_space]
    before = _visible_count(scalar.text[:start])
    length = max(_visible_count(scalar.text[start:end]), 1)
    if not visible:
        return scalar.place
    first = visible[min(before, len(visible) - 1)]
    last = visible[min(before + length - 1, len(visible) - 1)]
    line_end = scalar.raw.find("\n", first)
    stop = last + 1 if line_end < 0 else min(last + 1, line_end)
    return _on_line(scalar, first, stop - first)


def _visible_count(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _on_line(scalar: Scalar, offset: int, length: int) -> Place:
    before = scalar.raw[:offset]
    lines = before.count("\n")
    if lines == 0:
        return Place(scalar.place.file, scalar.place.line, scalar.place.column + offset, length)
    column = offset - before.rindex("\n")
    return Place(scalar.place.file, scalar.place.line + lines, column, length)


def _characters(raw: str) -> Iterator[tuple[int, bool]]:
    """Offset of each character of the value in ``raw``, and whether it is white space."""
    if raw.startswith('"'):
        yield from _double_quoted(raw)
    elif raw.startswith("'"):
        skip = {found.start() for found in re.finditer("''", raw[1:-1])}
        yield from ((at, raw[at].isspace()) for at in range(1, len(raw) - 1) if at - 1 not in skip)
    else:
        start = raw.find("\n") + 1 if raw.startswith(("|", ">")) else 0
        yield from ((at, raw[at].isspace()) for at in range(start, len(raw)))


def _double_quoted(raw: str) -> Iterator[tuple[int, bool]]:
    at = 1
    while at < len(raw) - 1:
        escape = _ESCAPE.match(raw, at)
        if escape is None:
            yield at, raw[at].isspace()
            at += 1
        else:
            yield at, escape[1][0] in " \t\nntrvfNLP_0abe"
            at = escape.end()
