"""Whether a tree fits a JSON schema: a quick yes or no. Only where it is no, jsonschema is asked what is wrong."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any

from rules_engine.language.tree import Listing, Node, Scalar
from rules_engine.language.tree import Mapping as MappingNode

Fits = Callable[[Node], bool]
Schema = Mapping[str, Any]

_SAYS_NOTHING = frozenset({"$schema", "title", "description", "examples", "default", "definitions"})
_ROOT = "#/definitions/"


def fitting(schema: Schema) -> Fits:
    """The check for a whole schema. Raises ValueError for a keyword that it does not know."""
    return _Compiler(schema).of(schema)


def _every(checks: Sequence[Fits]) -> Fits:
    def fits(node: Node) -> bool:
        for check in checks:  # noqa: SIM110  # A generator costs as much as the check itself.
            if not check(node):
                return False
        return True

    return fits


class _Compiler:
    """Schemas into checks; a definition becomes one check however often it is referred to."""

    def __init__(self, root: Schema) -> None:
        self._definitions: Schema = root.get("definitions", {})
        self._made: dict[str, Fits] = {}

    def of(self, schema: Schema) -> Fits:
        checks = [self._check(word, value, schema) for word, value in schema.items() if word not in _SAYS_NOTHING]
        known = tuple(check for check in checks if check is not None)
        return known[0] if len(known) == 1 else _every(known)

    def _check(self, word: str, value: Any, schema: Schema) -> Fits | None:
        match word:
            case "$ref":
                return self._referred(value.removeprefix(_ROOT))
            case "type":
                return _of_kind([value] if isinstance(value, str) else value)
            case "properties":
                return self._with_properties(value)
            case "additionalProperties" if value is False:
                known = frozenset(schema["properties"])
                return lambda node: (
                    not isinstance(node, MappingNode) or all(one.key.text in known for one in node.entries)
                )
            case "additionalProperties":
                inner, named = self.of(value), frozenset(schema.get("properties", ()))
                return lambda node: (
                    not isinstance(node, MappingNode)
                    or all(one.key.text in named or inner(one.value) for one in node.entries)
                )
            case "items":
                item = self.of(value)
                return lambda node: not isinstance(node, Listing) or all(map(item, node.items))
            case "allOf":
                parts = tuple(map(self.of, value))
                return _every(parts)
            case "not":
                refused = self.of(value)
                return lambda node: not refused(node)
            case _:
                return _of_value(word, value)

    def _referred(self, name: str) -> Fits:
        """Looked up when it is asked: definitions refer to themselves."""
        made = self._made

        def fits(node: Node) -> bool:
            if name not in made:
                made[name] = self.of(self._definitions[name])
            return made[name](node)

        return fits

    def _with_properties(self, properties: Schema) -> Fits:
        checks = {name: self.of(schema) for name, schema in properties.items()}

        def fits(node: Node) -> bool:
            if isinstance(node, MappingNode):
                for entry in node.entries:
                    check = checks.get(entry.key.text)
                    if check is not None and not check(entry.value):
                        return False
            return True

        return fits


def _of_value(word: str, value: Any) -> Fits:
    """Words about one value, or about how many there are. What they are not about fits."""
    match word:
        case "required":
            needed = frozenset(value)
            return lambda node: (
                not isinstance(node, MappingNode) or needed.issubset([one.key.text for one in node.entries])
            )
        case "enum":
            return lambda node: isinstance(node, Scalar) and any(_is_same(node.value, one) for one in value)
        case "pattern":
            search = re.compile(value).search
            return lambda node: (text := _text(node)) is None or (search(text) is not None and text[-1:] != "\n")
        case "minLength":
            return lambda node: (text := _text(node)) is None or len(text) >= value
        case "maxLength":
            return lambda node: (text := _text(node)) is None or len(text) <= value
        case "minItems":
            return lambda node: not isinstance(node, Listing) or len(node.items) >= value
        case "minProperties":
            return lambda node: not isinstance(node, MappingNode) or len(node.entries) >= value
        case "minimum":
            return lambda node: (number := _number(node)) is None or number >= value
        case "maximum":
            return lambda node: (number := _number(node)) is None or number <= value
        case "exclusiveMinimum":
            return lambda node: (number := _number(node)) is None or number > value
        case _:
            raise ValueError(f"the schema has a word that is not known here: {word}")


def _of_kind(kinds: Sequence[str]) -> Fits:
    wanted = frozenset(kinds)
    return lambda node: not wanted.isdisjoint(_kinds(node))


def _kinds(node: Node) -> tuple[str, ...]:
    """The schema's names for what the node is: a whole number is a number too."""
    if not isinstance(node, Scalar):
        return _KINDS[type(node)]
    value = node.value
    if isinstance(value, float) and not value.is_integer():
        return ("number",)
    return _KINDS[type(value)]


_KINDS: Mapping[type, tuple[str, ...]] = {
    Listing: ("array",),
    MappingNode: ("object",),
    NoneType: ("null",),
    bool: ("boolean",),
    str: ("string",),
    int: ("number", "integer"),
    float: ("number", "integer"),
}


def _is_same(value: object, other: object) -> bool:
    """True is not 1 here."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _number(node: Node) -> int | float | None:
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
