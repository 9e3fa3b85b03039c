"""One sentence into a condition, a value or an action, or into the faults that it has."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from rules_engine.conditions.phrase import Level, Misspoken
from rules_engine.language.codes import Code
from rules_engine.language.diagnosis import diagnose
from rules_engine.language.fault import Fault
from rules_engine.language.functions import BadCall
from rules_engine.language.grammar import phrases, sentence_parser
from rules_engine.language.meaning import check_sentence
from rules_engine.language.orders import NotOrderable, Orders
from rules_engine.language.scope import Scope
from rules_engine.language.shapes import Node, Shapes, Word
from rules_engine.language.values import span_of
from rules_engine.model.condition import Condition

LENGTH_MAX = 1_000
NESTING_MAX = 32
WORDS_MAX = 250
_SHAPES = Shapes()
"""What a sentence means depends on its own words and its scope alone: this only spares parsing it."""

_URL = re.compile(r"\b\w+://\S*")
_WORD = re.compile(r"[\w.:]+|[^\w.:\s]")
_CODES = {
    "all_of": Code.TWO_EVENTS,
    "opposite_of": Code.EVENT_NOT_ALLOWED,
    "on_bar_close": Code.EVENT_NOT_ALLOWED,
    **dict.fromkeys(("inside", "outside", "enters", "leaves"), Code.BAD_BAND),
    "between": Code.BAD_TIME,
    "good_till": Code.BAD_TIME,
    "over": Code.DIVISION_BY_ZERO,
    **dict.fromkeys(("plus", "minus"), Code.UNIT_MISMATCH),
    "units": Code.NOT_POSITIVE,
    "share_of_equity": Code.NOT_POSITIVE,
    **dict.fromkeys(("at_limit", "at_stop"), Code.UNIT_MISMATCH),
    "order": Code.BAD_ORDER,
    "entry_price": Code.BAD_ORDER,
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """``value`` is None when the sentence has no meaning; with faults, it must not be used."""

    value: object
    faults: tuple[Fault, ...]


def parse_sentence(text: str, kind: str, scope: Scope) -> Parsed:
    """Reads ``text`` as a sentence of ``kind`` (CONDITION, VALUE, ACTION, ENTRY or ENTRY_PRICE)."""
    known = _SHAPES.find(kind, text) if len(text) <= LENGTH_MAX else None
    if known is not None:
        tree, words = known
        meanings = _Meanings(scope, words)
        value = meanings.read(tree)
        if not meanings.faults:
            return Parsed(value, ())
    return _parse_anew(text, kind, scope)


def _parse_anew(text: str, kind: str, scope: Scope) -> Parsed:
    refused = _refuse_outright(text)
    if refused is not None:
        return Parsed(None, (refused,))
    try:
        tree = sentence_parser().parse(text, start=kind)
    except UnexpectedInput as error:
        return Parsed(None, (diagnose(text, kind, scope, error),))
    meanings = _Meanings(scope)
    value = meanings.read(tree)
    if not meanings.faults:
        _SHAPES.learn(kind, text, tree)
    return Parsed(value, tuple(sorted(meanings.faults, key=lambda fault: fault.start)))


class _NoMeaning(Exception):
    """A part means nothing; its fault is recorded."""


class _Meanings(Orders):
    """Walks the parsed tree, innermost first. ``words`` are what a shared tree lacks."""

    def __init__(self, scope: Scope, words: Sequence[Token] = ()) -> None:
        super().__init__(scope)
        self._words = words

    def read(self, tree: Tree[Any]) -> object:
        try:
            return self._of(tree)
        except _NoMeaning:
            return None

    def _of(self, node: Node) -> object:
        if isinstance(node, Word):
            return self._words[node.place]
        if node is None or isinstance(node, Token):
            return node
        parts = [self._of(child) for child in node.children]
        name = str(node.data)
        try:
            return self._meaning(name, node, parts)
        except Misspoken as error:
            wrong = node if error.part is None else node.children[error.part]
            # A fault in a shared tree is only counted: the sentence is then read once more, with its own positions.
            wrong = node if isinstance(wrong, Word) else wrong
            code = error.code if isinstance(error, BadCall | NotOrderable) else _CODES.get(name, Code.NOT_A_SENTENCE)
            self.blame(wrong, code, error.message, error.hint)
            raise _NoMeaning from None

    def _meaning(self, name: str, node: Tree[Any], parts: list[object]) -> object:
        phrase = phrases().get(name)
        if phrase is None:
            return getattr(self, name)(*parts)
        condition: Condition = phrase.meaning(*parts, *([self.scope.timezone] if phrase.zoned else []))
        if phrase.level is Level.SENTENCE or phrase.level is Level.QUALIFIED:
            start, end = span_of(node)
            self.faults += check_sentence(condition, start, end)
        return condition


def _refuse_outright(text: str) -> Fault | None:
    """What must not even reach the parser."""
    if len(text) > LENGTH_MAX:
        return _too_long(f"{LENGTH_MAX:,} characters")
    odd = re.search(r"[^\x20-\x7e\n\t]", text)
    if odd:
        return Fault(odd.start(), odd.end(), Code.ODD_CHARACTER, *_odd_character(odd[0]))
    url = _URL.search(text)
    if url:
        hint = "name a channel; its address belongs in config.yaml"
        return Fault(url.start(), url.end(), Code.URL_IN_RULES, "a rule holds no addresses", hint)
    if len(_WORD.findall(text)) > WORDS_MAX:
        return _too_long(f"{WORDS_MAX} words and signs")
    if _nesting(text) > NESTING_MAX:
        return Fault(0, 1, Code.TOO_LONG, "the sentence is too deep to read", "name its parts with 'let'")
    return None


def _too_long(allowed: str) -> Fault:
    return Fault(0, 1, Code.TOO_LONG, f"a sentence has at most {allowed}", "use 'let', or split it")


def _odd_character(character: str) -> tuple[str, str]:
    plain = unicodedata.normalize("NFKC", character)
    name = unicodedata.name(character, "unnamed").lower()
    hint = f"write '{plain}'" if plain.isascii() and plain.isprintable() else "sentences are written in plain letters"
    return f"the character '{character}' ({name}) is not allowed in a sentence", hint


def _nesting(text: str) -> int:
    """How deep brackets, minus signs and `not` nest at most."""
    depth = deepest = run = 0
    for word in re.findall(r"[()]|not\b|-|[^\s()-]+", text):
        run = run + 1 if word in ("-", "not") else 0
        depth += (word == "(") - (word == ")")
        deepest = max(deepest, depth + run)
    return deepest
