"""A `do:` as it stands in the file, sentences, brackets and groups, into actions."""

import re
from dataclasses import dataclass

from rules_engine.language.arithmetic import constant_value
from rules_engine.language.channels import check_channel
from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.grammar import ACTION, ENTRY, ENTRY_PRICE, VALUE
from rules_engine.language.nearest import listed
from rules_engine.language.scope import Scope
from rules_engine.language.sentences import parse_sentence
from rules_engine.language.tree import Listing, Mapping, Node, Scalar
from rules_engine.model.action import (
    Action,
    AtLimit,
    AtMarket,
    Bracket,
    CancelOrders,
    Notify,
    OneCancelsAll,
    PlaceOrder,
    Remaining,
    Side,
)
from rules_engine.model.direction import Amount
from rules_engine.model.expression import Expression, Number

_OFFSET = re.compile(r"([+-]?)\s*((?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?)\s*(%|points?)?", re.ASCII)
_BRACKET_KEYS = frozenset({"buy", "sell", "at", "take_profit", "stop", "targets"})
_GROUP_KEYS = frozenset({"one_cancels_all", "remaining"})


@dataclass(frozen=True, slots=True)
class Orderings:
    """What actions may name: ``channels`` None accepts any. ``cancelled`` collects rules that are named, for later."""

    channels: frozenset[str] | None
    cancelled: list[tuple[Scalar, str]]


def read_actions(node: Node, scope: Scope, known: Orderings, problems: Collector) -> tuple[Action, ...]:
    """The actions in order; empty when one of them is wrong, and ``problems`` says why."""
    items = node.items if isinstance(node, Listing) else (node,)
    actions = [_action(item, scope, known, problems) for item in items]
    return tuple(action for action in actions if action is not None) if None not in actions else ()


def _action(node: Node, scope: Scope, known: Orderings, problems: Collector) -> Action | None:
    if isinstance(node, Scalar):
        return _sentence(node, scope, known, problems)
    if isinstance(node, Mapping):
        return _mapping(node, scope, problems)
    return None


def _sentence(node: Scalar, scope: Scope, known: Orderings, problems: Collector) -> Action | None:
    action = _parsed(node, ACTION, scope, problems)
    if isinstance(action, Notify):
        check_channel(action.channel, node, known.channels, problems)
    if isinstance(action, CancelOrders) and action.rule:
        known.cancelled.append((node, action.rule))
    return action if isinstance(action, Action) else None


def _parsed(node: Node, kind: str, scope: Scope, problems: Collector) -> object:
    """What the sentence says; None when it is wrong or no text."""
    if not isinstance(node, Scalar) or not (isinstance(node.value, str) or kind == VALUE):
        return None
    parsed = parse_sentence(node.text, kind, scope)
    problems.add_faults(node, parsed.faults)
    return None if parsed.faults else parsed.value


def _mapping(node: Mapping, scope: Scope, problems: Collector) -> Action | None:
    keys = {entry.key.text for entry in node.entries}
    if keys & _BRACKET_KEYS and keys & _GROUP_KEYS:
        message = "a bracket and 'one_cancels_all' in one mapping"
        problems.add(node, Code.CONFLICTING_KEYS, message, "write them as two items of a list")
        return None
    return _group(node, scope, problems) if keys & _GROUP_KEYS else _bracket(node, scope, problems)


def _group(node: Mapping, scope: Scope, problems: Collector) -> OneCancelsAll | None:
    listing = node.get("one_cancels_all")
    if listing is None:
        problems.add(node, Code.MISSING_KEY, "'remaining' belongs to 'one_cancels_all'", "add 'one_cancels_all:'")
    if not isinstance(listing, Listing):
        return None
    orders = [_order_of_group(item, scope, problems) for item in listing.items]
    kept = tuple(order for order in orders if order is not None)
    remaining = node.get("remaining")
    word = remaining.text if isinstance(remaining, Scalar) else Remaining.CANCEL.value
    if len(kept) < len(orders) or word not in {choice.value for choice in Remaining}:
        return None
    return OneCancelsAll(kept, Remaining(word))


def _order_of_group(node: Node, scope: Scope, problems: Collector) -> PlaceOrder | None:
    action = _parsed(node, ACTION, scope, problems)
    if action is not None and not isinstance(action, PlaceOrder):
        problems.add(node, Code.BAD_ORDER, "a group holds new orders only", "write 'buy ...' or 'sell ...'")
    return action if isinstance(action, PlaceOrder) else None


