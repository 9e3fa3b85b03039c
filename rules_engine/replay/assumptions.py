"""What a backtest takes for granted about trading: spread, commission, capital, limits."""

import re
from dataclasses import dataclass, field

from rules_engine.model.expression import spell_number
from rules_engine.model.instrument import Kind
from rules_engine.model.settings import Limits

_CHARGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount of money a unit, or a share of the price when ``relative`` (0.01 is one percent)."""

    value: float
    relative: bool = False

    def of(self, price: float) -> float:
        return self.value * price if self.relative else self.value

    def __str__(self) -> str:
        return f"{spell_number(self.value * 100)}%" if self.relative else spell_number(self.value)


def read_charge(text: str) -> Charge | None:
    """`0.02` is an amount a unit, `0.02%` a share of the price; None when the text is neither."""
    found = _CHARGE.fullmatch(text.strip())
    if found is None:
        return None
    return Charge(float(found[1]) / 100, True) if found[2] else Charge(float(found[1]))


@dataclass(frozen=True, slots=True)
class Assumptions:
    """``spread`` is from bid to ask, where prices have no quotes of their own.

    ``commission`` is a unit's; None is IB's usual one for the kind of instrument. ``capital`` is the account's at the
    start.
    """

    spread: Charge = Charge(0.0002, True)
    commission: Charge | None = None
    capital: float = 1_000_000.0
    limits: Limits = field(default_factory=Limits)

    def commission_of(self, kind: Kind, quantity: float, price: float) -> float:
        """What one fill costs, in the instrument's currency; ``price`` is one unit's."""
        if self.commission is not None:
            return quantity * self.commission.of(price)
        match kind:
            case Kind.STOCK | Kind.CFD:
                return max(1.0, 0.005 * quantity)
            case Kind.FOREX:
                return max(2.0, 0.00002 * quantity * price)
            case Kind.CRYPTO:
                return 0.0018 * quantity * price
            case Kind.OPTION:
                return max(1.0, 0.65 * quantity)
            case _:
                return 2.25 * quantity

    def words(self) -> tuple[str, ...]:
        """The assumptions as sentences, for the reader of a report."""
        cost = (
            "commission as IB's fixed rates: stocks 0.005 a share, at least 1 an order"
            if self.commission is None
            else f"commission {self.commission} {'of the value' if self.commission.relative else 'a unit'}"
        )
        return (
            "orders fill whole, at the first price of their instrument at a later instant than the firing",
            f"buys at the ask, sells at the bid: those of the data, else {self.spread} apart around each print",
            "a limit that waited fills at its price, a stop at the price that elects it",
            cost,
            "markets never close; an order for the day ends at midnight in New York, but not before its first price",
            f"capital {spell_number(self.capital)}; all currencies count as one; no interest, dividends or margin",
        )
