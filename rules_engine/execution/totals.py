"""Limits over all orders of a day, of a rule, or of the account, rather than over one order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.execution.book import Book, Refusal
from rules_engine.execution.ports import Market
from rules_engine.execution.worst_price import worst_price, written_price
from rules_engine.model.expression import AccountField, AccountReading
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft, Unit
from rules_engine.model.order_words import plain
from rules_engine.model.settings import Limits

PROFIT_TODAY = AccountReading(AccountField.DAILY_PNL)


def orders_today(unit: Unit, book: Book, limits: Limits, rule: str) -> Refusal | None:
    """How many orders leave in a day, of all rules and of this one."""
    of_rule = sum(intent.rule == rule for intent in book.today)
    for name, most, before in (
        ("max_orders_per_day", limits.max_orders_per_day, book.sent_today),
        ("max_orders_per_rule_per_day", limits.max_orders_per_rule_per_day, of_rule),
    ):
        if most is not None and unit and before + len(unit) > most:
            return Refusal(Reason.OVER_LIMIT, f"{name} is {most}, this would be order {before + len(unit)}")
    return None


def values(unit: Unit, rule: str, book: Book, limits: Limits, market: Market) -> Refusal | None:
    """What orders are worth together: those of the day, this rule's of the day, and those that may still fill."""
    opening = [leg for leg in unit if not leg.closes]
    if not opening:
        return None
    of_rule = (intent for intent in book.today if intent.rule == rule)
    for name, most, before in (
        ("max_value_per_day", limits.max_value_per_day, _sent(book.today)),
        ("max_value_per_rule_per_day", limits.max_value_per_rule_per_day, _sent(of_rule)),
        ("max_open_value", limits.max_open_value, _waiting(book.open)),
    ):
        if most is None:
            continue
        sent = _sum(before, market, book)
        ours = _sum((_Amount(leg, leg.quantity) for leg in opening), market, book)
        if sent is None or ours is None:
            return Refusal(Reason.NO_PRICE, f"{name} cannot be checked: the worth of an order is not known")
        if (value := sent + ours) > most:
            return Refusal(Reason.OVER_LIMIT, f"{name} is {plain(most)}, it would come to {value:.2f}")
    return None


def loss_today(unit: Unit, limits: Limits, market: Market) -> Refusal | None:
    """What the account lost today, by IB's own count. Positions may still be closed."""
    most = limits.max_daily_loss
    if most is None or all(leg.closes for leg in unit):
        return None
    profit = market.read(PROFIT_TODAY)
    if profit is None:
        return Refusal(Reason.UNKNOWN_DATA, "max_daily_loss cannot be checked: IB has not told the profit of the day")
    if Decimal(str(profit)) > -most:
        return None
    return Refusal(Reason.OVER_LIMIT, f"max_daily_loss is {plain(most)}, the account has lost {-profit:.2f} today")


def loss_of_rule_today(
    unit: Unit, rule: str, book: Book, limits: Limits, market: Market, day_start_s: Callable[[], float]
) -> Refusal | None:
    """What the rule's own fills lost today. Positions may still be closed."""
    most = limits.max_daily_loss_per_rule
    if most is None or all(leg.closes for leg in unit):
        return None
    fills, since_s = book.profit_of(rule), day_start_s()
    profit = fills.today(market, since_s)
    if profit is None:
        names = ", ".join(fills.unknown(market, since_s))
        why = f"max_daily_loss_per_rule cannot be checked: {rule} has fills in {names}, of which there is no price"
        return Refusal(Reason.NO_PRICE, f"{why}. If there will be none, count them no more: rules resume {rule}")
    if profit > -most:
        return None
    why = f"max_daily_loss_per_rule is {plain(most)}, the fills of {rule} have lost {-profit:.2f} today"
    return Refusal(Reason.OVER_LIMIT, why)


@dataclass(frozen=True, slots=True)
class _Amount:
    """So much of an order, which is ``sent`` or still to be."""

    leg: OrderDraft
    quantity: Decimal
    sent: Intent | None = None


def _sent(today: Iterable[Intent]) -> Iterator[_Amount]:
    return (_Amount(intent.draft, intent.quantity, intent) for intent in today)


def _waiting(open_intents: Iterable[Intent]) -> Iterator[_Amount]:
    return (_Amount(intent.draft, intent.remaining, intent) for intent in open_intents)


def _sum(amounts: Iterable[_Amount], market: Market, book: Book) -> Decimal | None:
    """Children of brackets undo their entry, and closing orders a position: they add nothing."""
    total = Decimal(0)
    for one in amounts:
        if one.leg.parent is not None or one.leg.closes or not one.quantity:
            continue
        worth = _worth(one, market, book)
        if worth is None:
            return None
        total += one.quantity * worth
    return total


def _worth(one: _Amount, market: Market, book: Book) -> Decimal | None:
    """Of one share or contract, in the account's base currency; None when anything of it is unknown. What was sent when
    its market was known is worth its own price, or what it filled at, once nobody reads that market any more."""
    name = one.leg.instrument.name
    traded, quote = market.traded(name), market.quote(name)
    prices = () if quote is None else (quote.last, quote.ask, quote.bid)
    price = worst_price(one.leg, next((one for one in prices if one is not None), None))
    if one.sent is not None:
        traded = traded or book.traded_at_sending(name)
        price = price or written_price(one.leg) or one.sent.average_price
    rate = None if traded is None else market.exchange_rate(traded.currency)
    if traded is None or price is None or rate is None or rate <= 0:
        return None
    return abs(price) * traded.multiplier * rate
