"""What the limits are checked against besides the market, and what comes of the check."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from rules_engine.execution.rule_profit import RuleProfit
from rules_engine.model.firing import Reason
from rules_engine.model.intent import Intent
from rules_engine.model.reports import OrderReport, Traded


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is held back; ``detail`` names the limit and the figures."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Book:
    """Our own orders besides the unit in question: those open, those sent in the last minute, and those of today.

    ``profit_of`` a rule is what its own fills came to. ``others`` are open orders of the account that are not ours, as
    far as IB has told them; it was asked at ``others_s``. ``traded_at_sending`` is what IB said of an instrument, by
    name, when an order in it last left: no rule may name it any more. ``unmarked`` has the keys of open orders that are
    to be cancelled although they do not say so yet.
    """

    open: Sequence[Intent] = ()
    recent: Sequence[Intent] = ()
    today: Sequence[Intent] = ()
    profit_of: Callable[[str], RuleProfit] = lambda rule: RuleProfit()
    others: Sequence[OrderReport] = ()
    others_s: float = 0.0
    traded_at_sending: Callable[[str], Traded | None] = lambda name: None
    unmarked: Container[str] = ()

    @property
    def sent_today(self) -> int:
        """How many orders left in the day of New York."""
        return len(self.today)
