"""One item of `rules:` with the file's defaults into a rule."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rules_engine.language.action_nodes import Orderings, read_actions
from rules_engine.language.channels import check_channel
from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.condition_nodes import read_condition, read_state
from rules_engine.language.digest import with_digests
from rules_engine.language.durations import BARS_S, read_duration
from rules_engine.language.grammar import VALUE
from rules_engine.language.instrument_nodes import check_name
from rules_engine.language.life import BadWord, read_active, read_at_most, read_if_missed
from rules_engine.language.moments import read_moment
from rules_engine.language.nearest import nearest
from rules_engine.language.scope import Instruments, Scope
from rules_engine.language.sentences import parse_sentence
from rules_engine.language.structure import start_of
from rules_engine.language.tree import Listing, Node, Scalar
from rules_engine.language.tree import Mapping as MappingNode
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression, Named, Reading
from rules_engine.model.instrument import Field, us_stock
from rules_engine.model.rule import ACT_SOON, Active, Case, IfAlreadyTrue, OnGap, Rule, Run

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ALTERNATIVES = {"cases": ("when", "do"), "when": ("cases",), "do": ("cases",)}
Word = TypeVar("Word")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule is read in: its file's instruments, zone and defaults, and what the whole set knows."""

    instruments: Instruments
    timezone: str
    defaults: Mapping[str, Node]
    known: Orderings
    now_s: float
    armed: frozenset[str]
    names_its_zone: bool = False
    """Whether the file says `timezone:`."""


def read_rule(node: Node, around: Surroundings, problems: Collector) -> Rule | None:
    """The rule; None when it is no mapping with a name. With problems recorded, it must not be used."""
    if not isinstance(node, MappingNode):
        return None
    name = node.get("name")
    if not isinstance(name, Scalar) or NAME.fullmatch(name.text) is None:
        if isinstance(name, Scalar):
            hint = "write 1 to 64 letters, digits, '-' and '_'"
            problems.add(name, Code.BAD_SHAPE, f"'{name.text[:64]}' cannot name a rule", hint)
        return None
    words = _merged(node, around.defaults)
    return _Words(words, node, around, problems).rule(name)


def _merged(node: MappingNode, defaults: Mapping[str, Node]) -> dict[str, Node]:
    """The rule's own words over the defaults; its own alternative drops the other one."""
    own = {entry.key.text: entry.value for entry in node.entries}
    dropped = {other for key in own for other in _ALTERNATIVES.get(key, ())}
    return {key: value for key, value in defaults.items() if key not in dropped} | own


