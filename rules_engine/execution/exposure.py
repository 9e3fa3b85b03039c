"""How much orders on their way may still buy or sell."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from rules_engine.execution.ports import Market, OrderLink
from rules_engine.model.action import Side
from rules_engine.model.instrument import Instrument
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderDraft, Unit
from rules_engine.model.reports import OrderReport

_UNSEEN = frozenset({IntentState.UNKNOWN, IntentState.ADOPTED})
"""What these have filled may not be known."""
ContractOf = Callable[[Instrument], Hashable]
"""What an instrument is, whatever it is called."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """One leg that may still fill by ``quantity``. Of the legs with the same ``group`` only one will."""

    draft: OrderDraft
    contract: Hashable
    quantity: Decimal
    group: str


def contract_in(market: Market | OrderLink, instrument: Instrument) -> Hashable:
    """The number of IB's contract: two names may mean one. Without a number the name itself."""
    traded = market.traded(instrument.name)
    return (traded.contract_id if traded else instrument.contract_id) or instrument.name


def is_one_contract(market: Market | OrderLink, one: Instrument, other: Instrument) -> bool:
    """Whether both mean the same, by IB's number or, where IB has not been asked about one, by what they say."""
    return contract_in(market, one) == contract_in(market, other) or replace(one, name=other.name) == other


def of_unit(unit: Unit, contract_of: ContractOf) -> Sequence[Exposed]:
    """The legs of a unit that has not been sent."""
    return [Exposed(draft, contract_of(draft.instrument), draft.quantity, draft.group) for draft in unit]


def of_intents(intents: Iterable[Intent], contract_of: ContractOf) -> Sequence[Exposed]:
    """What is open of these intents."""
    return [
        Exposed(
            intent.draft,
            contract_of(intent.draft.instrument),
            intent.remaining,
            f"{intent.rule}.{intent.seq}.{group}" if group else "",
        )
        for intent in intents
        if not intent.state.is_over
        for group in [intent.draft.group or _siblings(intent.draft)]
    ]


def awake(intents: Iterable[Intent]) -> Sequence[Intent]:
    """Without children that wait for an entry of which nothing has filled: they cannot fill before it does."""
    every = list(intents)
    asleep = {(one.rule, one.seq, one.leg) for one in every if one.filled == 0 and one.state not in _UNSEEN}
    return [one for one in every if (one.rule, one.seq, one.draft.parent) not in asleep]


def pending(legs: Iterable[Exposed], contract: Hashable, side: Side, *, children: bool = False) -> Decimal:
    """The most that these legs may still buy (or sell) of the contract.

    Children of brackets undo their entries, and count when ``children`` asks for them.
    """
    return _together(
        (leg.group, leg.quantity)
        for leg in legs
        if leg.contract == contract and leg.draft.side is side and (children or leg.draft.parent is None)
    )


def pending_of_others(reports: Iterable[OrderReport], contract: Hashable, side: Side) -> Decimal:
    """The most that orders which are not ours may still buy (or sell) of the contract."""
    return _together(
        (report.group, report.remaining)
        for report in reports
        if report.contract_id == contract and report.side == str(side)
    )


def _together(amounts: Iterable[tuple[str, Decimal]]) -> Decimal:
    """Of those with the same group only one counts, the largest."""
    single, grouped = Decimal(0), dict[str, Decimal]()
    for group, quantity in amounts:
        if group:
            grouped[group] = max(grouped.get(group, Decimal(0)), quantity)
        else:
            single += quantity
    return single + sum(grouped.values(), Decimal(0))


def _siblings(draft: OrderDraft) -> str:
    # The children of one entry cancel each other at IB without being named as a group.
    return "" if draft.parent is None else f"children of {draft.parent}"
