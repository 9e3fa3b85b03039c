"""Outcomes of rules into decisions: what is sent, or why nothing is, and who is told."""

from collections.abc import Callable
from dataclasses import replace

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.decision import Decision
from rules_engine.execution.ports import Market
from rules_engine.execution.resolve import Ending, resolve
from rules_engine.execution.risk import RiskGate
from rules_engine.execution.words import describe, order_words
from rules_engine.model.action import Notify
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.life import Arming
from rules_engine.model.notice import Notice
from rules_engine.model.order import Unit
from rules_engine.model.rule import Rule

SEND_WITHIN_S = 60.0

Wording = Callable[[Firing | HeldBack], Notice]
"""Puts an outcome into words; its channels are those that the firing itself goes to."""


def decide(
    firing: Firing,
    rule: Rule,
    market: Market,
    gate: RiskGate,
    book: Book,
    wording: Wording,
    *,
    now_s: float,
    dry: bool,
) -> Decision:
    """What comes of a firing that runs here. The gate is asked now, so that one message says it all, and again at the
    moment of sending."""
    case = rule.cases[firing.case]
    ending = None if rule.expires_s is None else Ending(rule.expires_s, rule.expires)
    resolved = resolve(case.actions, market, book.open, ending)
    if isinstance(resolved, Refusal):
        return hold_back(HeldBack(firing, resolved.reason, resolved.detail), rule, wording)
    if resolved.unit and (still := _still_held(rule, book)):
        return hold_back(HeldBack(firing, Reason.STILL_HELD, still), rule, wording)
    if refused := gate.check(resolved.unit, replace(book, open=resolved.rest), rule.name):
        return hold_back(HeldBack(firing, refused.reason, refused.detail), rule, wording)
    notice = wording(firing)
    if resolved.remarks:
        notice = replace(notice, text="\n".join((notice.text, *resolved.remarks)))
    if dry and resolved.unit:
        notice = replace(notice, text=f"{notice.text}\nDry run, would send: {describe(resolved.unit)}")
    return Decision(
        outcome=firing,
        unit=resolved.unit,
        cancels=resolved.cancels,
        notices=(notice,),
        channels=rule.notify,
        expires_s=_send_by_s(now_s, rule),
        digest=rule.digest,
    )


def hold_back(held: HeldBack, rule: Rule, wording: Wording) -> Decision:
    """A firing that a guard stopped: recorded and told, nothing else."""
    return Decision(held, notices=(wording(held),), channels=rule.notify, digest=rule.digest)


def decide_arming(arming: Arming, unit: Unit, rule: Rule, *, now_s: float) -> Decision:
    """A unit that waits at the broker for its trigger. Nobody is told before IB triggers it."""
    actions = rule.cases[arming.case].actions
    own = [action.channel for action in actions if isinstance(action, Notify)]
    return Decision(
        outcome=Firing(rule.name, arming.case, arming.at_s, actions=tuple(map(str, actions))),
        unit=unit,
        channels=tuple(dict.fromkeys((*rule.notify, *own))),
        expires_s=_send_by_s(now_s, rule),
        held=True,
        digest=rule.digest,
    )


def _still_held(rule: Rule, book: Book) -> str:
    """What IB may still fill of a version of the rule that ran there; empty when there is nothing."""
    entries = (one for one in book.open if one.rule == rule.name and one.held and not one.is_child)
    return "; ".join(order_words(one.draft) for one in entries)


def _send_by_s(now_s: float, rule: Rule) -> float | None:
    """How long the orders may wait for the link: as long as the rule lets a missed edge be acted on."""
    # By our own clock: the time of a print may be another clock's.
    missed = rule.if_missed
    within_s = missed.within_s if missed.act else SEND_WITHIN_S
    ends = [] if within_s is None else [now_s + within_s]
    return min([*ends, *([] if rule.expires_s is None else [rule.expires_s])], default=None)
