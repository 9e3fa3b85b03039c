"""A new set of rules on a running market: who stays, who changes, who starts anew."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.view import Key
from rules_engine.evaluation.watch import Role, Watch
from rules_engine.model.condition import Condition
from rules_engine.model.life import Life, Replaced
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import Rule
from rules_engine.model.slices import Slices

_JUDGING = (Role.CASE, Role.ARMING)
"""What the conditions of a rule are watched for; the others guard it."""
_KEPT_AT_ONCE = 20
"""So many rules are found to say the same in a step."""


class Reload:
    """First `building`, in slices, beside the rules in force; then `settle` at one moment, a microsecond or two a rule.

    ``to_arm`` start anew, by name; of those that go on with changed words ``to_wind`` need their timers set. ``gone``
    are the runs that are no more. ``come`` are the watches that are new, in order, by what they read; ``going_on`` the
    instruments that the watches read which go on for rules with other words.
    """

    def __init__(self, market: Market, old: Mapping[str, Run], plans: Sequence[Plan]) -> None:
        self._market = market
        self._old = old
        self._plans = plans
        self.runs: dict[str, Run] = {}
        self.gone: list[Run] = []
        self.come: dict[Key, list[Watch]] = {}
        self.going_on: set[str] = set()
        self.to_arm: dict[str, Run] = {}
        self.to_wind: list[Run] = []
        self.is_in_order = True
        """Whether those that stay follow one another as before."""
        self._kept: list[tuple[Run, Plan]] = []
        self._changed: dict[str, tuple[Run, Run]] = {}
        """What comes, and in whose place."""
        self._adapted: list[tuple[Run, Run]] = []
        """Those of them that judge as before."""
        self._moved: list[tuple[Run, int]] = []
        """Whose watches stay, at another place among all."""

    def building(self) -> Slices[None]:
        """Makes the runs of what is new or changed. Nobody hears of them, and they remember nothing yet."""
        for number, plan in enumerate(self._plans):
            name = plan.rule.name
            old = self._old.get(name)
            if old is None or not (old.plan is plan or _says_the_same(old.plan, plan)):
                self.runs[name] = self._build(plan, number, old)
                yield
            else:
                self.runs[name] = old
                self._kept.append((old, plan))
                self._place(old, number)
                if len(self._kept) % _KEPT_AT_ONCE == 0:
                    yield
        self.gone = [run for name, run in self._old.items() if self.runs.get(name) is not run]
        stay = [name for name in self._old if name in self.runs]
        self.is_in_order = stay == [name for name in self.runs if name in self._old]
        yield
        self._replaced = self._result()
        yield

    def _build(self, plan: Plan, number: int, old: Run | None) -> Run:
        if old is not None and _judges_the_same(old.plan, plan):
            run = Run(plan, self._market, Life(), old.watches_of(*_JUDGING))
            self._adapt(run, old, number)
        else:
            run = self.to_arm[plan.rule.name] = Run(plan, self._market, Life())
        for watch in run.watches:
            if watch.run is run:
                watch.order = (number, int(watch.role), watch.case)
                for key in watch.uses.keys:
                    self.come.setdefault(key, []).append(watch)
        if old is not None:
            self._changed[plan.rule.name] = run, old
        return run

    def _adapt(self, run: Run, old: Run, number: int) -> None:
        """Other words around the same conditions: what was known of these goes on."""
        self._adapted.append((run, old))
        self._place(run, number)
        for watch in run.watches:
            if watch.run is not run:
                self.going_on.update(name for name, _ in watch.uses.keys)
        if run.is_timed or any(watch.is_timed for watch in run.watches if watch.run is run):
            self.to_wind.append(run)

    def _place(self, run: Run, number: int) -> None:
        if run.watches and run.watches[-1].order[0] != number:
            self._moved.append((run, number))

    def settle(self) -> Replaced:
        """Gives what was built the memories that the old runs have at this moment."""
        for old, plan in self._kept:
            old.plan, old.rule = plan, plan.rule
        for run, number in self._moved:
            run.number(number)
        for run, old in self._changed.values():
            run.follow(old)
        woken = {run.rule.name for run, old in self._adapted if self._wakes(run, old)}
        if not woken:
            return self._replaced
        self.to_arm = {name: run for name, run in self.runs.items() if name in woken or name in self.to_arm}
        return self._result()

    def _wakes(self, run: Run, old: Run) -> bool:
        """Takes the watches over. Whether the rule listens to them from now on, and did not before."""
        run.take_watches(old)
        if not (run.is_timed or old.is_timed or run.rule.enabled is not old.rule.enabled):
            return False
        was_awake = old.awake
        return run.turn(self._market.now_s) or (run.awake and not was_awake)

    def _result(self) -> Replaced:
        kept = self.runs.keys() - self._changed.keys()
        return Replaced(
            added=tuple(name for name in self.to_arm if name not in self._old),
            removed=tuple(name for name in self._old if name not in self.runs),
            changed=tuple(self._changed),
            rearmed=tuple(name for name in self._changed if name in self.to_arm),
            unchanged=tuple(name for name in self._old if name in kept),
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


def _waiting(plan: Plan) -> tuple[Where, list[tuple[int, Condition | None, Condition | None]]]:
    """What must be seen before orders are placed at the broker. Prices in these may be rounded anew."""
    return plan.where, [(held.case, held.arming, held.again) for held in plan.held]
