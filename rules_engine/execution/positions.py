"""What the account holds, as IB tells it, and whether our own fills are in that yet."""

import math
from dataclasses import dataclass
from decimal import Decimal

from rules_engine.model.clock import Clock
from rules_engine.model.reports import PositionReport, PositionsTold

SETTLED_AFTER_S = 10.0
"""A position that IB is asked for so long after a fill has that fill in it."""
AHEAD_S = 5.0
"""A position that moved at most so long before a fill was told may have moved for that fill."""
TELLING_S = 1.0
"""So soon after the position that it made a fill is told, as a rule."""
AGAIN_S = 5.0
"""IB is asked at most this often."""
CLOCKS_APART_S = 5.0
"""How far IB's time of an execution may be from ours."""
NO_CONTRACT = 0
"""Of a fill that IB told without its contract: it may be in any."""
_NEVER = -math.inf


@dataclass(slots=True)
class _Holding:
    """``owed`` is what our fills bought and the position does not show: less than zero where it shows more than our
    fills explain. ``settled_s`` is from when on IB's answer has the last of them, ``moved_s`` when it moved."""

    quantity: Decimal | None = None
    owed: Decimal = Decimal(0)
    settled_s: float = _NEVER
    moved_s: float = _NEVER


class Positions:
    """By IB's number of the contract. IB promises no order between an execution and the position that it makes.

    A position is unknown from the moment that a fill of ours is told until it has moved by that fill; or, where others
    trade too and the two never meet, until IB was asked for all positions SETTLED_AFTER_S later. One that moved first
    was known before.
    """

    def __init__(self, clock: Clock, filled_s: float | None = None) -> None:
        """``filled_s`` is the time of the newest fill of ours that was told before."""
        self._clock = clock
        self._holdings: dict[int, _Holding] = {}
        self._told_as_of_s = _NEVER
        self._unknown_until_s = _NEVER if filled_s is None else self._settled_s(filled_s)
        self._asked_s = _NEVER

    def of(self, contract_id: int) -> Decimal | None:
        """What the account holds of a contract; None while that is not known."""
        holding = self._holdings.get(contract_id)
        if holding is None or self._is_doubtful(holding) or self._unknown_until_s > self._told_as_of_s:
            return None
        return holding.quantity

    def is_ahead(self, contract_id: int) -> bool:
        """Whether it moved just now, and no fill of ours explains that yet: one may be about to be told."""
        holding = self._holdings.get(contract_id)
        return holding is not None and holding.owed != 0 and self._clock.now_s() - holding.moved_s < TELLING_S

    def due_s(self) -> float:
        """When IB should be asked for all positions, since one is in doubt: POSIX seconds, infinity where none is."""
        moments = [one.settled_s for one in self._holdings.values() if self._is_doubtful(one)]
        if self._unknown_until_s > self._told_as_of_s:
            moments.append(self._unknown_until_s)
        return max(min(moments, default=math.inf), self._asked_s + AGAIN_S)

    def asking(self) -> None:
        """IB is being asked for all positions."""
        self._asked_s = self._clock.now_s()

    def filled(self, contract_id: int, at_s: float, bought: Decimal) -> None:
        """An order of ours bought so much more, or sold it where less than zero, at ``at_s`` of IB's time at the
        earliest."""
        settled_s = self._settled_s(at_s)
        if contract_id == NO_CONTRACT:
            self._unknown_until_s = max(self._unknown_until_s, settled_s)
        elif settled_s > self._told_as_of_s:
            holding = self._holding(contract_id)
            self._forget_old(holding)
            holding.owed += bought
            holding.settled_s = max(holding.settled_s, settled_s)

    def told(self, report: PositionReport) -> None:
        """What the account holds of one contract now."""
        holding, now_s = self._holding(report.contract_id), self._clock.now_s()
        before, holding.quantity = holding.quantity, report.quantity
        if before is None or before == report.quantity:
            return
        self._forget_old(holding)
        if not self._is_doubtful(holding) and now_s > holding.settled_s:
            holding.settled_s = _NEVER  # No fill of ours is near: somebody else traded, or ours is still to be told.
        holding.owed -= report.quantity - before
        holding.moved_s = now_s

    def told_all(self, report: PositionsTold) -> None:
        """Every position was told, as of the moment when IB was asked."""
        self._told_as_of_s = max(self._told_as_of_s, report.asked_s)
        for holding in self._holdings.values():
            if _NEVER < holding.settled_s <= report.asked_s:
                holding.owed, holding.settled_s = Decimal(0), _NEVER

    def unseen(self) -> None:
        """Positions may change without a word from here on: none is known before IB is asked for all of them."""
        self._unknown_until_s = max(self._unknown_until_s, self._clock.now_s())

    def lost(self) -> None:
        """The connection is gone. What was in doubt stays so until IB is asked late enough."""
        self._told_as_of_s = _NEVER
        self._holdings = {number: one for number, one in self._holdings.items() if self._is_doubtful(one)}
        for holding in self._holdings.values():
            holding.quantity = None

    def _holding(self, contract_id: int) -> _Holding:
        return self._holdings.setdefault(contract_id, _Holding())

    def _is_doubtful(self, holding: _Holding) -> bool:
        return holding.owed != 0 and holding.settled_s > self._told_as_of_s

    def _settled_s(self, filled_s: float) -> float:
        """From when on IB's answer has a fill in it that was made at that time, or later."""
        return min(self._clock.now_s(), filled_s + CLOCKS_APART_S) + SETTLED_AFTER_S

    def _forget_old(self, holding: _Holding) -> None:
        """Moves of long ago explain no fill of now."""
        if not self._is_doubtful(holding) and self._clock.now_s() - holding.moved_s > AHEAD_S:
            holding.owed = Decimal(0)