def _bracket(node: Mapping, scope: Scope, problems: Collector) -> Bracket | None:
    entry = _entry(node, scope, problems)
    if node.get("take_profit") is None and node.get("stop") is None and node.get("targets") is None:
        hint = "add 'take_profit: +2%' or 'stop: -1.5%', or write the order as a sentence"
        problems.add(node, Code.BAD_BRACKET, "a bracket needs 'take_profit', 'stop' or both", hint)
        return None
    levels = {key: _level(node, key, scope, problems) for key in ("take_profit", "stop")}
    if entry is None or any(node.get(key) is not None and level is None for key, level in levels.items()):
        return None
    bracket = Bracket(entry, levels["take_profit"], levels["stop"])
    _refuse_wrong_side(bracket, node, problems)
    return bracket


def _entry(node: Mapping, scope: Scope, problems: Collector) -> PlaceOrder | None:
    sides = [entry for entry in node.entries if entry.key.text in ("buy", "sell")]
    if len(sides) != 1:
        code = Code.CONFLICTING_KEYS if sides else Code.MISSING_KEY
        problems.add(node, code, "a bracket has one of 'buy' and 'sell'", "write 'buy: 300 NVDA' or 'sell: 300 NVDA'")
        return None
    what = _parsed(sides[0].value, ENTRY, scope, problems)
    at = node.get("at")
    how = _parsed(at, ENTRY_PRICE, scope, problems) if at is not None else (AtMarket(), None, False)
    if not isinstance(what, tuple) or not isinstance(how, tuple):
        return None
    quantity, instrument = what
    pricing, time_in_force, outside_hours = how
    return PlaceOrder(Side(sides[0].key.text), quantity, instrument, pricing, time_in_force, outside_hours)


def _level(node: Mapping, key: str, scope: Scope, problems: Collector) -> Amount | Expression | None:
    """A price, or an offset from the entry that carries its sign and unit."""
    at = node.get(key)
    if not isinstance(at, Scalar):
        return None
    sign = "+" if key == "take_profit" else "-"
    found = _OFFSET.fullmatch(at.text.strip())
    if found is None or not (found[1] or found[3]):
        return _price(at, key, sign, scope, problems)
    given, number, unit = found[1], found[2], found[3]
    if not unit:
        hint = f"write '{at.text}%' or '{at.text} points'"
        problems.add(at, Code.UNIT_MISSING, f"'{at.text}' has a sign but no unit", hint)
    elif given != sign:
        what = "a profit is '+'" if sign == "+" else "a loss is '-'"
        problems.add(at, Code.BAD_BRACKET, f"{what}, also for a sell", f"write '{sign}{at.text.lstrip('+-')}'")
    elif float(number) == 0:
        problems.add(at, Code.NOT_POSITIVE, f"'{key}' is no distance at all", f"write '{sign}2%'")
    else:
        value = float(f"{given}{number}")
        return Amount(value / 100, relative=True) if unit == "%" else Amount(value, relative=False)
    return None


def _price(at: Scalar, key: str, sign: str, scope: Scope, problems: Collector) -> Expression | None:
    price = _parsed(at, VALUE, scope, problems)
    if isinstance(price, Number) and price.percent:
        hint = f"write '{sign}{str(price).lstrip('-')}'"
        problems.add(at, Code.BAD_BRACKET, f"'{key}' is a price, or an offset with its sign", hint)
        return None
    return price if isinstance(price, Expression) else None


def _refuse_wrong_side(bracket: Bracket, node: Mapping, problems: Collector) -> None:
    """Where entry and child are plain prices, the wrong side is seen before anything is sent."""
    pricing = bracket.entry.pricing
    entry = constant_value(pricing.limit) if isinstance(pricing, AtLimit) else None
    if entry is None:
        return
    upward = 1 if bracket.entry.side is Side.BUY else -1
    for key, level, way in (("take_profit", bracket.take_profit, upward), ("stop", bracket.stop, -upward)):
        price = constant_value(level) if isinstance(level, Expression) else None
        at = node.get(key)
        if price is not None and at is not None and (price - entry) * way <= 0:
            side = "above" if way > 0 else "below"
            message = f"'{key}' is on the wrong side of the entry"
            problems.add(at, Code.BAD_BRACKET, message, f"write a price {side} it, or {listed(['+2%', '-1.5%'])}")
