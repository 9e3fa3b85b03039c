"""Sentences into conditions and plans for the tests of evaluation."""

from typing import Any

from rules_engine.language.scope import Instruments, Scope
from rules_engine.language.sentences import parse_sentence
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.place import Place
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import Case, Rule

NEW_YORK = "America/New_York"
HERE = Place("test.yaml", 1, 1)
INSTRUMENTS = {
    "EUR": Instrument("EUR", Kind.FOREX, "EURUSD"),
    "SPX": Instrument("SPX", Kind.INDEX, "SPX"),
}


def condition(text: str, bars_s: float | None = None) -> Condition:
    found = _read(text, "condition", bars_s)
    assert isinstance(found, Condition)
    return found


def expression(text: str, bars_s: float | None = None) -> Expression:
    return _read(text, "value", bars_s)


def _read(text: str, kind: str, bars_s: float | None) -> Any:
    parsed = parse_sentence(text, kind, Scope(Instruments(INSTRUMENTS), NEW_YORK, {}, bars_s))
    assert not parsed.faults, (text, parsed.faults)
    return parsed.value


def rule(name: str, *when: str, bars_s: float | None = None, **words: Any) -> Rule:
    cases = tuple(Case(condition(text, bars_s), (), text, HERE) for text in when)
    for key in ("clears_when", "only_if", "cancel_when"):
        if isinstance(words.get(key), str):
            words[key] = condition(words[key], bars_s)
    return Rule(name, cases, HERE, NEW_YORK, bars_s=bars_s, **words)


def plan(name: str, *when: str, bars_s: float | None = None, **words: Any) -> Plan:
    return Plan(rule(name, *when, bars_s=bars_s, **words), Where.HERE, ())
