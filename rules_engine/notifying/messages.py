"""What happened -> the notice that says so: short, plain, readable on a phone.

News of single orders (fills, rejections, unknown orders) is worded where it is committed, in execution.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rules_engine.model.action import Notify
from rules_engine.model.condition import instruments_of
from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import spell_number
from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.model.place import Problem
from rules_engine.model.rule import Rule, rule_conditions
from rules_engine.model.template import Template, fill, parse_template

PROBLEMS_SHOWN_MAX = 3
CHANGES_SHOWN_MAX = 10
NAMES_SHOWN_MAX = 20
TO_LIFT = "Orders leave again after: rules stop --lift"


def firing_notice(
    rule: Rule, firing: Firing, *, dry: bool = False, readings: Mapping[str, float] | None = None
) -> Notice:
    """A rule fired. ``readings`` are further values that its `message:` may name (`V.ask`, a `let`)."""
    case = rule.cases[firing.case]
    own = [action.channel for action in case.actions if isinstance(action, Notify)]
    text = _own_words(rule, firing, readings or {}) or firing_text(rule, firing, dry=dry)
    title = "fired (dry)" if dry else "fired"
    return _rule_notice(NoticeKind.FIRED, rule, title, text, "fired", firing.at_s, [*rule.notify, *own])


def firing_text(rule: Rule, firing: Firing, *, dry: bool = False) -> str:
    """The sentence that became true, what it read, what is done about it, and when."""
    doing = "; ".join(firing.actions)
    if dry and doing:
        doing = f"dry run, nothing is sent: {doing}"
    lines = (rule.cases[firing.case].text, _spell_values(firing.values), doing, _clock_time(rule, firing.at_s))
    return "\n".join(line for line in lines if line)


def held_back_notice(rule: Rule, held: HeldBack) -> Notice:
    """A rule became true and a guard stopped it."""
    missed = held.reason is Reason.MISSED
    why = f"{held.reason}: {held.detail}" if held.detail else str(held.reason)
    kind, title = (NoticeKind.MISSED, "missed") if missed else (NoticeKind.HELD_BACK, "held back")
    text = f"Nothing is sent: {why}.\n{firing_text(rule, held.firing)}"
    return _rule_notice(kind, rule, title, text, "held back", held.firing.at_s, rule.notify)


def dry_arming_notice(rule: Rule, firing: Firing, orders: str, channels: Iterable[str]) -> Notice:
    """A dry run would place ``orders`` at the broker for this rule."""
    text = f"{rule.cases[firing.case].text}\nDry run, would place at IB: {orders}"
    return _rule_notice(NoticeKind.PLACED, rule, "armed (dry)", text, "dry", firing.at_s, channels)


def broken_notice(rule: Rule, reason: str, at_s: float) -> Notice:
    """A rule needs its user."""
    text = f"{reason}\nNothing is sent for it until: rules rearm {rule.name}"
    return _rule_notice(NoticeKind.BROKEN, rule, "is broken", text, f"broken.{rule.name}.{at_s:.3f}", at_s, rule.notify)


def not_held_notice(rule: Rule, reasons: Sequence[str], channels: Iterable[str], at_s: float) -> Notice:
    """A rule that insists on the broker runs here: told once for each edition of the rule."""
    text = (
        "The broker cannot hold it with the price steps that IB tells, although it says 'run: at broker': "
        f"{'; '.join(reasons)}.\nIt is watched here instead, while this engine runs."
    )
    return _rule_notice(
        NoticeKind.ALARM, rule, "runs here", text, f"not held.{rule.name}.{rule.digest}", at_s, channels
    )


def reload_failed_notice(problems: Sequence[Problem], channels: Iterable[str], at_s: float) -> Notice:
    """An edited rule file was refused; the rules that ran go on."""
    shown = [f"{problem.place.file}:{problem.place.line}: {problem.message}" for problem in problems]
    return _engine_notice(
        NoticeKind.RELOAD_FAILED,
        "Rules not reloaded",
        "The rules that ran before go on unchanged.\n" + _few(shown, PROBLEMS_SHOWN_MAX),
        channels,
        at_s,
    )


def reloaded_notice(changes: Sequence[str], channels: Iterable[str], at_s: float) -> Notice:
    """New rules are in force; ``changes`` says which, a line each."""
    return _engine_notice(NoticeKind.RELOADED, "Rules reloaded", _few(changes, CHANGES_SHOWN_MAX), channels, at_s)


def connection_lost_notice(why: str, channels: Iterable[str], at_s: float) -> Notice:
    """IB cannot be reached."""
    text = f"{why}\nNo order is sent and no rule fires here until it is back. Orders held at the broker stay there."
    return _engine_notice(NoticeKind.CONNECTION_LOST, "Connection to IB lost", text, channels, at_s)


def connection_back_notice(down_s: float, channels: Iterable[str], at_s: float) -> Notice:
    """IB is back, and what it did meanwhile has been asked."""
    text = f"After {spell_duration(round(down_s))}. Orders and positions are compared before anything is sent."
    return _engine_notice(NoticeKind.CONNECTION_BACK, "Connection to IB is back", text, channels, at_s)


def data_paused_notice(instrument: str, why: str, channels: Iterable[str], at_s: float) -> Notice:
    """IB sends no data that we may act on."""
    text = f"{why}\nThe rules that read it wait."
    return _engine_notice(NoticeKind.DATA_PAUSED, f"No data for {instrument or 'any instrument'}", text, channels, at_s)


def data_back_notice(instrument: str, down_s: float, channels: Iterable[str], at_s: float) -> Notice:
    """The data that was gone comes again."""
    text = f"After {spell_duration(round(down_s))}. The rules that read it go on."
    title = f"Data for {instrument} is back" if instrument else "Data is back"
    return _engine_notice(NoticeKind.DATA_BACK, title, text, channels, at_s)


def contract_changed_notice(
    instrument: str, before: int, after: int, rules: Sequence[str], channels: Iterable[str], at_s: float
) -> Notice:
    """A name of the rules means another contract than before."""
    title = f"{instrument} means another contract"
    who = f"What these rules saw of the old one counts no more, they begin anew: {spell_names(rules)}." if rules else ""
    text = f"Contract number {after}, before {before}. {who}\nOrders and positions in the old one stay as they are."
    return _engine_notice(NoticeKind.CONTRACT_CHANGED, title, text, channels, at_s)


def clock_apart_notice(ahead_s: float, channels: Iterable[str], at_s: float) -> Notice:
    """This machine's clock differs from IB's, and not only for a moment."""
    way = "ahead of" if ahead_s > 0 else "behind"
    title = f"This computer's clock is {way} IB's by {spell_duration(round(abs(ahead_s)))}"
    text = "Times of day and trading hours go by it. A time service (NTP) sets it right and keeps it so."
    return _engine_notice(NoticeKind.CLOCK_APART, title, text, channels, at_s)


def clock_agrees_notice(apart_s: float, channels: Iterable[str], at_s: float) -> Notice:
    """The clocks agree again, after they were apart for ``apart_s`` seconds."""
    text = f"After {spell_duration(round(apart_s))}."
    return _engine_notice(NoticeKind.CLOCK_AGREES, "This computer's clock agrees with IB's again", text, channels, at_s)


def overload_notice(bound: int, rules: Sequence[str], channels: Iterable[str], at_s: float) -> Notice:
    """More prices come than can be looked at; ``rules`` are those that may miss something by that."""
    text = (
        f"More than {bound:,} wait. Of each instrument only the prices at which it turns are looked at now, or its"
        " lowest, highest and last where even those are too many. No level that is reached is missed by that, but where"
        " only three prices stay, what comes and goes between them is."
    )
    if rules:
        why = "since they look at every price, at times, or at two prices at once"
        text += f"\nThese rules may miss more, or fire late, {why}: {spell_names(rules)}"
    return _engine_notice(NoticeKind.OVERLOAD, "Too many prices", text, channels, at_s)


def overload_over_notice(count: int, lasted_s: float, channels: Iterable[str], at_s: float) -> Notice:
    """Every price is looked at again."""
    text = f"It took {spell_duration(max(round(lasted_s), 1))}; {count:,} prices were passed over."
    return _engine_notice(NoticeKind.OVERLOAD_OVER, "All prices are looked at again", text, channels, at_s)


def trading_stopped_notice(what: str, channels: Iterable[str], at_s: float) -> Notice:
    """Somebody pulled the kill switch; ``what`` says what that did."""
    return _engine_notice(NoticeKind.ALARM, "Kill switch is on", f"{TO_LIFT}\n{what}", channels, at_s)


def trading_resumed_notice(channels: Iterable[str], at_s: float) -> Notice:
    """The kill switch was released."""
    text = "Orders may leave again. Rules whose order at the broker was cancelled are armed with: rules rearm NAME"
    return _engine_notice(NoticeKind.ALARM, "Kill switch is off", text, channels, at_s)


def started_notice(summary: str, channels: Iterable[str], at_s: float) -> Notice:
    """The engine runs; ``summary`` says with what."""
    return _engine_notice(NoticeKind.STARTED, "Rules engine started", summary, channels, at_s)


def stopped_notice(summary: str, channels: Iterable[str], at_s: float) -> Notice:
    """The engine stops; ``summary`` says what stays alive at the broker."""
    return _engine_notice(NoticeKind.STOPPED, "Rules engine stopped", summary, channels, at_s)


def _rule_notice(
    kind: NoticeKind, rule: Rule, title: str, text: str, dedup: str, at_s: float, channels: Iterable[str]
) -> Notice:
    to = tuple(dict.fromkeys(channels))
    return Notice(kind, text, dedup, at_s, to, rule=rule.name, title=f"{rule.name} {title}")


def _engine_notice(kind: NoticeKind, title: str, text: str, channels: Iterable[str], at_s: float) -> Notice:
    return Notice(kind, text, f"{kind}.{at_s:.3f}.{title}", at_s, tuple(dict.fromkeys(channels)), title=title)


def _own_words(rule: Rule, firing: Firing, readings: Mapping[str, float]) -> str:
    """The rule's `message:` with its values; empty when it has none."""
    template = parse_template(rule.message) if rule.message is not None else None
    return fill(template, _template_values(rule, firing, readings)) if isinstance(template, Template) else ""


