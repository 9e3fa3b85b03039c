"""Which contracts may be ordered in: the settings say what they are, since rule files decide what they are called."""

from rules_engine.execution.book import Refusal
from rules_engine.model.firing import Reason
from rules_engine.model.instrument import Kind
from rules_engine.model.order import OrderDraft
from rules_engine.model.reports import Traded
from rules_engine.model.settings import Limits

_HOME_CURRENCY = "USD"


def allowed(leg: OrderDraft, traded: Traded, limits: Limits) -> Refusal | None:
    """``traded`` is what IB says of the leg's instrument."""
    written = spellings(traded)
    if limits.instruments is None or not limits.instruments.isdisjoint(written):
        return None
    words = f"limits.instruments does not allow {leg.instrument.name}, which is '{written[0]}'"
    return Refusal(Reason.OVER_LIMIT, words)


def spellings(traded: Traded) -> tuple[str, ...]:
    """All ways to write a contract in `limits.instruments`, the plainest first."""
    number, symbol = f"conId {traded.contract_id}", traded.symbol
    if traded.kind == Kind.STOCK:
        # A symbol alone is a US stock everywhere in our files.
        return (f"stock {symbol}", symbol, number) if traded.currency == _HOME_CURRENCY else (number,)
    if traded.kind == Kind.FOREX:
        return (f"forex {symbol}{traded.currency}", number)
    return (number,) if traded.kind == Kind.CONTRACT else (f"{traded.kind} {symbol}", number)
