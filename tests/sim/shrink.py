"""A seed that broke a promise, with as few causes as still break the same one."""

from collections.abc import Callable
from dataclasses import replace

from tests.sim.faults import FAULTS
from tests.sim.plan import History, Plan
from tests.sim.world import play

Say = Callable[[str], None]


def shrunk(plan: Plan, promise: str, say: Say = lambda text: None) -> Plan:
    """Drops kills, the user and one fault after the other, as long as the promise is broken all the same."""
    plan = replace(plan, stop_at_first=True, keep_log=False)
    for name, smaller in _without_agents(plan):
        plan = _keep_if_broken(plan, smaller, promise, name, say)
    present = [fault.name for fault in FAULTS if plan.has(fault.name)] if plan.badness > 0 else []
    size = len(present)
    while size := size // 2:
        for start in range(0, len(present), size):
            leave = frozenset(present[start : start + size]) - plan.without
            if leave:
                smaller = replace(plan, without=plan.without | leave)
                plan = _keep_if_broken(plan, smaller, promise, ", ".join(sorted(leave)), say)
    return replace(plan, stop_at_first=False)


def _without_agents(plan: Plan) -> list[tuple[str, Plan]]:
    return [
        ("kills", replace(plan, kills_per_hour=0.0)),
        ("the user", replace(plan, user_per_hour=0.0)),
        ("power cuts", replace(plan, power_cuts=0.0)),
    ]


def _keep_if_broken(plan: Plan, smaller: Plan, promise: str, name: str, say: Say) -> Plan:
    # Each agent has dice of its own, so that leaving one out does not change what the others do.
    merged = replace(
        plan,
        kills_per_hour=min(plan.kills_per_hour, smaller.kills_per_hour),
        user_per_hour=min(plan.user_per_hour, smaller.user_per_hour),
        power_cuts=min(plan.power_cuts, smaller.power_cuts),
        without=smaller.without | plan.without,
    )
    if merged == plan or not _breaks(play(merged), promise):
        return plan
    say(f"  also without {name}")
    return merged


def _breaks(history: History, promise: str) -> bool:
    return any(violation.promise == promise for violation in history.violations)
