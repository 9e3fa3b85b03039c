"""The quick answer about the shape of a file is jsonschema's answer."""

import copy
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.language.fitting import fitting
from rules_engine.language.structure import CONFIG_SCHEMA, RULES_SCHEMA, _plain, _schema, _validator
from rules_engine.language.tree import Entry, Listing, Node, Scalar, read_tree
from rules_engine.language.tree import Mapping as MappingNode
from rules_engine.model.place import Place
from tests.language.bad_files import bad_files

_PLACE = Place("a.yaml", 1, 1)
_FULL = """\
version: 1
timezone: UTC
instruments: {ES: {symbol: ES, type: future, exchange: CME, expiry: 2030-12}}
defaults: {notify: phone, cooldown: 5m}
rules:
  - name: a
    when: {any: [V > 1, {not: MA < 2}]}
    do: [buy 1 MA, {buy: 1 MA, take_profit: +2%, stop: -1%}]
    let: {edge: 2}
    once: true
    active: {days: mon-fri, hours: 09:30-16:00}
  - name: b
    cases: [{when: V > 1, do: buy 1 MA}]
    at_most: 3 per day
"""
_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    2.5,
    -1,
    "",
    "1",
    "5m",
    "a\n",
    "x" * 300,
    [],
    {},
    [1],
    {"a": 1},
    [[]],
]


def _node(value: Any) -> Node:
    """Plain data as the tree that a file with it would have."""
    if isinstance(value, dict):
        return MappingNode(_PLACE, tuple(_entry(key, inner) for key, inner in value.items()))
    if isinstance(value, list):
        return Listing(_PLACE, tuple(map(_node, value)))
    return Scalar(_PLACE, str(value), value, str(value))


def _entry(key: str, value: Any) -> Entry:
    return Entry(Scalar(_PLACE, key, key, key), _node(value))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in _places(part, (*path, key)))]


def _agree(value: Any, schema: str) -> None:
    slow = not list(_validator(schema).iter_errors(value))
    assert fitting(_schema(schema))(_node(value)) is slow, value


@given(st.data())
def test_one_change_anywhere_in_a_file_is_judged_alike(data: st.DataObject) -> None:
    tree, _ = read_tree(_FULL, "a.yaml")
    assert tree is not None
    whole = copy.deepcopy(_plain(tree))
    path = data.draw(st.sampled_from(_places(whole)))
    value = data.draw(st.sampled_from(_VALUES))
    if not path:
        _agree(value, RULES_SCHEMA)
        return
    holder: Any = whole
    for step in path[:-1]:
        holder = holder[step]
    match data.draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            holder[path[-1]] = value
        case "remove":
            del holder[path[-1]]
        case _ if isinstance(holder, dict):
            holder[data.draw(st.sampled_from(["cooldwn", "when", "stop", "sequence", "at"]))] = value
        case _:
            holder.append(value)
    _agree(whole, RULES_SCHEMA)


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.stem)
def test_bad_files_are_judged_alike(path: Any) -> None:
    tree, _ = read_tree(path.read_bytes().decode("utf-8", "replace"), path.name)
    if tree is not None:
        for schema in (RULES_SCHEMA, CONFIG_SCHEMA):
            _agree(_plain(tree), schema)


def test_word_that_is_not_known_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="oneOf"):
        fitting({"oneOf": []})


@pytest.mark.parametrize(("extra", "asked"), [("", False), ("cooldwn: 5m, ", True)], ids=["right", "wrong"])
def test_jsonschema_is_asked_about_what_is_wrong_only(extra: str, asked: bool) -> None:
    text = f"version: 1\nrules:\n  - {{name: a, {extra}when: V > 1, do: buy 1 MA}}\n"
    program = (
        "import sys; from rules_engine.language import Source, load;"
        f"load([Source('a.yaml', {text.encode()!r})], now_s=0.0);"
        "print('jsonschema' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == str(asked)
