"""How much of a position is left to close, and the orders that keep the rest."""

from collections.abc import Sequence
from decimal import Decimal

from rules_engine.execution.exposure import ContractOf, of_intents, pending
from rules_engine.execution.words import order_words
from rules_engine.model.action import Side
from rules_engine.model.instrument import Instrument
from rules_engine.model.intent import Intent

SHOWN_MAX = 3


def left_to_close(
    position: Decimal, instrument: Instrument, side: Side, working: Sequence[Intent], contract_of: ContractOf
) -> Decimal:
    """What an order of that side may close when every other one of ours fills first; zero or less for nothing.

    The children of an entry count in full, also while it has not filled: IB may tell its fill after the position.
    """
    held = position if side is Side.SELL else -position
    return held - pending(of_intents(working, contract_of), contract_of(instrument), side, children=True)


def keepers_words(instrument: Instrument, side: Side, working: Sequence[Intent], contract_of: ContractOf) -> str:
    """The orders that may close it already, and what to write to close it in spite of them; empty without any."""
    contract = contract_of(instrument)
    keepers = [one for one in working if one.draft.side is side and contract_of(one.draft.instrument) == contract]
    if not keepers:
        return ""
    shown = [f"{order_words(one.draft)} ({one.rule})" for one in keepers[:SHOWN_MAX]]
    more = [f"{len(keepers) - SHOWN_MAX} more"] if len(keepers) > SHOWN_MAX else []
    instead = f"cancel orders in {instrument.name}, close {instrument.name}"
    return f"orders that may close it are open: {'; '.join((*shown, *more))}. To close it now: [{instead}]"
