"""Every code that the gateway sends about itself, its data or an order: one table, with what vouches for each text."""

from dataclasses import dataclass

# What vouches for a text: IB's own page of message codes, or a public report that quotes what TWS sent.
_PAGE = "IB's page message_codes"
_CAMPUS = "IB Campus, table of error codes"
_SEEN = "captured from a real gateway"
_UNVERIFIED = "general knowledge, unverified"


@dataclass(frozen=True, slots=True)
class CodeText:
    """What TWS says with a code; `{}` stands for what it says about the case at hand."""

    code: int
    text: str
    source: str


CODES = (
    CodeText(100, "Max rate of messages per second has been exceeded", _PAGE),
    CodeText(103, "Duplicate order id", "ib_insync #80, #308, #644"),
    CodeText(104, "Cannot modify a filled order.", _PAGE),
    CodeText(105, "Order being modified does not match original order", _PAGE),
    CodeText(110, "The price does not conform to the minimum price variation for this contract.", _PAGE),
    CodeText(111, "The TIF (Tif type) and the order type are incompatible.", _PAGE),
    CodeText(133, "Submit new order failed.{}", "IB4m #87"),
    CodeText(135, "Can't find order with id = {}", _PAGE),
    CodeText(146, "Invalid trigger method.", _PAGE),
    CodeText(147, "The conditional contract info is incomplete.", _PAGE),
    CodeText(161, "Cancel attempted when order is not in a cancellable state.  Order permId = {}", "ib_insync #502"),
    CodeText(200, "{}", _PAGE),
    CodeText(201, "Order rejected - reason:{}", _PAGE),
    CodeText(202, "Order Canceled - reason:{}", _SEEN),
    CodeText(203, "The security {} is not available or allowed for this account.", _PAGE),
    CodeText(320, "Error reading request. {}", _PAGE),
    CodeText(321, "Error validating request.-'bN' : cause - {}", _SEEN),
    CodeText(322, "Error processing request.-'bN' : cause - {}", _PAGE),
    CodeText(326, "Unable to connect as the client id is already in use. Retry with a unique client id.", _PAGE),
    CodeText(327, "Only API connections with clientId set to 0 can set the auto bind TWS orders property.", _PAGE),
    CodeText(329, "Order modify failed. Cannot change to the new order type:{}", "ib_insync #690"),
    CodeText(334, "Invalid Good Till Date order", _PAGE),
    CodeText(347, "Short sale slot value must be 1 (broker holds shares) or 2 (delivered from elsewhere).", _PAGE),
    CodeText(348, "Order not a short sale -- type must be SSHORT to specify short sale slot.", _PAGE),
    CodeText(352, "Short sale slot value of 2 (delivered from elsewhere) requires location.", _PAGE),
    CodeText(353, "Short sale slot value of 1 requires no location be specified.", _PAGE),
    CodeText(354, "Requested market data is not subscribed.", _PAGE),
    CodeText(387, "Unsupported order type for this exchange and security type.", _PAGE),
    CodeText(388, "Order size is smaller than the minimum requirement.", _PAGE),
    CodeText(
        391, "The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xxx", _PAGE
    ),
    CodeText(399, "Order Message:\n{}", _SEEN),
    CodeText(403, "Invalid stop price.", _PAGE),
    CodeText(
        404,
        "Shares for this order are not immediately available for short sale. "
        "The order will be held while we attempt to locate the shares.",
        _PAGE,
    ),
    CodeText(413, "What-if order should have the transmit flag set to true.", _PAGE),
    CodeText(422, "The account and clearing attributes on this order may not be changed.", _PAGE),
    CodeText(434, "The order size cannot be zero.", _PAGE),
    CodeText(462, "Order modify failed. Cannot change to the new Time in Force:{}", "ib-ruby's list of alerts"),
    CodeText(1100, "Connectivity between IB and Trader Workstation has been lost.", _PAGE),
    CodeText(1101, "Connectivity between IB and Trader Workstation has been restored - data lost.", _PAGE),
    CodeText(1102, "Connectivity between IB and Trader Workstation has been restored - data maintained.", _PAGE),
    CodeText(1300, "TWS socket port has been reset and this connection is being dropped.", _PAGE),
    CodeText(2103, "Market data farm connection is broken:usfarm", _SEEN),
    CodeText(2104, "Market data farm connection is OK:usfarm", _SEEN),
    CodeText(2105, "HMDS data farm connection is broken:ushmds", _SEEN),
    CodeText(2106, "HMDS data farm connection is OK:ushmds", _SEEN),
    CodeText(
        2109,
        'Order Event Warning:Attribute "Outside Regular Trading Hours" is ignored based on the order type and '
        "destination. PlaceOrder is now being processed.",
        _PAGE,
    ),
    CodeText(
        2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically.", _PAGE
    ),
    CodeText(2157, "Sec-def data farm connection is broken:secdefnj", _SEEN),
    CodeText(2158, "Sec-def data farm connection is OK:secdefnj", _SEEN),
    CodeText(10020, "Display size should be smaller than order size.", _CAMPUS),
    CodeText(10052, "Invalid time in force:{}", _UNVERIFIED),
    CodeText(10089, "Requested market data requires additional subscription for API.", _CAMPUS),
    CodeText(10090, "Part of requested market data is not subscribed.", _CAMPUS),
    CodeText(10147, "OrderId {} that needs to be cancelled is not found.", _CAMPUS),
    CodeText(10148, "OrderId {} that needs to be cancelled cannot be cancelled, state: {}.", "pysystemtrade #1580"),
    CodeText(10167, "Requested market data is not subscribed. Displaying delayed market data.", _CAMPUS),
    CodeText(10168, "Requested market data is not subscribed. Delayed market data is not enabled.", _CAMPUS),
    CodeText(10197, "No market data during competing live session", _CAMPUS),
    CodeText(10236, "Child has to be AON if parent order is AON.", _CAMPUS),
    CodeText(10243, "Fractional-sized order cannot be placed via API. Please use desktop version.", _CAMPUS),
    CodeText(10250, "The size does not conform to the minimum variation of {} for this contract", _CAMPUS),
    CodeText(10268, "The 'EtradeOnly' order attribute is not supported.", "vnpy_ib #17"),
    CodeText(10269, "The 'FirmQuoteOnly' order attribute is not supported.", _CAMPUS),
    CodeText(10270, "The 'NbboPriceCap' order attribute is not supported.", _CAMPUS),
    CodeText(10326, "OCA group revision is not allowed.", "nautilus_trader #2978"),
    CodeText(10327, "OCA group type revision is not allowed.", _CAMPUS),
    CodeText(10341, "Parent order id cannot be modified.", _CAMPUS),
    CodeText(10349, "Order TIF was set to DAY based on order preset.", "ib_async #191"),
)
"""Sorted by code."""

_TEXTS = {row.code: row.text for row in CODES}


def text_of(code: int, *details: object) -> str:
    """What TWS says with this code, with what it says about the case at hand filled in."""
    text = _TEXTS.get(code, f"Simulated code {code}")
    return text.format(*details) if details else text.replace("{}", "").rstrip()
