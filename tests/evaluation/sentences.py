"""Sentences into conditions and plans for the tests of evaluation."""

from typing import Any

from rules_engine.language import parse_condition, parse_expression
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.place import Place
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import Case, Rule
from rules_engine.planning.reads import reads_of

NEW_YORK = "America/New_York"
HERE = Place("test.yaml", 1, 1)
INSTRUMENTS = {
    "EUR": Instrument("EUR", Kind.FOREX, "EURUSD"),
    "SPX": Instrument("SPX", Kind.INDEX, "SPX"),
}


def condition(text: str, bars_s: float | None = None) -> Condition:
    return parse_condition(text, INSTRUMENTS, NEW_YORK, bars_s=bars_s)


def expression(text: str, bars_s: float | None = None) -> Expression:
    return parse_expression(text, INSTRUMENTS, bars_s=bars_s)


def rule(name: str, *when: str, bars_s: float | None = None, **words: Any) -> Rule:
    cases = tuple(Case(condition(text, bars_s), (), text, HERE) for text in when)
    for key in ("clears_when", "only_if", "cancel_when"):
        if isinstance(words.get(key), str):
            words[key] = condition(words[key], bars_s)
    return Rule(name, cases, HERE, NEW_YORK, bars_s=bars_s, **words)


def plan(name: str, *when: str, bars_s: float | None = None, **words: Any) -> Plan:
    of = rule(name, *when, bars_s=bars_s, **words)
    return Plan(of, Where.HERE, (), reads=reads_of(of).instruments)
