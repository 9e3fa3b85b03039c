"""What a price condition looks at."""

from enum import StrEnum


class TriggerMethod(StrEnum):
    """IB's names for the quotes that may satisfy a price condition."""

    DEFAULT = "default"
    DOUBLE_BID_ASK = "double bid/ask"
    LAST = "last"
    DOUBLE_LAST = "double last"
    BID_ASK = "bid/ask"
    MIDPOINT = "midpoint"
