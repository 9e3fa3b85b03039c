"""The shape of a file against its JSON schema, as located problems in the user's words."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from rules_engine.language.codes import Code
from rules_engine.language.fitting import Fits, Schema, fitting
from rules_engine.language.nearest import listed, nearest
from rules_engine.language.tree import Listing, Node, Scalar, Value
from rules_engine.language.tree import Mapping as MappingNode
from rules_engine.model.place import Place, Problem

RULES_SCHEMA, CONFIG_SCHEMA = "rules.schema.json", "config.schema.json"

ERRORS_MAX = 500
UNKNOWN_KEYS_MAX = 60
"""Of mappings with unknown keys, and of keys in one mapping: more are not looked up."""

_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_BOUNDS = {
    "minimum": "is too small: at least {}",
    "exclusiveMinimum": "must be more than {}",
    "maximum": "is too large: at most {}",
    "maxLength": "is too long: at most {} characters",
}
_TOO_FEW = {"minItems", "minProperties", "minLength"}


def check_structure(root: Node, schema_name: str) -> tuple[Problem, ...]:
    """Everything about keys, kinds and spellings of values that the schema does not allow.

    What fits is not shown to jsonschema: importing it alone takes a third of a small check.
    """
    if _fits(schema_name)(root):
        return ()
    errors = list(islice(_validator(schema_name).iter_errors(_plain(root)), ERRORS_MAX))
    shapes = [_problem(error, root) for error in errors if error.validator not in ("additionalProperties", "required")]
    return (*shapes, *_key_problems(errors, root))


def prepare() -> None:
    """Loads now what else the first mistake in a file would load: for those who must not be held up by it later."""
    _validator(RULES_SCHEMA)


def schema_path(name: str) -> Path:
    """Where the schema lies: at the top of a checkout, inside the package of an installed wheel."""
    package = Path(__file__).parent.parent
    installed = package / "schemas" / name
    return installed if installed.exists() else package.parent / "schemas" / name


def _schema(name: str) -> Schema:
    schema: Schema = json.loads(schema_path(name).read_text(encoding="utf-8"))
    return schema


@cache
def _fits(name: str) -> Fits:
    return fitting(_schema(name))


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft7Validator, validators

    extend: Callable[..., Any] = validators.extend
    return extend(Draft7Validator, {"pattern": _whole_pattern})(_schema(name))


def _whole_pattern(validator: Any, pattern: str, instance: object, schema: Schema) -> Iterator[Any]:
    """As `pattern`, but `$` does not overlook a line break at the end."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and (re.search(pattern, instance) is None or instance.endswith("\n")):
        yield ValidationError("does not match")


def _plain(node: Node) -> object:
    match node:
        case Scalar(value=value):
            return value
        case Listing(items=items):
            return [_plain(item) for item in items]
        case MappingNode(entries=entries):
            return {entry.key.text: _plain(entry.value) for entry in entries}


def _node_at(root: Node, path: Iterable[str | int]) -> Node:
    node = root
    for step in path:
        if isinstance(node, Listing) and isinstance(step, int):
            node = node.items[step]
        elif isinstance(node, MappingNode) and isinstance(step, str):
            node = node.get(step) or node
    return node


def _problem(error: Any, root: Node) -> Problem:
    path = list(error.absolute_path)
    node = _node_at(root, path)
    what = _called(path)
    schema: Schema = error.schema
    match error.validator:
        case "type" if isinstance(node, Scalar) and node.value is None:
            return _empty(what, node)
        case "type":
            return Problem(node.place, Code.WRONG_KIND, *_wrong_kind(what, node, schema))
        case "enum":
            return Problem(node.place, Code.NOT_ALLOWED, *_not_allowed(what, error.instance, schema["enum"]))
        case "pattern":
            return Problem(
                node.place, Code.BAD_SHAPE, f"{what} cannot be '{_short(error.instance)}'", _examples(schema)
            )
        case "not":
            return Problem(
                _key_place(root, path), Code.NOT_IN_THIS_VERSION, f"{what} is not in this version", "remove it"
            )
        case rule if rule in _TOO_FEW and not error.instance:
            return _empty(what, node)
        case rule if rule in _TOO_FEW:
            message = f"{what} needs at least {error.validator_value} items"
            return Problem(node.place, Code.OUT_OF_RANGE, message, _examples(schema))
        case rule:
            bound = _BOUNDS[rule].format(error.validator_value)
            return Problem(node.place, Code.OUT_OF_RANGE, f"{what} {bound}", _examples(schema))


