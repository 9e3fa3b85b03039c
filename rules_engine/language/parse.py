"""Single sentences, for tests and for programs that embed the engine."""

from collections.abc import Mapping

from rules_engine.language.grammar import ACTION, CONDITION, VALUE
from rules_engine.language.rendering import quote_lines
from rules_engine.language.scope import Instruments, Scope
from rules_engine.language.sentences import parse_sentence
from rules_engine.model.action import Action
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression, Named
from rules_engine.model.instrument import Instrument
from rules_engine.model.place import Place, Problem, RulesError


def parse_condition(
    text: str,
    instruments: Mapping[str, Instrument] | None = None,
    timezone: str = "UTC",
    *,
    lets: Mapping[str, Named] | None = None,
    bars_s: float | None = None,
) -> Condition:
    """The condition that a sentence means; names in capitals are US stocks unless given. Raises RulesError."""
    condition = _parsed(text, CONDITION, Scope(Instruments(instruments or {}), timezone, lets or {}, bars_s))
    assert isinstance(condition, Condition)
    return condition


def parse_action(
    text: str,
    instruments: Mapping[str, Instrument] | None = None,
    timezone: str = "UTC",
    *,
    lets: Mapping[str, Named] | None = None,
) -> Action:
    """The action that a sentence means. Raises RulesError."""
    action = _parsed(text, ACTION, Scope(Instruments(instruments or {}), timezone, lets or {}))
    assert isinstance(action, Action)
    return action


def parse_expression(
    text: str,
    instruments: Mapping[str, Instrument] | None = None,
    *,
    lets: Mapping[str, Named] | None = None,
    bars_s: float | None = None,
) -> Expression:
    """The value that a text means. Raises RulesError."""
    value = _parsed(text, VALUE, Scope(Instruments(instruments or {}), "UTC", lets or {}, bars_s))
    assert isinstance(value, Expression)
    return value


def _parsed(text: str, kind: str, scope: Scope) -> object:
    parsed = parse_sentence(text, kind, scope)
    if parsed.faults:
        problems = [
            Problem(
                Place("", 1, fault.start + 1, max(fault.end - fault.start, 1)), fault.code, fault.message, fault.hint
            )
            for fault in parsed.faults
        ]
        raise RulesError(quote_lines(problems, text))
    return parsed.value
