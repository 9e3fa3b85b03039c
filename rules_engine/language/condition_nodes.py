"""A `when:` as it stands in the file, sentence or mapping, into a condition."""

from rules_engine.conditions.logic import all_of, any_of, opposite_of
from rules_engine.conditions.phrase import Misspoken
from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.grammar import CONDITION
from rules_engine.language.scope import Scope
from rules_engine.language.sentences import parse_sentence
from rules_engine.language.tree import Entry, Listing, Mapping, Node, Scalar
from rules_engine.model.condition import Condition


def read_condition(node: Node, scope: Scope, problems: Collector) -> Condition | None:
    """The condition; None when it is wrong, and ``problems`` says why."""
    if isinstance(node, Scalar):
        return _sentence(node, scope, problems)
    if isinstance(node, Mapping):
        if len(node.entries) == 1:
            return _combined(node.entries[0], scope, problems)
        message = "a condition is a sentence, or one of 'all', 'any' and 'not'"
        problems.add(node, Code.CONFLICTING_KEYS, message, "keep one key, and put the rest inside it")
    return None


def read_state(node: Node, what: str, scope: Scope, problems: Collector) -> Condition | None:
    """A condition that must hold at a moment, so that it cannot be an event."""
    condition = read_condition(node, scope, problems)
    if condition is not None and condition.is_event:
        message = f"'{what}' is asked at one moment, and an event is over in a moment"
        problems.add(node, Code.EVENT_NOT_ALLOWED, message, "write a state, as in 'V > 200'")
        return None
    return condition


def _sentence(node: Scalar, scope: Scope, problems: Collector) -> Condition | None:
    if not isinstance(node.value, str):
        return None
    parsed = parse_sentence(node.text, CONDITION, scope)
    problems.add_faults(node, parsed.faults)
    return parsed.value if isinstance(parsed.value, Condition) and not parsed.faults else None


def _combined(entry: Entry, scope: Scope, problems: Collector) -> Condition | None:
    parts = entry.value.items if isinstance(entry.value, Listing) else (entry.value,)
    conditions = [read_condition(part, scope, problems) for part in parts]
    known = [condition for condition in conditions if condition is not None]
    if len(known) != len(parts) or not known:
        return None
    try:
        return _joined(entry.key.text, known)
    except Misspoken as error:
        wrong = parts[error.part or 0]
        code = Code.EVENT_NOT_ALLOWED if entry.key.text == "not" else Code.TWO_EVENTS
        problems.add(wrong, code, error.message, error.hint)
        return None


def _joined(word: str, conditions: list[Condition]) -> Condition | None:
    match word:
        case "all":
            return all_of(*conditions) if len(conditions) > 1 else conditions[0]
        case "any":
            return any_of(*conditions) if len(conditions) > 1 else conditions[0]
        case "not":
            return opposite_of(conditions[0])
        case _:
            return None