def _empty(what: str, node: Node) -> Problem:
    return Problem(node.place, Code.EMPTY_VALUE, f"{what} has no value", "write a value, or remove the line")


def _called(path: list[str | int]) -> str:
    """`'once'`, `an item of 'rules'`, `the file`."""
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return "the file"
    return f"an item of '{names[-1]}'" if isinstance(path[-1], int) else f"'{names[-1]}'"


def _wrong_kind(what: str, node: Node, schema: Schema) -> tuple[str, str]:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    wanted = " or ".join(_KINDS[kind] for kind in kinds)
    if kinds == ["string"] and isinstance(node, Scalar) and _kind_of(node) == "a number":
        return f"{what} cannot be a bare number", _examples(schema)
    if kinds == ["boolean"]:
        return f"{what} must be {wanted}, not {_kind_of(node)}", "write 'true' or 'false'"
    if "enum" in schema:
        return f"{what} must be {wanted}, not {_kind_of(node)}", f"write {listed(map(str, schema['enum']))}"
    return f"{what} must be {wanted}, not {_kind_of(node)}", _examples(schema)


def _kind_of(node: Node) -> str:
    if isinstance(node, Scalar):
        value: Value = node.value
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return "true or false"
        return "text" if isinstance(value, str) else "a number"
    return "a list" if isinstance(node, Listing) else "a mapping"


def _not_allowed(what: str, value: object, allowed: list[object]) -> tuple[str, str]:
    words = [str(word) for word in allowed]
    near = nearest(str(value), words)
    return f"{what} cannot be '{_short(value)}'", f"did you mean '{near}'?" if near else f"write {listed(words)}"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:40]}..."


def _examples(schema: Schema) -> str:
    examples = [str(example) for example in schema.get("examples", ())]
    return f"write it like {listed(examples)}" if examples else str(schema.get("description", ""))


def _key_problems(errors: list[Any], root: Node) -> Iterator[Problem]:
    """Unknown and missing keys. An unknown key close to a missing one is one problem, at the key."""
    missing: dict[tuple[str | int, ...], list[str]] = {}
    for error in errors:
        if error.validator == "required":
            absent = [key for key in error.validator_value if key not in error.instance]
            missing[tuple(error.absolute_path)] = absent
    extra = [error for error in errors if error.validator == "additionalProperties"]
    for error in extra[:UNKNOWN_KEYS_MAX]:
        path = tuple(error.absolute_path)
        yield from islice(_unknown_keys(error, _node_at(root, path), missing.get(path, [])), UNKNOWN_KEYS_MAX)
    for path, keys in missing.items():
        node = _node_at(root, path)
        for key in keys:
            what = "the file" if not path else _called(list(path))
            yield Problem(start_of(node), Code.MISSING_KEY, f"{what} needs the key '{key}'", f"add '{key}:'")


def _unknown_keys(error: Any, node: Node, missing: list[str]) -> Iterator[Problem]:
    assert isinstance(node, MappingNode)
    known = list(error.schema["properties"])
    for entry in node.entries:
        key = entry.key.text
        if key in known:
            continue
        near = nearest(key, missing) or nearest(key, [word for word in known if node.get(word) is None])
        if near in missing:
            missing.remove(near)
        hint = f"did you mean '{near}'?" if near else f"the keys here are {', '.join(known)}"
        yield Problem(entry.key.place, Code.UNKNOWN_KEY, f"unknown key '{key}'", hint)


def start_of(node: Node) -> Place:
    """A place that stands for the whole node: a mapping's first key."""
    return node.entries[0].key.place if isinstance(node, MappingNode) and node.entries else node.place


def _key_place(root: Node, path: list[str | int]) -> Place:
    parent = _node_at(root, path[:-1])
    entry = parent.entry(str(path[-1])) if isinstance(parent, MappingNode) else None
    return entry.key.place if entry else parent.place
