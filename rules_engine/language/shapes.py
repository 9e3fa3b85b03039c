"""Sentences that differ in their numbers and names only are parsed once: the tree of the first serves the others."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from lark import Token, Tree

SHAPES_MAX = 10_000
_NUMBER, _NAME = "NUMBER", "NAME"
# Only what is surely one token wherever it stands: a number that is no part of a date, a clock time or a length of
# time, and a name that begins with a capital, as no word of the language does.
_WORD = re.compile(
    r"(?<![\w.:-])(?:([0-9]+(?:\.[0-9]+)?)(?![\w.:-])(?![ \t\n]*(?:second|minute|hour|day))|([A-Z]\w*))", re.ASCII
)


class Word(NamedTuple):
    """The place of a number or a name in a shape, counted from 0."""

    place: int


Node = Tree[Any] | Token | Word | None
"""A part of a parsed sentence; words only in trees that are shared."""


class Shapes:
    """The sentences that were parsed, by kind and outline; the oldest of SHAPES_MAX make way.

    A shared tree has a Word in the place of each number and each name. Its positions are those of another sentence.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Tree[Any] | None] = {}

    def find(self, kind: str, text: str) -> tuple[Tree[Any], Sequence[Token]] | None:
        """The tree of a sentence that was learnt before, and the words that this one has in their places."""
        tree = self._known.get((kind, _outline(text)))
        if tree is None:
            return None
        return tree, [Token(_NUMBER if found[1] else _NAME, found[0]) for found in _WORD.finditer(text)]

    def learn(self, kind: str, text: str, tree: Tree[Any]) -> None:
        """Keeps the tree of a sentence in which nothing is wrong."""
        if len(self._known) >= SHAPES_MAX:
            del self._known[next(iter(self._known))]
        self._known[kind, _outline(text)] = _shared(text, tree)


def _outline(text: str) -> str:
    return _WORD.sub(lambda found: "0" if found[1] else "A", text)


def _shared(text: str, tree: Tree[Any]) -> Tree[Any] | None:
    """None when a word is not exactly one token of the tree: the same outline could then be read in another way."""
    words = {found.span(): Word(index) for index, found in enumerate(_WORD.finditer(text))}
    placed = set[Word]()

    def shared(node: Tree[Any]) -> Tree[Any]:
        children = [shared(child) if isinstance(child, Tree) else replaced(child) for child in node.children]
        return Tree(node.data, children, node.meta)

    def replaced(part: Token | None) -> Token | Word | None:
        word = words.get((part.start_pos or 0, part.end_pos or 0)) if isinstance(part, Token) else None
        if word is None:
            return part
        placed.add(word)
        return word

    found = shared(tree)
    return found if len(placed) == len(words) else None
