"""How much orders on their way may still buy or sell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.model.action import Side
from rules_engine.model.intent import Intent
from rules_engine.model.order import OrderDraft, Unit


@dataclass(frozen=True, slots=True)
class Exposed:
    """One leg that may still fill by ``quantity``. Of the legs with the same ``group`` only one will."""

    draft: OrderDraft
    quantity: Decimal
    group: str


def of_unit(unit: Unit) -> Sequence[Exposed]:
    """The legs of a unit that has not been sent."""
    return [Exposed(draft, draft.quantity, draft.group) for draft in unit]


def of_intents(intents: Iterable[Intent]) -> Sequence[Exposed]:
    """What is open of these intents."""
    return [
        Exposed(intent.draft, intent.remaining, f"{intent.rule}.{intent.seq}.{group}" if group else "")
        for intent in intents
        if not intent.state.is_over
        for group in [intent.draft.group or _siblings(intent.draft)]
    ]


def pending(legs: Iterable[Exposed], instrument: str, side: Side, *, children: bool = False) -> Decimal:
    """The most that these legs may still buy (or sell).

    Children of brackets only ever undo their entries, and count when ``children`` asks for them.
    """
    single, grouped = Decimal(0), dict[str, Decimal]()
    for leg in legs:
        if leg.draft.instrument.name != instrument or leg.draft.side is not side:
            continue
        if leg.draft.parent is not None and not children:
            continue
        if leg.group:
            grouped[leg.group] = max(grouped.get(leg.group, Decimal(0)), leg.quantity)
        else:
            single += leg.quantity
    return single + sum(grouped.values(), Decimal(0))


def _siblings(draft: OrderDraft) -> str:
    # The children of one entry cancel each other at IB without being named as a group.
    return "" if draft.parent is None else f"children of {draft.parent}"
