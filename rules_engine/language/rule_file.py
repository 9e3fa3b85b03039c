"""One rule file, from its bytes to its rules and tests."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rules_engine.language.action_nodes import Orderings
from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.instrument_nodes import read_instruments
from rules_engine.language.moments import is_timezone, machine_timezone
from rules_engine.language.rule_nodes import Surroundings, read_rule
from rules_engine.language.scope import Instruments
from rules_engine.language.structure import RULES_SCHEMA, check_structure
from rules_engine.language.text import Source, decode
from rules_engine.language.tree import Listing, Mapping, Node, Scalar, reading_tree
from rules_engine.model.place import Place
from rules_engine.model.rule import Rule
from rules_engine.model.slices import Slices

if TYPE_CHECKING:
    from rules_engine.model.rule_test import RuleTest


@dataclass(frozen=True, slots=True)
class FileContext:
    """What is known outside the files; see `load`."""

    channels: frozenset[str] | None
    now_s: float
    armed: frozenset[str]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file as read. ``mentioned`` are names of rules that it mentions, where they stand; ``declared`` likewise.

    ``sound`` are the rules in which nothing is wrong, whatever else may be wrong in the file.
    """

    name: str
    text: str
    rules: tuple[Rule, ...] = ()
    sound: tuple[Rule, ...] = ()
    tests: tuple["RuleTest", ...] = ()
    instruments: Instruments = field(default_factory=lambda: Instruments({}))
    declared: tuple[tuple[str, Place], ...] = ()
    mentioned: tuple[tuple[Scalar, str], ...] = ()


def reading_file(source: Source, context: FileContext, problems: Collector) -> Slices[RuleFile]:
    """The file's rules and tests, as far as they can be read; what is wrong goes to ``problems``."""
    text, refused = decode(source)
    problems.extend(refused)
    if refused:
        return RuleFile(source.name, text or source.data[:2000].decode("utf-8", "replace"))
    root, refused = yield from reading_tree(text, source.name)
    problems.extend(refused)
    if root is None:
        return RuleFile(source.name, text)
    misshapen = check_structure(root, RULES_SCHEMA)
    problems.extend(misshapen)
    if not isinstance(root, Mapping):
        return RuleFile(source.name, text)
    file = yield from _contents(source.name, text, root, context, problems)
    return replace(file, sound=()) if misshapen else file


def _contents(name: str, text: str, root: Mapping, context: FileContext, problems: Collector) -> Slices[RuleFile]:
    declared = root.get("instruments")
    instruments = Instruments(read_instruments(declared, problems))
    timezone = _timezone(root.get("timezone"), problems)
    defaults = root.get("defaults")
    words = {entry.key.text: entry.value for entry in defaults.entries} if isinstance(defaults, Mapping) else {}
    known = Orderings(context.channels, [])
    named = root.get("timezone") is not None
    around = Surroundings(instruments, timezone, words, known, context.now_s, context.armed, named)
    rules: list[Rule] = []
    sound: list[Rule] = []
    for item in _items(root.get("rules")):
        before = len(problems)
        if (rule := read_rule(item, around, problems)) is not None:
            rules.append(rule)
            sound += [rule] if len(problems) == before else []
        yield
    tests, tested = _tests(_items(root.get("tests")), instruments, timezone, problems)
    entries = declared.entries if isinstance(declared, Mapping) else ()
    return RuleFile(
        name,
        text,
        tuple(rules),
        tuple(sound),
        tests,
        instruments,
        tuple((entry.key.text, entry.key.place) for entry in entries),
        (*known.cancelled, *tested),
    )


def _tests(
    items: tuple[Node, ...], instruments: Instruments, timezone: str, problems: Collector
) -> tuple[tuple["RuleTest", ...], tuple[tuple[Scalar, str], ...]]:
    """The tests, and the rules that they mention: where, and by what name."""
    if not items:
        return (), ()
    # Imported only where there are tests: checking a file without any is quicker for it.
    from rules_engine.language.tape_nodes import read_test, tested_rules

    tests = [read_test(item, instruments, timezone, problems) for item in items]
    tested = tuple((name, name.text) for item in items for name in tested_rules(item))
    return tuple(test for test in tests if test is not None), tested


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Listing) else ()


def _timezone(node: Node | None, problems: Collector) -> str:
    if not isinstance(node, Scalar):
        return machine_timezone()
    if not is_timezone(node.text):
        hint = "write a name such as America/New_York or Europe/London"
        problems.add(node, Code.BAD_TIMEZONE, f"'{node.text[:64]}' is not a time zone", hint)
        return "UTC"
    return node.text
