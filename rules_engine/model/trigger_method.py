"""What a price condition looks at."""

from enum import StrEnum

from rules_engine.model.instrument import Field


class TriggerMethod(StrEnum):
    """IB's names for the quotes that may satisfy a price condition."""

    DEFAULT = "default"
    DOUBLE_BID_ASK = "double bid/ask"
    LAST = "last"
    DOUBLE_LAST = "double last"
    BID_ASK = "bid/ask"
    MIDPOINT = "midpoint"

    @property
    def is_two_sided(self) -> bool:
        """Whether a rise and a fall are seen in two quotes."""
        return self.quote(True) is not self.quote(False)

    def quote(self, rising: bool) -> Field | None:
        """The field that a price is taken from: a rise is seen in the bid, a fall in the ask.

        None where it depends on the kind of instrument.
        """
        match self:
            case TriggerMethod.LAST | TriggerMethod.DOUBLE_LAST:
                return Field.LAST
            case TriggerMethod.BID_ASK | TriggerMethod.DOUBLE_BID_ASK:
                return Field.BID if rising else Field.ASK
            case TriggerMethod.MIDPOINT:
                return Field.MID
            case TriggerMethod.DEFAULT:
                return None
