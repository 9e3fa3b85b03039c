"""The engine's own settings, from config.yaml."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path


class Mode(StrEnum):
    """Whether orders leave, and to which kind of account."""

    DRY = "dry"
    PAPER = "paper"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where IB (or a simulated one) listens; ``embedded`` starts our own on a free port."""

    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 17
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class NightlyRestart:
    """When TWS or IB Gateway restarts each day, by the clock of ``timezone``. Nothing is sent from ``around_s`` seconds
    before until as many after."""

    hour: int = 23
    minute: int = 45
    around_s: float = 180.0
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Limits:
    """Checked before every send, in the account's base currency. None: no such limit."""

    max_order_quantity: Decimal | None = None
    max_order_value: Decimal | None = None
    max_orders_per_day: int | None = None
    max_position_value: Decimal | None = None
    price_collar: Decimal | None = Decimal("0.05")
    """How far an order's price may be from the market: 0.05 is five percent."""
    allow_short: bool = False
    max_orders_per_rule_per_day: int | None = None
    max_value_per_day: Decimal | None = None
    max_value_per_rule_per_day: Decimal | None = None
    max_open_value: Decimal | None = None
    """Of all orders that may still fill, together."""
    max_daily_loss: Decimal | None = None
    """Of the account, by IB's own count: from there on only positions are closed."""
    max_daily_loss_per_rule: Decimal | None = None
    """Of what a rule's own fills built: from there on the rule only closes positions."""
    instruments: frozenset[str] | None = None
    """The only contracts that may be ordered in: a US stock by its symbol, others as `future ES`, `forex EURUSD`,
    `conId 495512516`."""
    max_active_orders_per_side: int = 20
    """Orders of one contract and side that are open at a time. IB rejects the 21st (page order_limitations)."""
    max_orders_per_second: int = 5
    """More than these wait."""
    max_messages_per_rule_per_minute: int = 60
    """Orders and cancellations. Orders beyond these wait; cancellations never do."""
    price_wait_s: float = 30.0
    """How long a firing waits for a price to be checked against."""
    max_spread: Decimal | None = Decimal("0.01")
    """A market order leaves only while bid and ask are no farther apart than this share of their middle."""
    max_price_age_s: float = 5.0
    """And only while some price of its instrument came within this time."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An address of an outside watchdog, fetched every ``every_s`` seconds."""

    url: str = field(repr=False)
    every_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """``channels`` maps names to Apprise URLs, secrets resolved: never logged, never stored."""

    rules: Path = Path("rules")
    state: Path = Path("var")
    gateway: GatewaySettings = GatewaySettings()
    mode: Mode = Mode.DRY
    account: str = ""
    channels: dict[str, str] = field(default_factory=dict, repr=False)
    local_webhooks: bool = False
    """Whether `json` and `jsons` channels may go to this machine or the local network."""
    heartbeat: Heartbeat | None = None
    limits: Limits = Limits()
    restart: NightlyRestart | None = None
    resend_within_s: float = 0.0
    """How long after it was sent an order that certainly never arrived may be sent once more; 0 is never."""
    resend_market_within_s: float = 0.0
    """The same for units with an order that takes whatever price there is."""
    oca_belt: bool = False
    """Whether an order that is alone in its unit goes out in a one-cancels-all group of its own."""
