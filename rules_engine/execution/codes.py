"""What IB's error codes say about an order: which end it, which only seem to."""

from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What an error on one of our orders lets us conclude. None of them is a reason to send anything again.

    What ends an order unseen does so once IB's complete answers have shown no trace of it, twice, `Timing.settle_s`
    apart. We never change an order: what is also said of a change that failed is here said of a new one.
    """

    ENDS = "the order was rejected"
    ENDS_UNSEEN = "the order was refused, unless IB shows it"
    CANCELS_UNSEEN = "the order was cancelled, unless IB shows it"
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

CODES = (
    CodeRow(100, Meaning.REREAD, "more messages a second than allowed", _PAGE),
    CodeRow(103, Meaning.REREAD, "duplicate order id: IB knows this number already", "ib_insync #80, #308, #644"),
    CodeRow(104, Meaning.REREAD, "cannot modify a filled order", _PAGE),
    CodeRow(105, Meaning.REREAD, "the changed order does not match the original", _PAGE),
    CodeRow(109, Meaning.ENDS_UNSEEN, "price outside the range of the precautionary settings", _PAGE),
    CodeRow(110, Meaning.ENDS_UNSEEN, "price off the minimum step; on a change the order lives on", "ib_insync #328"),
    CodeRow(111, Meaning.ENDS_UNSEEN, "time in force and order type do not go together", _PAGE),
    CodeRow(133, Meaning.ENDS_UNSEEN, "submit new order failed", _PAGE),
    CodeRow(135, Meaning.REREAD, "cannot find an order with this id", _PAGE),
    CodeRow(136, Meaning.REREAD, "this order cannot be cancelled", _PAGE),
    CodeRow(147, Meaning.ENDS_UNSEEN, "a condition names no contract; a changed order lives on", _PAGE),
    CodeRow(161, Meaning.REREAD, "not in a state that can be cancelled", "ib_insync #502"),
    CodeRow(200, Meaning.ENDS_UNSEEN, "no such contract", _PAGE),
    CodeRow(201, Meaning.ENDS, "order rejected, with the reason", _PAGE),
    CodeRow(202, Meaning.CANCELS_UNSEEN, "order cancelled; a status report normally came before", _PAGE),
    CodeRow(203, Meaning.ENDS_UNSEEN, "the security is not allowed for this account", _PAGE),
    CodeRow(320, Meaning.REREAD, "some request could not be read", _PAGE),
    CodeRow(321, Meaning.REREAD, "some request is not valid; also said of orders that live on", "ib_insync #363, #656"),
    CodeRow(322, Meaning.REREAD, "the request could not be processed", _PAGE),
    CodeRow(329, Meaning.REREAD, "cannot change the order's type; the order lives on", "ib_insync #690"),
    CodeRow(334, Meaning.ENDS_UNSEEN, "good till date without a date; a changed order lives on", _PAGE),
    CodeRow(387, Meaning.ENDS_UNSEEN, "order type not supported here", _PAGE),
    CodeRow(388, Meaning.ENDS_UNSEEN, "order size below the minimum", _PAGE),
    CodeRow(391, Meaning.ENDS_UNSEEN, "a time cannot be read; a changed order lives on", _PAGE),
    CodeRow(399, Meaning.LEAVE, "a warning, such as waiting for the market to open", _PAGE),
    CodeRow(404, Meaning.LEAVE, "held while shares are located", _PAGE),
    CodeRow(434, Meaning.ENDS_UNSEEN, "the order size is zero", _PAGE),
    CodeRow(2109, Meaning.LEAVE, "outside regular hours is ignored for this order", _PAGE),
    CodeRow(10147, Meaning.REREAD, "the order to cancel was not found", _PAGE),
    CodeRow(10148, Meaning.REREAD, "cannot be cancelled in its state, which may be filled", "pysystemtrade #1580"),
    CodeRow(10149, Meaning.REREAD, "invalid order id", _PAGE),
    CodeRow(10185, Meaning.REREAD, "cancelling failed", _PAGE),
    CodeRow(10243, Meaning.ENDS_UNSEEN, "fractions of a share cannot be ordered through the API", _PAGE),
    CodeRow(10268, Meaning.ENDS_UNSEEN, "the attribute eTradeOnly is not supported", "vnpy_ib #17"),
    CodeRow(10269, Meaning.ENDS_UNSEEN, "the attribute firmQuoteOnly is not supported", _PAGE),
    CodeRow(10311, Meaning.LEAVE, "direct routing may cost more", _PAGE),
    CodeRow(10318, Meaning.REREAD, "this order does not support the changed field", _PAGE),
    CodeRow(10326, Meaning.REREAD, "the group cannot be changed; the order lives on", "nautilus_trader #2978"),
    CodeRow(10349, Meaning.LEAVE, "time in force was set to DAY from a preset", "ib_async #191"),
)
"""Sorted by code. A code that is not listed means REREAD: ask, conclude nothing."""

_BY_CODE = {row.code: row for row in CODES}
_SYSTEM_NOTES = range(2100, 2200)


def meaning_of(code: int) -> Meaning:
    """What an error with this code lets us conclude about the order that it names."""
    if code in _BY_CODE:
        return _BY_CODE[code].meaning
    return Meaning.LEAVE if code in _SYSTEM_NOTES else Meaning.REREAD