class _Words:
    """Reads the keys of one rule."""

    def __init__(self, words: Mapping[str, Node], node: MappingNode, around: Surroundings, problems: Collector) -> None:
        self._words = words
        self._node = node
        self._around = around
        self._problems = problems
        self._scope = self._scoped()

    def rule(self, name: Scalar) -> Rule:
        expires_s = self._expires_s(name.text)
        cases = self._cases()
        made = partial(
            Rule,
            name=name.text,
            place=name.place,
            timezone=self._around.timezone,
            once=self._flag("once", otherwise=False),
            cooldown_s=self._duration_s("cooldown"),
            at_most=self._spelled("at_most", read_at_most, None),
            clears_when=self._condition("clears_when"),
            only_if=self._state("only_if"),
            cancel_when=self._condition("cancel_when"),
            active=self._active(),
            expires_s=expires_s,
            expires=self._text("expires") if expires_s is not None else "",
            if_already_true=self._choice("if_already_true", IfAlreadyTrue, IfAlreadyTrue.WAIT),
            on_gap=self._choice("on_gap", OnGap, OnGap.BACKFILL),
            if_missed=self._spelled("if_missed", read_if_missed, ACT_SOON),
            stale_after_s=self._duration_s("stale_after"),
            notify=self._notify(),
            message=self._message(),
            enabled=self._flag("enabled", otherwise=True),
            run=self._choice("run", Run, Run.AUTO),
            run_place=self._words["run"].place if "run" in self._words else None,
            bars_s=self._scope.bars_s,
            lets=tuple(self._scope.lets.values()),
            spelled=frozenset(self._words) | ({"timezone"} if self._around.names_its_zone else set()),
        )
        return with_digests(made, cases)

    def _scoped(self) -> Scope:
        """The rule's names. Each value under `let` may use those before it."""
        bars_s = self._duration_s("bars")
        lets: dict[str, Named] = {}
        scope = Scope(self._around.instruments, self._around.timezone, lets, bars_s if bars_s in BARS_S else None)
        node = self._words.get("let")
        for entry in node.entries if isinstance(node, MappingNode) else ():
            check_name(entry.key, "value", self._problems)
            if entry.key.text in self._around.instruments.declared_names():
                message = f"'{entry.key.text}' is an instrument of this file"
                self._problems.add(entry.key, Code.RESERVED_NAME, message, "give the value another name")
            # A value that is wrong stands for something that can be read, so that its name is not a second problem.
            value = self._value(entry.value, scope) or Reading(us_stock("V"), Field.LAST)
            lets[entry.key.text] = Named(entry.key.text, value)
        return scope

    def _value(self, node: Node, scope: Scope) -> Expression | None:
        if not isinstance(node, Scalar):
            return None
        parsed = parse_sentence(node.text, VALUE, scope)
        self._problems.add_faults(node, parsed.faults)
        return parsed.value if isinstance(parsed.value, Expression) else None

    def _cases(self) -> tuple[Case, ...]:
        cases = self._words.get("cases")
        if cases is None:
            return self._only_case()
        for key in ("when", "do"):
            entry = self._node.entry(key)
            if entry is not None:
                message = f"a rule has 'cases', or 'when' and 'do': '{key}' stands beside 'cases'"
                self._problems.add(entry.key, Code.CONFLICTING_KEYS, message, "move it into a case")
        items = cases.items if isinstance(cases, Listing) else ()
        read = [self._case(item.get("when"), item.get("do")) for item in items if isinstance(item, MappingNode)]
        return tuple(case for case in read if case is not None)

    def _only_case(self) -> tuple[Case, ...]:
        missing = [key for key in ("when", "do") if key not in self._words and not self._is_misspelled(key)]
        if missing:
            keys = " and ".join(f"'{key}'" for key in missing)
            message = f"the rule needs {keys}"
            hint = f"add '{missing[0]}:', or 'cases:'" if len(missing) == 2 else f"add '{missing[0]}:'"
            self._problems.add(start_of(self._node), Code.MISSING_KEY, message, hint)
        case = self._case(self._words.get("when"), self._words.get("do"))
        return (case,) if case is not None else ()

    def _is_misspelled(self, key: str) -> bool:
        """An unknown key close to a missing one is reported already, at the key."""
        return any(nearest(word, [key]) for word in self._words if word not in Rule.__dataclass_fields__)

    def _case(self, when: Node | None, do: Node | None) -> Case | None:
        condition = read_condition(when, self._scope, self._problems) if when is not None else None
        actions = read_actions(do, self._scope, self._around.known, self._problems) if do is not None else ()
        if condition is None or when is None or not actions:
            return None
        text = " ".join(when.text.split()) if isinstance(when, Scalar) else str(condition)
        return Case(condition, actions, text, when.place)

    def _condition(self, key: str) -> Condition | None:
        node = self._words.get(key)
        return read_condition(node, self._scope, self._problems) if node is not None else None

    def _state(self, key: str) -> Condition | None:
        node = self._words.get(key)
        return read_state(node, key, self._scope, self._problems) if node is not None else None

    def _text(self, key: str) -> str:
        node = self._words.get(key)
        return node.text if isinstance(node, Scalar) else ""

    def _flag(self, key: str, *, otherwise: bool) -> bool:
        node = self._words.get(key)
        return node.value if isinstance(node, Scalar) and isinstance(node.value, bool) else otherwise

    def _duration_s(self, key: str) -> float | None:
        node = self._words.get(key)
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return None
        seconds = read_duration(node.text)
        if seconds is None:
            hint = "write more than zero and at most 366 days, as in 30s, 5m or 1h30m"
            self._problems.add(node, Code.BAD_DURATION, f"'{node.text[:40]}' is not a length of time", hint)
        return seconds

    def _choice(self, key: str, choices: Callable[[str], Word], otherwise: Word) -> Word:
        try:
            return choices(self._text(key)) if key in self._words else otherwise
        except ValueError:
            # The schema lists the choices and has reported it.
            return otherwise

    def _spelled(self, key: str, read: Callable[[str], Word], otherwise: Word) -> Word:
        node = self._words.get(key)
        if not isinstance(node, Scalar):
            return otherwise
        try:
            return read(node.text)
        except BadWord as error:
            self._problems.add(node, Code.BAD_SHAPE, *error.args)
            return otherwise

    def _active(self) -> Active | None:
        node = self._words.get("active")
        if not isinstance(node, MappingNode):
            return None
        days, hours = (node.get(key) for key in ("days", "hours"))
        try:
            return read_active(*(part.text if isinstance(part, Scalar) else None for part in (days, hours)))
        except BadWord as error:
            self._problems.add(_holder(days, hours, str(error)) or node, Code.BAD_TIME, *error.args)
            return None

    def _expires_s(self, name: str) -> float | None:
        node = self._words.get("expires")
        if not isinstance(node, Scalar):
            return None
        moment = read_moment(node.text, self._around.timezone)
        if moment is None:
            self._problems.add(node, Code.BAD_TIME, f"'{node.text[:40]}' is no date and time", "write 2030-12-18 16:00")
        elif moment <= self._around.now_s:
            self._past(node, name)
        return moment

    def _past(self, node: Scalar, name: str) -> None:
        if name in self._around.armed:
            self._problems.warn(node, Code.EXPIRED, f"the rule '{name}' has expired and is done", "remove it")
        else:
            self._problems.add(node, Code.EXPIRED, f"'{node.text}' is in the past", "write a time to come")

    def _notify(self) -> tuple[str, ...]:
        node = self._words.get("notify")
        items = node.items if isinstance(node, Listing) else (node,)
        names = [item for item in items if isinstance(item, Scalar)]
        for item in names:
            check_channel(item.text, item, self._around.known.channels, self._problems)
        return tuple(item.text for item in names)

    def _message(self) -> str | None:
        node = self._words.get("message")
        if not isinstance(node, Scalar):
            return None
        # Imported only where there is a message: checking rules without any is quicker for it.
        from rules_engine.language.message import check_message

        self._problems.add_faults(node, check_message(node.text, self._scope))
        return node.text


def _holder(days: Node | None, hours: Node | None, message: str) -> Node | None:
    return days if "is not a day" in message else hours