def spell_names(names: Sequence[str]) -> str:
    """Names of rules in a sentence: of very many the first ones."""
    rest = len(names) - NAMES_SHOWN_MAX
    return ", ".join(names[:NAMES_SHOWN_MAX]) + (f" and {rest:,} more" if rest > 0 else "")


def _template_values(rule: Rule, firing: Firing, readings: Mapping[str, float]) -> dict[str, float | str]:
    numbers = {**readings, **firing.values}
    for instrument in {found for condition in rule_conditions(rule) for found in instruments_of(condition)}:
        bare, dotted = instrument.name, f"{instrument.name}.{instrument.default_field}"
        for name, other in ((bare, dotted), (dotted, bare)):
            if name not in numbers and other in numbers:
                numbers[name] = numbers[other]
    values: dict[str, float | str] = dict(numbers)
    if firing.values:
        values.setdefault("price", next(iter(firing.values.values())))
    return values | {
        "rule": rule.name,
        "case": str(firing.case),
        "time": _clock_time(rule, firing.at_s),
        "order": "; ".join(firing.actions),
    }


def _spell_values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {spell_number(value)}" for name, value in values.items())


def _clock_time(rule: Rule, at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(rule.timezone)):%H:%M:%S %Z}"


def _few(lines: Sequence[str], count_max: int) -> str:
    rest = len(lines) - count_max
    return "\n".join([*lines[:count_max], *([f"and {rest} more"] if rest > 0 else [])])
