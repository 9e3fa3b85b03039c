"""Rules and the instruments that they connect into parts that have nothing to do with each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rules_engine.model.action import CancelOrders
from rules_engine.model.expression import Position, WorkingOrders
from rules_engine.model.instrument import Instrument
from rules_engine.model.plan import Plan
from rules_engine.model.settings import Limits
from rules_engine.replay.reads import reads_account, values_of
from rules_engine.replay.request import Request

_ACCOUNT = ("account", "")
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """The numbers of the plans, and of the recordings, that belong together."""

    plans: tuple[int, ...]
    recordings: tuple[int, ...]


def parts_of(request: Request) -> Sequence[Part]:
    """In the order of their first rules; recordings that no rule names come last, together.

    Two rules are connected when they name a common instrument, or one cancels the other's orders. Where a limit counts
    orders of all rules, or a rule reads the account, all that trade are connected.
    """
    plans = request.each[0]
    readers = {plan.rule.name for plan in plans if reads_account(plan.rule)}
    is_one_account = bool(readers) or _is_over_all(request.assumptions.limits)
    groups, every = _Groups(), dict[str, Instrument]()
    for plan in plans:
        named = {of.name: of for of in _instruments(plan)}
        every.update(named)
        groups.join(("rule", plan.rule.name), *_cancelled(plan), *(("instrument", name) for name in named))
        if is_one_account and (plan.orders_in or plan.rule.name in readers):
            groups.join(("rule", plan.rule.name), _ACCOUNT)
    for name, of in every.items():
        # Under two names it may be one contract, and orders in it count together.
        groups.join(("instrument", name), ("contract", repr(replace(of, name=""))))
    numbers: dict[_Key, tuple[list[int], list[int]]] = {}
    for number, plan in enumerate(plans):
        numbers.setdefault(groups.head(("rule", plan.rule.name)), ([], []))[0].append(number)
    unread = ("", "")
    for number, recording in enumerate(request.recordings):
        head = groups.head(("instrument", recording.instrument))
        numbers.setdefault(head if head in numbers else unread, ([], []))[1].append(number)
    return [Part(tuple(rules), tuple(read)) for rules, read in numbers.values()]


def request_of(request: Request, part: Part) -> Request:
    """What is asked about this part alone."""
    variants = [[plans[number] for number in part.plans] for plans in request.each]
    recordings = [request.recordings[number] for number in part.recordings]
    names = {recording.instrument for recording in recordings}
    names.update(of.name for plan in variants[0] for of in _instruments(plan))
    instruments = {name: of for name, of in request.instruments.items() if name in names}
    return replace(request, plans=variants[0], variants=variants, recordings=recordings, instruments=instruments)


def _is_over_all(limits: Limits) -> bool:
    counted = (limits.max_orders_per_day, limits.max_value_per_day, limits.max_open_value, limits.max_daily_loss)
    return any(limit is not None for limit in counted)


def _instruments(plan: Plan) -> Iterator[Instrument]:
    """All that the rule names."""
    yield from plan.reads
    yield from plan.orders_in
    yield from (value.instrument for value in values_of(plan.rule) if isinstance(value, Position | WorkingOrders))
    yield from (one.instrument for one in _cancels(plan) if one.instrument is not None)


def _cancelled(plan: Plan) -> Iterator[_Key]:
    """The rules whose orders it cancels."""
    yield from (("rule", one.rule) for one in _cancels(plan) if one.instrument is None)


def _cancels(plan: Plan) -> Iterator[CancelOrders]:
    actions = (action for case in plan.rule.cases for action in case.actions)
    return (action for action in actions if isinstance(action, CancelOrders))


class _Groups:
    """Which keys were joined, directly or through others."""

    def __init__(self) -> None:
        self._above: dict[_Key, _Key] = {}

    def head(self, key: _Key) -> _Key:
        """The same for all that are connected."""
        while (above := self._above.get(key, key)) != key:
            self._above[key] = self._above.get(above, above)
            key = above
        return key

    def join(self, *keys: _Key) -> None:
        for key in keys[1:]:
            self._above[self.head(key)] = self.head(keys[0])
