"""What is open, and another edition would not have placed: found in slices before that edition is in force."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from rules_engine.daemon.endings import NOT_TRIGGERED
from rules_engine.execution.intents import Intents
from rules_engine.model.intent import Intent
from rules_engine.model.plan import Plan
from rules_engine.model.slices import Slices

_SORTED_AT_ONCE, _LOOKED_AT_ONCE = 100, 10


class Outdated:
    """First `looking`, in slices; then `units` at one moment, for which only legs that came, went or changed meanwhile
    are looked at again."""

    def __init__(
        self,
        intents: Intents,
        edited: Collection[str],
        plans: Mapping[str, Plan],
        steps: Mapping[str, Decimal] | None,
    ) -> None:
        """All of rules that were ``edited`` or removed goes. With other price ``steps`` also what the broker holds, and
        these ``plans`` would not place with them; unless some of it was triggered, which stays. None: they are the
        same."""
        self._intents = intents
        self._edited = frozenset(edited)
        self._plans = plans
        self._steps = steps
        self._seen: Mapping[int, Intent] = {}
        self._units: dict[str, set[int]] = {}
        self._triggered = set[str]()

    def looking(self) -> Slices[None]:
        """Looks at all that is open by now."""
        self._seen = self._open()
        by_rule = defaultdict[str, list[Intent]](list)
        for number, leg in enumerate(self._seen.values(), 1):
            by_rule[leg.rule].append(leg)
            if number % _SORTED_AT_ONCE == 0:
                yield
        for number, (rule, legs) in enumerate(by_rule.items(), 1):
            self._look_at(rule, legs)
            if number % _LOOKED_AT_ONCE == 0:
                yield

    def units(self) -> Mapping[str, set[int]]:
        """By rule: the numbers of its firings that are outdated."""
        before, self._seen = self._seen, self._open()
        for rule in {(before.get(leg) or self._seen[leg]).rule for leg in before.keys() ^ self._seen.keys()}:
            self._look_at(rule, self._intents.open_of(rule))
        return self._units

    @property
    def triggered(self) -> AbstractSet[str]:
        """Those of the rules of which the broker holds something that it has triggered."""
        return self._triggered

    def _open(self) -> Mapping[int, Intent]:
        """The legs that matter. An intent never changes: one that is written anew is another one."""
        legs = self._intents.open()
        return {id(leg): leg for leg in legs if self._steps is not None or leg.rule in self._edited}

    def _look_at(self, rule: str, legs: Sequence[Intent]) -> None:
        self._units.pop(rule, None)
        self._triggered.discard(rule)
        held = [leg for leg in legs if leg.held and not leg.is_child]
        is_triggered = any(leg.state not in NOT_TRIGGERED for leg in held)
        if rule in self._edited:
            gone = legs
        else:
            is_kept = is_triggered or not self._is_misplaced(legs, {leg.seq for leg in held})
            gone = [] if is_kept else [leg for leg in legs if leg.held]
        if gone:
            self._units[rule] = {leg.seq for leg in gone}
            if is_triggered:
                self._triggered.add(rule)

    def _is_misplaced(self, legs: Sequence[Intent], held: Collection[int]) -> bool:
        """Whether the broker holds another order for the rule than it should."""
        steps = self._steps
        return steps is not None and any(leg.seq in held and _is_misplaced(leg, self._plans, steps) for leg in legs)


def _is_misplaced(leg: Intent, plans: Mapping[str, Plan], steps: Mapping[str, Decimal]) -> bool:
    """Prices in it are rounded to other steps by now, or the broker can no longer hold it. What IB has not told the
    steps of yet may still be right."""
    plan = plans.get(leg.rule)
    if plan is None or any(leg.draft == held.unit[leg.leg] for held in plan.held if leg.leg < len(held.unit)):
        return False
    return all(named.name in steps for named in plan.reads | plan.orders_in)
