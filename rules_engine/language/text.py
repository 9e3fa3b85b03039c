"""Bytes of a file into text, or the characters that make it unfit to be read as rules."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rules_engine.language.codes import Code
from rules_engine.model.place import Place, Problem

SIZE_MAX = 256 * 1024
FOUND_MAX = 60
"""A file full of what is not allowed needs no more than this to be understood."""
_BOM = "\ufeff"
# Control, zero-width and direction characters: a reader of the file would not see what the program sees.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)
_TAB_INDENT = re.compile(r"^( *)\t[ \t]*[^\s]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read: its name as shown to the user, and its bytes."""

    name: str
    data: bytes


def decode(source: Source) -> tuple[str, tuple[Problem, ...]]:
    """The text without its byte order mark; with problems, the text must not be read further."""
    if len(source.data) > SIZE_MAX:
        hint = "split it into several files"
        return "", (Problem(Place(source.name, 1, 1), Code.TOO_LARGE, "the file is larger than 256 KiB", hint),)
    try:
        text = source.data.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        return "", (_not_utf8(source, error),)
    found = (*islice(_forbidden(text, source.name), FOUND_MAX), *islice(_tabs(text, source.name), FOUND_MAX))
    return text, found


def _not_utf8(source: Source, error: UnicodeDecodeError) -> Problem:
    before = source.data[: error.start].decode("utf-8")
    hint = "save the file as UTF-8"
    return Problem(place_at(before, len(before), 1, source.name), Code.NOT_UTF8, "the file is not UTF-8", hint)


def _forbidden(text: str, name: str) -> Iterator[Problem]:
    for found in _FORBIDDEN.finditer(text):
        message = f"the character {character_name(found[0])} is not allowed"
        yield Problem(place_at(text, found.start(), 1, name), Code.FORBIDDEN_CHARACTER, message, "remove it")


def _tabs(text: str, name: str) -> Iterator[Problem]:
    for found in _TAB_INDENT.finditer(text):
        place = place_at(text, found.end(1), 1, name)
        yield Problem(place, Code.TAB_INDENT, "a tab is used as indent", "indent with spaces")


def first_forbidden(text: str) -> str:
    """The first character of ``text`` that rules may not hold, or ""."""
    found = _FORBIDDEN.search(text)
    return found[0] if found else ""


def hide_forbidden(text: str) -> str:
    """The text with a `?` for every character that a terminal should not see."""
    return _FORBIDDEN.sub("?", text)


def character_name(character: str) -> str:
    """`U+200B (zero width space)`."""
    name = unicodedata.name(character, "control character").lower()
    return f"U+{ord(character):04X} ({name})"


def place_at(text: str, index: int, length: int, name: str) -> Place:
    """Where the character at ``index`` stands; lines end at a line feed, or a carriage return alone."""
    lines = text[:index].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return Place(name, len(lines), len(lines[-1]) + 1, length)
