"""What drivers share: requests and answers as lines of JSON, IB's values as plain ones.

A request names its connection, a verb and the verb's arguments; the driver replies to every one, in order. What
happens by itself is told as an event of its connection, before the reply to anything that was asked after it happened.
"""

import json
import math
import sys
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal

DEADLINE_S = 60.0
NUMBER_IN_USE = 326
UNSET = frozenset({2**31 - 1, 2**63 - 1, sys.float_info.max, 2.0**127})

CONTRACT = (
    "conId symbol secType lastTradeDateOrContractMonth strike right multiplier exchange primaryExchange currency"
    " localSymbol tradingClass"
)
DETAILS = (
    "minTick longName timeZoneId tradingHours liquidHours marketRuleIds validExchanges orderTypes priceMagnifier"
    " contractMonth underConId underSymbol realExpirationDate"
)
ORDER = (
    "orderId clientId permId action totalQuantity orderType lmtPrice auxPrice tif ocaGroup ocaType account orderRef"
    " parentId outsideRth hidden displaySize allOrNone minQty goodAfterTime goodTillDate triggerMethod trailStopPrice"
    " trailingPercent discretionaryAmt conditionsIgnoreRth conditionsCancelOrder autoCancelParent lmtPriceOffset"
)
EXECUTION = "execId orderId clientId permId acctNumber exchange side shares price cumQty avgPrice orderRef"
STATUS = "status filled remaining avgFillPrice permId parentId lastFillPrice clientId whyHeld"
MARGINS = "initMarginChange maintMarginChange equityWithLoanChange initMarginAfter maintMarginAfter"
BAR = "open high low close volume barCount"
CONDITIONS = {
    1: "isMore price conId exchange triggerMethod",
    3: "isMore time",
    4: "isMore percent",
    5: "secType exchange symbol",
    6: "isMore volume conId exchange",
    7: "isMore changePercent conId exchange",
}
"""The fields of each type of condition, by its number on the wire."""


def plain(value: object) -> object:
    """A number as JSON has it; None for each way in which IB says that there is none."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, int | float) and (value in UNSET or not math.isfinite(value)):
        return None
    return value


def record(thing: object, names: str, **more: object) -> dict[str, object]:
    """The named attributes of a client's object, None where an old client has none, and what belongs to it."""
    return {name: plain(getattr(thing, name, None)) for name in names.split()} | more


def framed(fields: list[str]) -> bytes:
    """A message as it stands on the wire, for what no client would send by itself."""
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


class Teller:
    """Writes lines; whole ones, whichever thread they come from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def event(self, session: str, event: str, what: Mapping[str, object]) -> None:
        """Something happened on a connection."""
        self._write({"session": session, "event": event, **what})

    def reply(self, result: object) -> None:
        """The answer to the oldest request that has none."""
        self._write({"reply": result})

    def failure(self, error: BaseException) -> None:
        """The oldest request that has no answer failed."""
        self._write({"failure": f"{type(error).__name__}: {error}"})

    def _write(self, line: Mapping[str, object]) -> None:
        with self._lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


Told = Callable[[str, Mapping[str, object]], None]
"""Takes an event of one connection: its name and what belongs to it."""
