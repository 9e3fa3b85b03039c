"""Contract details into what execution needs: price step, multiplier, currency, trading hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules_engine.broker.contracts import Qualified
from rules_engine.broker.library import ContractDetails, PriceIncrement
from rules_engine.broker.numbers import decimal_of, number_or_none
from rules_engine.model.instrument import Kind
from rules_engine.model.reports import Traded
from rules_engine.planning.ib_words import SECURITY_TYPES

_KINDS = {sec_type: kind for kind, sec_type in SECURITY_TYPES.items() if sec_type} | {"FOP": Kind.OPTION}
_ZONES = {"EST": "America/New_York", "CST": "America/Chicago", "MST": "America/Denver", "PST": "America/Los_Angeles"}
"""IB's short names of American zones observe summer time, unlike those of the zone database, if it has them."""


def traded(qualified: Qualified, increments: Iterable[PriceIncrement] = ()) -> Traded:
    """``increments`` is the market rule of the contract's exchange, empty where IB did not tell it."""
    contract, details = qualified.contract, qualified.details
    zone = zone_of(details.timeZoneId)
    return Traded(
        contract_id=contract.conId,
        min_tick=_price_step(details, increments),
        multiplier=Decimal(contract.multiplier or 1) / Decimal(details.priceMagnifier or 1),
        currency=contract.currency,
        kind=_KINDS.get(contract.secType, Kind.CONTRACT),
        symbol=contract.symbol,
        exchange=contract.exchange,
        sessions=sessions(details.liquidHours, zone),
        size_step=_size_step(details),
        min_size=_size(details.minSize),
    )


def market_rule(qualified: Qualified) -> int | None:
    """The number of the price rule that holds on the exchange where we order."""
    exchanges = qualified.details.validExchanges.split(",")
    rules = qualified.details.marketRuleIds.split(",")
    for exchange, rule in zip(exchanges, rules, strict=False):
        if exchange == qualified.contract.exchange and rule.isdigit():
            return int(rule)
    return None


def zone_of(name: str) -> tzinfo | None:
    """The exchange's time zone, None when its name means nothing to us; `EST (Eastern Standard Time)` is EST."""
    words = name.split()
    if not words:
        return None
    try:
        return ZoneInfo(_ZONES.get(words[0], words[0]))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def sessions(text: str, zone: tzinfo | None) -> tuple[tuple[float, float], ...]:
    """`20301122:0930-20301122:1600;20301123:CLOSED` as POSIX seconds; empty when it cannot be read.

    The older form `20301122:0930-1600,1630-1700` is read too.
    """
    if zone is None:
        return ()
    try:
        return tuple(_session(part, zone) for part in _open_parts(text))
    except (ValueError, OverflowError):
        return ()


def _open_parts(text: str) -> Iterable[str]:
    for day in text.split(";"):
        if day and not day.endswith("CLOSED"):
            date = day.partition(":")[0]
            for number, part in enumerate(day.split(",")):
                yield f"{date}:{part}" if number and ":" not in part else part


def _session(part: str, zone: tzinfo) -> tuple[float, float]:
    start, _, end = part.partition("-")
    if ":" not in end:
        end = f"{start.partition(':')[0]}:{end}"
    return _instant(start, zone), _instant(end, zone)


def _instant(text: str, zone: tzinfo) -> float:
    date, _, clock = text.partition(":")
    day = datetime.strptime(date, "%Y%m%d").replace(tzinfo=zone)
    # 2400 is the end of the day.
    hour, minute = int(clock[:2]), int(clock[2:])
    local = day.replace(hour=hour, minute=minute) if hour < 24 else day + timedelta(days=1)
    return local.astimezone(UTC).timestamp()


def _size_step(details: ContractDetails) -> Decimal:
    """Fractions of a share cannot be ordered through the API (10243), however small IB's own steps are."""
    step = _size(details.sizeIncrement)
    is_stock = details.contract is not None and details.contract.secType == "STK"
    return max(step, Decimal(1)) if is_stock else step


def _size(told: float) -> Decimal:
    """Zero where IB tells none."""
    return decimal_of(number_or_none(told) or 0.0)


def _price_step(details: ContractDetails, increments: Iterable[PriceIncrement]) -> Decimal:
    """The coarsest step of the price rule: a multiple of the finer ones, so never refused (110)."""
    steps = [decimal_of(one.increment) for one in increments if one.increment > 0]
    return max(steps) if steps else decimal_of(details.minTick)
