"""The keys of a rule that need us at the moment of firing."""

from collections.abc import Iterator

from rules_engine.model.duration import spell_duration
from rules_engine.model.holding import Obstacle
from rules_engine.model.rule import Active, IfAlreadyTrue, Rule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def obstacles_of_life(rule: Rule) -> Iterator[Obstacle]:
    """Every key of the rule's life that keeps it here, as the user wrote it."""
    if rule.only_if is not None:
        yield Obstacle(f"only_if: {rule.only_if}", "is checked at the moment of firing")
    if rule.cooldown_s is not None:
        yield Obstacle(f"cooldown: {spell_duration(rule.cooldown_s)}", "is kept here")
    if rule.at_most is not None:
        yield Obstacle(f"at_most: {rule.at_most.count} per day", "is counted here")
    if rule.active is not None:
        yield Obstacle(f"active: {spell_active(rule.active)}", "is a timetable, which IB does not keep")
    if rule.clears_when is not None:
        yield Obstacle(f"clears_when: {rule.clears_when}", "is watched here between firings")
    if rule.cancel_when is not None:
        yield Obstacle(f"cancel_when: {rule.cancel_when}", "is watched here")
    if rule.stale_after_s is not None:
        yield Obstacle(f"stale_after: {spell_duration(rule.stale_after_s)}", "judges our own feed")
    if rule.if_already_true is IfAlreadyTrue.REFUSE:
        yield Obstacle("if_already_true: refuse", "is decided here when the rule is armed")
    if len(rule.cases) > 1 and not rule.once:
        yield Obstacle("cases", "without `once` share a life that is kept here")


def spell_active(active: Active) -> str:
    """`mon-fri 09:45-15:30`."""
    days = sorted(active.days)
    runs = len(days) > 2 and days == list(range(days[0], days[-1] + 1))
    words = f"{_DAYS[days[0]]}-{_DAYS[days[-1]]}" if runs else ", ".join(_DAYS[day] for day in days)
    if active.start is None or active.end is None:
        return words
    return f"{words} {active.start:%H:%M}-{active.end:%H:%M}"
