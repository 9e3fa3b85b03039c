"""What a rule is doing, in one word and one sentence."""

from rules_engine.evaluation.market import Market
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.watch import Role, Watch
from rules_engine.model.firing import Reason, RuleState
from rules_engine.model.life import RuleStatus
from rules_engine.model.plan import Where
from rules_engine.model.truth import Truth


def status_of(run: Run, market: Market, now_s: float) -> RuleStatus:
    """The rule's state as of now."""
    for watch in run.watches:
        watch.catch_up()
    state, since_s, why = _stopped(run, now_s) or _listening(run, market, now_s)
    return RuleStatus(run.rule.name, state, since_s, why)


Answer = tuple[RuleState, float, str]


def _stopped(run: Run, now_s: float) -> Answer | None:
    rule, since_s = run.rule, run.since_s
    if not rule.enabled:
        return RuleState.DISABLED, since_s, "`enabled: false`"
    if run.broken:
        return RuleState.BROKEN, since_s, run.broken
    if run.done:
        return RuleState.DONE, since_s, str(Reason.DONE)
    if run.placed:
        return RuleState.PLACED, since_s, "the broker holds its order"
    if run.expired:
        return RuleState.DONE, since_s, str(Reason.EXPIRED)
    if run.paused:
        return RuleState.PAUSED, since_s, str(Reason.PAUSED)
    if run.asleep:
        return RuleState.ASLEEP, since_s, "outside its `active` hours"
    return None


def _listening(run: Run, market: Market, now_s: float) -> Answer:
    watches = [watch for watch in run.watches_of(Role.CASE, Role.ARMING, Role.AGAIN) if run.listens(watch)]
    lost = next((watch for watch in watches if watch.gap_s is not None and _is_down(watch, market)), None)
    if lost is not None and lost.gap_s is not None:
        return RuleState.UNKNOWN, lost.gap_s, "its data is interrupted"
    if run.cooldown_until_s is not None and now_s < run.cooldown_until_s and run.tally.fired_s is not None:
        return RuleState.COOLING, run.tally.fired_s, f"deaf for another {run.cooldown_until_s - now_s:.0f} seconds"
    waiting = (watch for watch in watches if watch.verdict.truth is not Truth.TRUE)
    lasting = [since_s for watch in waiting if (since_s := watch.judge.lasting_since_s()) is not None]
    if lasting:
        return RuleState.PENDING, min(lasting), "its condition holds, and must last"
    if all(watch.verdict.truth is Truth.UNKNOWN for watch in watches):
        return RuleState.WARMING, run.since_s, "its values are not all known yet"
    return RuleState.ARMED, run.since_s, _waits_for(run, watches)


def _is_down(watch: Watch, market: Market) -> bool:
    return any(name in market.feeds and market.feeds[name].down for name, _ in watch.uses.keys)


def _waits_for(run: Run, watches: list[Watch]) -> str:
    if not run.cleared:
        return str(Reason.NOT_CLEARED)
    if run.plan.where is Where.AT_BROKER:
        return "waits to see the other side before its order is placed"
    if any(watch.known is Truth.TRUE for watch in watches):
        return "its condition is true, and must be seen false first"
    return "waits for its condition"
