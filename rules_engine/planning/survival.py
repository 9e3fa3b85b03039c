"""What of a rule survives a stop of this program, of the gateway, and of the day."""

from collections.abc import Iterator

from rules_engine.model.action import Duration
from rules_engine.model.order import OrderDraft
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import IfMissed, OnGap, Rule
from rules_engine.planning.defaults import spell_if_missed


def survival(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What stops, and what then becomes of the rule."""
    parts = _at_broker if plan.where is Where.AT_BROKER else _here
    program, gateway, day = parts(plan)
    return (("this program stops", program), ("the gateway stops", gateway), ("the day ends", day))


def _at_broker(plan: Plan) -> tuple[str, str, str]:
    waits = any(case.arming is not None for case in plan.held)
    program = ["An order that was sent stays at IB and acts without us; the next start reads back what it did."]
    if waits:
        program.append("Before it was sent nothing waits at IB, and nothing happens while we are down.")
    if not plan.rule.once:
        program.append("The order after that is sent by this program: while it is down the rule acts once at most.")
    gateway = "IB holds the order, not the gateway: it acts meanwhile, and we hear of it when the gateway is back."
    return " ".join(program), gateway, _day_at_ib(plan)


def _day_at_ib(plan: Plan) -> str:
    entries = [leg for case in plan.held for leg in case.unit if leg.conditions]
    until = {str(entry.time_in_force) for entry in entries if _ends(entry)}
    again = (
        "Unless it fills on the day on which its condition was met, IB waits for the condition to be met again on a "
        "following day."
    )
    if until:
        return f"The order waits on, {' or '.join(sorted(until))}, and then ends. {again}"
    return f"The order waits on until it is cancelled. {again}"


def _ends(entry: OrderDraft) -> bool:
    return entry.time_in_force.duration is Duration.GOOD_TILL_DATE


def _here(plan: Plan) -> tuple[str, str, str]:
    rule = plan.rule
    kept = "The journal keeps whether it is done, its counts, its cooldown and the sides it has seen."
    program = f"Nothing is judged or sent while it is down. {kept} {_windows(plan)}{_missed(rule.if_missed)}"
    gateway = f"Without prices everything is unknown, and unknown never fires. {_gap(rule)}{_missed(rule.if_missed)}"
    return program, gateway, " ".join(_day_here(plan))


def _windows(plan: Plan) -> str:
    return "Its windows are filled again from IB's history. " if plan.history else ""


def _gap(rule: Rule) -> str:
    return {
        OnGap.BACKFILL: "Afterwards what was missed is filled in from IB's history where it is complete. ",
        OnGap.RESET: "Afterwards windows, durations and sides start anew. ",
        OnGap.KEEP: "Afterwards windows, durations and sides go on as if nothing had been missed. ",
    }[rule.on_gap]


def _missed(if_missed: IfMissed) -> str:
    if not if_missed.act:
        return "What became true meanwhile is told and not acted on."
    if if_missed.within_s is None:
        return "What became true meanwhile is acted on if it still holds, however late."
    within = spell_if_missed(if_missed).removeprefix("act within ")
    return f"What became true meanwhile is acted on if it still holds and is at most {within} old, else told."


def _day_here(plan: Plan) -> Iterator[str]:
    yield f"The rule stays armed{f' until {plan.rule.expires}' if plan.rule.expires else ''}."
    if plan.orders_in:
        yield "An order that it sent ends with its time in force: a day order ends with the day."
        yield "Where the market is closed at the moment of firing and `outside hours` is not written, it is held back."
