"""What the user wrote, parsed and valid."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum

from rules_engine.model.action import Action, expressions_of
from rules_engine.model.condition import Condition
from rules_engine.model.expression import Expression, Named
from rules_engine.model.place import Place


class IfAlreadyTrue(StrEnum):
    """What to do when a rule is armed while its condition holds."""

    WAIT = "wait"
    FIRE = "fire"
    REFUSE = "refuse"


class OnGap(StrEnum):
    """What happens to windows, `for` and sides after missing data."""

    BACKFILL = "backfill"
    RESET = "reset"
    KEEP = "keep"


class Run(StrEnum):
    """Where the user wants a rule to run; ``AUTO`` leaves it to the planner."""

    AUTO = "auto"
    AT_BROKER = "at broker"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class IfMissed:
    """An edge that fell inside a gap: acted on up to ``within_s`` later (None: however late), or only told."""

    act: bool = True
    within_s: float | None = 60.0


ACT_SOON = IfMissed()
"""What nobody wrote."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """At most ``count`` firings a calendar day in the file's timezone."""

    count: int


@dataclass(frozen=True, slots=True)
class Active:
    """When a rule is awake, in the file's timezone. ``days`` are 0 for Monday to 6; no hours means all day.

    Hours whose end comes first cross midnight and belong to the day on which they start.
    """

    days: frozenset[int]
    start: time | None = None
    end: time | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One way to fire: a condition and what is then done. ``text`` is the condition as the user wrote it."""

    when: Condition
    actions: tuple[Action, ...]
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``spelled`` names the keys that the rule, its file's defaults or its file wrote; the rest are ours.

    ``digest`` is a hash of what the rule says, ``when_digest`` of its conditions alone: equal digests mean the same
    rule, wherever it stands and however it is laid out.
    """

    name: str
    cases: tuple[Case, ...]
    place: Place
    timezone: str
    digest: str = ""
    when_digest: str = ""
    once: bool = False
    cooldown_s: float | None = None
    at_most: AtMost | None = None
    clears_when: Condition | None = None
    only_if: Condition | None = None
    cancel_when: Condition | None = None
    active: Active | None = None
    expires_s: float | None = None
    expires: str = ""
    if_already_true: IfAlreadyTrue = IfAlreadyTrue.WAIT
    on_gap: OnGap = OnGap.BACKFILL
    if_missed: IfMissed = ACT_SOON
    stale_after_s: float | None = None
    notify: tuple[str, ...] = ()
    message: str | None = None
    enabled: bool = True
    run: Run = Run.AUTO
    run_place: Place | None = None
    """Where `run:` was written; None where it was not."""
    bars_s: float | None = None
    lets: tuple[Named, ...] = ()
    spelled: frozenset[str] = field(default_factory=frozenset)


def rule_conditions(rule: Rule) -> tuple[Condition, ...]:
    """Every condition of the rule, outermost ones only."""
    extra = (rule.clears_when, rule.only_if, rule.cancel_when)
    return (*(case.when for case in rule.cases), *(condition for condition in extra if condition is not None))


def expressions_outside(rule: Rule) -> Iterator[Expression]:
    """The values that the rule computes outside its conditions."""
    yield from rule.lets
    for case in rule.cases:
        for action in case.actions:
            yield from expressions_of(action)
