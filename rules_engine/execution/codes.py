"""What IB's error codes say about an order: three can end it, and none of them without evidence."""

from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What an error on one of our orders lets us conclude. None of them is a reason to send anything again.

    IB numbers errors by what went wrong and not by what became of the order: most codes that read like a refusal are
    also said of orders that live on, such as 110 of one whose change failed. So a code ends an order only where IB
    says in so many words that it is over, and only once IB's complete answers agree. After any other code an order of
    which these answers show no trace is UNKNOWN, and its user is told IB's words.
    """

    REJECTS = "the order was rejected, if IB's complete answers do not show it alive"
    REFUSES = "the order was refused, if two complete answers, `Timing.settle_s` apart, show no trace of it"
    CANCELS = "the order was cancelled, if two complete answers, `Timing.settle_s` apart, show no trace of it"
    REREAD = "nothing by itself: ask IB what it has"
    LEAVE = "news about an order that lives on"


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One code with where its meaning is documented or was seen."""

    code: int
    meaning: Meaning
    says: str
    source: str


_PAGE = "IB's page message_codes"
_LEAN = "Lean.Brokerages.InteractiveBrokers"
_AUTOMATED = "IB's page automated_considerations"

CODES = (
    CodeRow(100, Meaning.REREAD, "more messages a second than allowed", _PAGE),
    CodeRow(103, Meaning.REREAD, "duplicate order id: IB knows this number already", "ib_insync #80, #308, #644"),
    CodeRow(104, Meaning.REREAD, "cannot modify a filled order", "Lean #1053: the order had filled"),
    CodeRow(105, Meaning.REREAD, "the changed order does not match the original", _PAGE),
    CodeRow(109, Meaning.REREAD, "price out of the preset range, not transmitted; TWS may let its user do that", _PAGE),
    CodeRow(110, Meaning.REREAD, "price off the minimum step; an order that was changed lives on", "ib_insync #502"),
    CodeRow(111, Meaning.REREAD, "time in force and order type do not go together", _PAGE),
    CodeRow(133, Meaning.REREAD, "submit new order failed; not said for good", _PAGE),
    CodeRow(135, Meaning.REREAD, "cannot find an order with this id", _PAGE),
    CodeRow(136, Meaning.REREAD, "this order cannot be cancelled", _PAGE),
    CodeRow(147, Meaning.REREAD, "a condition names no contract; a changed order lives on", _PAGE),
    CodeRow(161, Meaning.REREAD, "not in a state that can be cancelled", _PAGE),
    CodeRow(200, Meaning.REREAD, "no such contract; said of every kind of request", f"{_LEAN} #25, #245"),
    CodeRow(201, Meaning.REJECTS, "order rejected, with the reason", f"{_PAGE}; {_AUTOMATED}"),
    CodeRow(
        202, Meaning.CANCELS, "order cancelled; a status report normally comes with it", f"{_AUTOMATED}; Lean #1026"
    ),
    CodeRow(203, Meaning.REFUSES, "the security is not available or not allowed for this account", _PAGE),
    CodeRow(320, Meaning.REREAD, "some request could not be read", _PAGE),
    CodeRow(321, Meaning.REREAD, "some request is not valid; also said of orders that live on", "ib_insync #363"),
    CodeRow(322, Meaning.REREAD, "the request could not be processed", _PAGE),
    CodeRow(329, Meaning.REREAD, "cannot change the order's type; the order lives on", _PAGE),
    CodeRow(334, Meaning.REREAD, "good till date without a date; a changed order lives on", _PAGE),
    CodeRow(387, Meaning.REREAD, "order type not supported here; a changed order lives on", _PAGE),
    CodeRow(388, Meaning.REREAD, "order size below the minimum; a changed order lives on", _PAGE),
    CodeRow(391, Meaning.REREAD, "a time cannot be read; a changed order lives on", _PAGE),
    CodeRow(399, Meaning.LEAVE, "a warning, such as waiting for the market to open", "backtrader2 #40"),
    CodeRow(404, Meaning.LEAVE, "held while shares are located", "ib_insync #328, Lean #1026"),
    CodeRow(434, Meaning.REREAD, "the order size is zero; a changed order lives on", _PAGE),
    CodeRow(451, Meaning.REREAD, "worth more than the presets allow; TWS may let its user do that", "IBC #227"),
    CodeRow(460, Meaning.REREAD, "no trading permission", f"{_LEAN} #245"),
    CodeRow(2109, Meaning.LEAVE, "outside regular hours is ignored for this order", _PAGE),
    CodeRow(10147, Meaning.REREAD, "the order to cancel was not found", "ib_insync #656, #690"),
    CodeRow(10148, Meaning.REREAD, "cannot be cancelled in its state, which may be filled", "ib_insync #656"),
    CodeRow(10149, Meaning.REREAD, "invalid order id", _PAGE),
    CodeRow(10185, Meaning.REREAD, "cancelling failed", _PAGE),
    CodeRow(10243, Meaning.REREAD, "fractions of a share cannot be ordered through the API", _PAGE),
    CodeRow(10268, Meaning.REREAD, "the attribute eTradeOnly is not supported", "vnpy_ib #17"),
    CodeRow(10269, Meaning.REREAD, "the attribute firmQuoteOnly is not supported", _PAGE),
    CodeRow(10311, Meaning.LEAVE, "direct routing may cost more", "deephaven-ib #106"),
    CodeRow(10318, Meaning.REREAD, "this order does not support the changed field", _PAGE),
    CodeRow(10326, Meaning.REREAD, "the group cannot be changed; the order lives on", "nautilus_trader #2978"),
    CodeRow(10349, Meaning.LEAVE, "time in force was set to DAY from a preset", "ib_async #191, #217"),
)
"""Sorted by code. A code that is not listed means REREAD: ask, conclude nothing."""

_BY_CODE = {row.code: row for row in CODES}
_SYSTEM_NOTES = range(2100, 2200)


def meaning_of(code: int) -> Meaning:
    """What an error with this code lets us conclude about the order that it names."""
    if code in _BY_CODE:
        return _BY_CODE[code].meaning
    return Meaning.LEAVE if code in _SYSTEM_NOTES else Meaning.REREAD
