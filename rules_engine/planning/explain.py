"""A plan in plain words."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rules_engine.model.condition import Condition
from rules_engine.model.duration import spell_duration
from rules_engine.model.instrument import Instrument
from rules_engine.model.plan import HeldCase, History, Plan, Where
from rules_engine.model.rule import Case, IfAlreadyTrue, Rule
from rules_engine.planning.defaults import Default, defaults_of
from rules_engine.planning.order_words import unit_words
from rules_engine.planning.survival import survival

_WIDTH = 110


def explain(plan: Plan) -> str:
    """What the rule waits for, where it runs and why, the orders as IB gets them, every default, what survives."""
    where = "at the broker" if plan.where is Where.AT_BROKER else "here"
    sections = (
        ("waits for", tuple(_waiting(plan.rule))),
        (f"runs {where}, because", tuple(f"- {reason}" for reason in plan.reasons)),
        ("sends to IB", tuple(_held(plan.held))),
        ("needs", tuple(_needs(plan))),
        ("you did not write", _table([_row(default) for default in defaults_of(plan)])),
        ("when", _table(list(survival(plan)))),
    )
    disabled = [] if plan.rule.enabled else ["  is disabled: it is checked and never armed"]
    blocks = [f"  {title}\n{_indented(lines)}" for title, lines in sections if lines]
    return "\n".join([plan.rule.name, *disabled, *blocks])


def _waiting(rule: Rule) -> Iterator[str]:
    for case in rule.cases:
        yield case.text or str(case.when)
        yield f"  {meaning_of(case.when, rule)}"
        yield f"  then: {_actions(case)}"


def meaning_of(condition: Condition, rule: Rule) -> str:
    """Whether it is an event or a state, and what the moment of arming means for it."""
    again = "" if rule.once else ", each time anew"
    if condition.is_event:
        return f"an event: it acts when this happens{again}"
    already = {
        IfAlreadyTrue.WAIT: "if it is true from the start, it must be seen false first",
        IfAlreadyTrue.FIRE: "if it is true from the start, it acts at once",
        IfAlreadyTrue.REFUSE: "if it is true from the start, the rule is refused",
    }
    return f"a state: it acts when this becomes true{again}; {already[rule.if_already_true]}"


def _actions(case: Case) -> str:
    return "; ".join(map(str, case.actions))


def _held(cases: Sequence[HeldCase]) -> Iterator[str]:
    for case in cases:
        yield f"once seen here: {case.arming}" if case.arming is not None else "as soon as the rule is armed"
        yield from unit_words(case.unit)


def _needs(plan: Plan) -> Iterator[str]:
    if plan.reads:
        yield f"prices of {_names(plan.reads)}"
    if only_ordered := plan.orders_in - plan.reads:
        yield f"prices of {_names(only_ordered)}, to check orders against"
    yield from map(history_words, plan.history)


def history_words(history: History) -> str:
    """`history of V: 5m of prices`."""
    name = history.instrument.name
    of = name if history.field is history.instrument.default_field else f"{name}.{history.field}"
    if history.bar_s:
        return f"history of {of}: {history.bar_count} bars of {spell_duration(history.bar_s)}"
    return f"history of {of}: {spell_duration(history.duration_s)} of prices"


def _names(instruments: Iterable[Instrument]) -> str:
    return ", ".join(sorted(map(str, instruments)))


def _row(default: Default) -> tuple[str, str]:
    return default.key, default.value


def _table(rows: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Two columns, the second wrapped."""
    left = max((len(key) for key, _ in rows), default=0) + 2
    lines: list[str] = []
    for key, value in rows:
        first, *rest = wrap(value, _WIDTH - left) or [""]
        lines.append(f"{key:<{left}}{first}")
        lines += [" " * left + line for line in rest]
    return tuple(lines)


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
