"""What the YAML parser says when a file is not YAML, in words that say what to write instead."""

import re

import yaml

from rules_engine.language.codes import Code
from rules_engine.language.text import place_at
from rules_engine.model.place import Place, Problem

# The parser's words (left), ours, and what to do.
_FAULTS = (
    (
        "mapping values are not allowed",
        "a ':' where no key can stand",
        "quote text that holds ': ', or indent it",
    ),
    ("unexpected end of stream", "a quote that is never closed", "close the quote"),
    ("cannot start any token", "a character that cannot start a value", "quote the text"),
    ("unknown escape character", "an unknown escape after '\\'", "write '\\\\', or use single quotes"),
    ("expected ',' or '}'", "a '{' that is never closed", "close it with '}', or quote text that starts with '{'"),
    ("expected ',' or ']'", "a '[' that is never closed", "close it with ']', or quote text that starts with '['"),
    ("expected '-' indicator", "a list that goes on as something else", "check the indent"),
    ("expected key", "a mapping that goes on as something else", "check the indent"),
    ("expected <block end>", "a block that goes on as something else", "check the indent"),
    ("expected ':'", "a key without ':'", "write 'key: value'"),
    ("expected node content", "a value is missing or a bracket is not closed", "close what was opened"),
    ("flow level", "nested too deep", "rules need far less"),
)


def explain_fault(error: yaml.YAMLError, text: str, name: str) -> Problem:
    """The problem, at the place where the parser stopped."""
    said = str(getattr(error, "problem", None) or error)
    for words, message, hint in _FAULTS:
        if words in said:
            return Problem(_place(error, text, name), Code.NOT_YAML, f"this is not YAML: {message}", hint)
    first = re.split(r"\n", said)[0]
    return Problem(_place(error, text, name), Code.NOT_YAML, f"this is not YAML: {first}", "check quotes and indent")


def _place(error: yaml.YAMLError, text: str, name: str) -> Place:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return place_at(text, int(getattr(error, "position", 0) or 0), 1, name)
    # The end of the file is shown where its last words are.
    end = len(text.rstrip())
    if mark.index >= end:
        return place_at(text, max(end - 1, 0), 1, name)
    return Place(name, mark.line + 1, mark.column + 1, 1)
