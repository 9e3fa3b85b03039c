"""A new set of rules on a running market: who stays, who changes, who starts anew."""

from collections.abc import Sequence
from dataclasses import replace

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.watch import Role
from rules_engine.model.condition import Condition
from rules_engine.model.life import Life, Replaced
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import Rule
from rules_engine.model.slices import Slices


class Reload:
    """First `building`, then `settle` at one moment. ``to_arm`` start anew; ``adapted`` go on with changed words, and
    need their timers set."""

    def __init__(self, market: Market, old: dict[str, Run], plans: Sequence[Plan]) -> None:
        self._market = market
        self._old = old
        self._plans = plans
        self._built: dict[str, tuple[Run, bool]] = {}
        """What is new or changed, and whether it judges as before."""
        self.runs: dict[str, Run] = {}
        self.to_arm: list[Run] = []
        self.adapted: list[Run] = []
        self._changed: list[str] = []

    def building(self) -> Slices[None]:
        """Makes the runs of what is new or changed. Nobody hears of them, and they remember nothing yet."""
        for plan in self._plans:
            old = self._old.get(plan.rule.name)
            if old is None or not (old.plan is plan or _says_the_same(old.plan, plan)):
                judges_the_same = old is not None and _judges_the_same(old.plan, plan)
                self._built[plan.rule.name] = Run(plan, self._market, Life()), judges_the_same
                yield

    def settle(self) -> Replaced:
        """Gives what was built the memories that the old runs have at this moment."""
        for plan in self._plans:
            name = plan.rule.name
            built = self._built.get(name)
            self.runs[name] = self._kept(plan) if built is None else self._take_over(*built)
        return self._result()

    def _kept(self, plan: Plan) -> Run:
        old = self._old[plan.rule.name]
        old.plan, old.rule = plan, plan.rule
        return old

    def _take_over(self, run: Run, judges_the_same: bool) -> Run:
        old = self._old.get(run.rule.name)
        if old is not None:
            self._changed.append(run.rule.name)
            life = renewed(old.life(self._market.now_s), run.rule)
            if judges_the_same:
                return self._adapt(old, run, life)
            run.take_up(replace(life, placed="") if life.placed else life)
        self.to_arm.append(run)
        return run

    def _adapt(self, old: Run, run: Run, life: Life) -> Run:
        """Other words around the same conditions: what was known of these goes on."""
        run.take_up(life)
        kept = (Role.CASE, Role.ARMING)
        run.watches = [*(watch for watch in run.watches if watch.role not in kept), *old.watches_of(*kept)]
        for watch in run.watches:
            watch.run = run
        run.since_s = old.since_s
        was_awake = old.awake
        if run.turn(self._market.now_s) or (run.awake and not was_awake):
            self.to_arm.append(run)
        else:
            self.adapted.append(run)
        return run

    def _result(self) -> Replaced:
        names, old = self.runs.keys(), self._old.keys()
        rearmed, changed = {run.rule.name for run in self.to_arm}, set(self._changed)
        return Replaced(
            added=tuple(name for name in self.runs if name not in old),
            removed=tuple(name for name in self._old if name not in names),
            changed=tuple(self._changed),
            rearmed=tuple(name for name in self._changed if name in rearmed),
            unchanged=tuple(name for name in self.runs if name in old and name not in changed),
        )


def renewed(life: Life, rule: Rule) -> Life:
    """What of a life the rule keeps: all of it while its conditions say the same, otherwise only its numbering."""
    if life.when_digest == rule.when_digest:
        return life
    return Life(seq=life.seq, when_digest=rule.when_digest, paused=life.paused)


def _says_the_same(old: Plan, new: Plan) -> bool:
    if _waiting(old) != _waiting(new):
        return False
    if new.rule.digest:
        return old.rule.digest == new.rule.digest
    return replace(old.rule, place=new.rule.place) == new.rule


def _judges_the_same(old: Plan, new: Plan) -> bool:
    if new.where is Where.AT_BROKER or _waiting(old) != _waiting(new):
        return False
    if (old.rule.stale_after_s, old.rule.on_gap) != (new.rule.stale_after_s, new.rule.on_gap):
        return False
    return [case.when for case in old.rule.cases] == [case.when for case in new.rule.cases]


def _waiting(plan: Plan) -> tuple[Where, list[tuple[int, Condition | None]]]:
    """What must be seen before orders are placed at the broker. Prices in these may be rounded anew."""
    return plan.where, [(held.case, held.arming) for held in plan.held]
