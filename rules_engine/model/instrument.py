"""What can be watched and traded, as rules name it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What an instrument is at IB."""

    STOCK = "stock"
    FUTURE = "future"
    OPTION = "option"
    FOREX = "forex"
    INDEX = "index"
    CFD = "cfd"
    CRYPTO = "crypto"
    CONTRACT = "conId"
    """Known by IB's contract number alone; its real kind is learnt when the contract is looked up."""


class Field(StrEnum):
    """What can be read of an instrument: the words after the dot."""

    LAST = "last"
    BID = "bid"
    ASK = "ask"
    MID = "mid"
    MARK = "mark"
    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    """The previous session's close."""
    VOLUME = "volume"
    CHANGE_TODAY = "change_today"
    """Relative to the previous close: 0.05 is up five percent."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument; ``name`` is how rules spell it and identifies it in the whole rule set."""

    name: str
    kind: Kind = Kind.STOCK
    symbol: str = ""
    exchange: str = "SMART"
    currency: str = "USD"
    expiry: str = ""
    """`front`, `2030-12` or `2030-12-20`."""
    roll_days: int = 5
    local_symbol: str = ""
    trading_class: str = ""
    multiplier: str = ""
    strike: Decimal | None = None
    right: str = ""
    """`put` or `call`."""
    contract_id: int = 0

    @property
    def default_field(self) -> Field:
        """What the bare name means."""
        return _DEFAULT_FIELDS.get(self.kind, Field.LAST)

    @property
    def orderable(self) -> bool:
        return self.kind is not Kind.INDEX

    def __str__(self) -> str:
        return self.name


_DEFAULT_FIELDS = {Kind.FOREX: Field.MID, Kind.OPTION: Field.MARK}


def us_stock(name: str) -> Instrument:
    """What an upper-case name that no file declares stands for."""
    return Instrument(name=name, kind=Kind.STOCK, symbol=name)
