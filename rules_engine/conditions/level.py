"""A value against a constant, as IB holds it: at least or at most a price, a volume, a percentage."""

import math
from decimal import Decimal

from rules_engine.model.constant import constant, step_down, step_up
from rules_engine.model.expression import (
    AccountField,
    AccountReading,
    Expression,
    Named,
    Position,
    Reading,
    Series,
    WorkingOrders,
)
from rules_engine.model.holding import Obstacle, Terms
from rules_engine.model.instrument import Field, Instrument, Kind
from rules_engine.model.order import HeldCondition, HeldMargin, HeldPercentChange, HeldPrice, HeldVolume
from rules_engine.model.trigger_method import TriggerMethod

_BY_LAST = frozenset({Kind.STOCK, Kind.FUTURE, Kind.CFD, Kind.INDEX})
"""Kinds whose bare name IB can hold: they have a last price."""
_ANY_METHOD = frozenset(TriggerMethod)
_LEGAL_METHODS = {
    Kind.STOCK: _ANY_METHOD,
    Kind.FUTURE: _ANY_METHOD,
    Kind.CFD: _ANY_METHOD,
    Kind.OPTION: _ANY_METHOD,
    Kind.INDEX: frozenset({TriggerMethod.DEFAULT, TriggerMethod.LAST}),
    Kind.FOREX: _ANY_METHOD - {TriggerMethod.LAST, TriggerMethod.DOUBLE_LAST},
}
"""Source: https://interactivebrokers.github.io/tws-api/trigger_method_limit.html"""
_PRICES = frozenset({Field.LAST, Field.BID, Field.ASK, Field.MID, Field.MARK})
_WITH_VOLUME = frozenset({Kind.STOCK, Kind.FUTURE, Kind.OPTION})


def held_level(
    words: str, of: Expression, level: Expression, terms: Terms, *, at_least: bool, strict: bool = False
) -> HeldCondition | Obstacle:
    """IB's inclusive form of ``of`` >= (<=) ``level``, or > (<) when ``strict``. ``words`` are the sentence."""
    bound = constant(level)
    while isinstance(of, Named):
        of = of.of
    if bound is None:
        return Obstacle(words, "compares with a level that moves; IB holds constants only")
    match of:
        case Reading(instrument, Field.VOLUME, None):
            return _volume(words, instrument, bound, at_least, strict)
        case Reading(instrument, Field.CHANGE_TODAY, None):
            return _percent_change(words, instrument, bound, at_least, strict)
        case Reading(instrument, field, None) if field in _PRICES:
            return _price(words, instrument, field, bound, terms, at_least, strict)
        case AccountReading(AccountField.MARGIN_CUSHION):
            return _margin(words, bound, at_least, strict)
        case Reading() | AccountReading() | Position() | WorkingOrders():
            return Obstacle(words, f"reads {of}, which IB has no condition for")
        case Series():
            return Obstacle(words, "looks back; IB's conditions know the present value only")
        case _:
            return Obstacle(words, "computes a value; IB's conditions compare one price, volume or percentage")


def _price(
    words: str, instrument: Instrument, field: Field, bound: Decimal, terms: Terms, at_least: bool, strict: bool
) -> HeldCondition | Obstacle:
    method = _method(words, instrument, field, terms.method, rising=at_least)
    if isinstance(method, Obstacle):
        return method
    if not strict:
        return HeldPrice(instrument, at_least, bound, method)
    step = terms.price_step(instrument)
    if method is TriggerMethod.MIDPOINT:
        return Obstacle(words, "is strict, and a midpoint may lie between two price steps; write >= or <=")
    if step is None:
        why = f"is strict, and the price step of {instrument} is known only from its contract; write >= or <="
        return Obstacle(words, why)
    return HeldPrice(instrument, at_least, step_up(bound, step) if at_least else step_down(bound, step), method)


def _method(
    words: str, instrument: Instrument, field: Field, named: TriggerMethod | None, rising: bool
) -> TriggerMethod | Obstacle:
    kind = instrument.kind
    if kind is Kind.CONTRACT:
        return Obstacle(words, f"reads {instrument}, a bare contract number: what kind it is, is known only at IB")
    if named is not None:
        if named not in _LEGAL_METHODS.get(kind, ()):
            return Obstacle(words, f"uses '{named}', which IB does not offer for {_many(kind)}")
        quote = named.quote(rising)
        if field is not instrument.default_field and field is not quote:
            way = "rise" if rising else "fall"
            return Obstacle(words, f"reads {instrument}.{field}, and for a {way} IB's '{named}' watches the {quote}")
        return named
    if field is not Field.LAST:
        which = f"reads {instrument}.{field}" if field is not instrument.default_field else f"is about {_many(kind)}"
        return Obstacle(words, f"{which}, which IB holds only with a trigger method: add `using`")
    if kind not in _BY_LAST:
        return Obstacle(words, f"is about {_many(kind)}, which IB's conditions on the last price do not cover")
    return TriggerMethod.LAST


def _volume(
    words: str, instrument: Instrument, bound: Decimal, at_least: bool, strict: bool
) -> HeldCondition | Obstacle:
    if instrument.kind not in _WITH_VOLUME:
        return Obstacle(words, f"reads the volume of {_a(instrument.kind)}, which IB has no volume condition for")
    whole = math.floor(bound) if strict == at_least else math.ceil(bound)
    return HeldVolume(instrument, at_least, whole + (strict if at_least else -strict))


def _percent_change(
    words: str, instrument: Instrument, bound: Decimal, at_least: bool, strict: bool
) -> HeldCondition | Obstacle:
    if instrument.kind not in _BY_LAST:
        return Obstacle(words, f"reads the change of {_a(instrument.kind)}, which IB holds only for last prices")
    if strict:
        return Obstacle(words, "is strict, and a percentage has no next step; write >= or <=")
    return HeldPercentChange(instrument, at_least, Decimal(f"{(bound * 100).normalize():f}"))


def _margin(words: str, bound: Decimal, at_least: bool, strict: bool) -> HeldCondition | Obstacle:
    percent = bound * 100
    if strict:
        return Obstacle(words, "is strict, and IB compares margin cushion with whole percents; write >= or <=")
    if percent != int(percent):
        return Obstacle(words, "names a fraction of a percent; IB compares margin cushion with whole percents")
    return HeldMargin(at_least, int(percent))


def _a(kind: Kind) -> str:
    return f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind}"


def _many(kind: Kind) -> str:
    return {Kind.INDEX: "indexes", Kind.FOREX: "forex", Kind.CRYPTO: "crypto"}.get(kind, f"{kind}s")
