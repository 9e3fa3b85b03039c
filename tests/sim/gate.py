"""What must be so at the moment when an order leaves, and of the rules that it came from."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rules_engine.daemon.in_force import EDITION
from rules_engine.daemon.rulebook import Edition
from rules_engine.execution.intents import intent_of
from rules_engine.execution.unarrived import SENT_AGAIN
from rules_engine.model.action import Side
from rules_engine.model.intent import Intent
from tests.sim.plan import NEW_YORK
from tests.sim.wire import Sent

if TYPE_CHECKING:
    from tests.sim.house import House

PRICE_SLACK = Decimal("1.03")
"""The engine may value an order by a price of up to a minute ago."""
DAY_S = 86_400.0
NO_SUCH_PRICE = "never-"
"""So begin the names of the rules that only a price fires which the market never has."""
_OPEN = "state IN ('intent', 'sending', 'acked', 'working', 'partial', 'unknown', 'adopted')"


class Gate:
    """Reads the journal and the gateway's own books; the engine's opinion counts for nothing."""

    def __init__(self, house: "House", account: str) -> None:
        self._house = house
        self._account = account
        self._may_load: set[str] = set()
        self._loaded: set[tuple[str, str]] = set()
        self._in_force: dict[str, list[str]] = {}
        self._firing_id = 0
        self._called_off: dict[str, int] = {}
        """By rule, or for all under no name: the newest firing when the user stopped trading, or paused the rule."""
        self.sent = 0
        self.on_sent: Callable[[Sent], None] = lambda sent: None

    def may_load(self, edition: Edition) -> None:
        """A whole and valid set of rules was saved."""
        self._may_load.add(_text({plan.rule.name: [plan.rule.digest, plan.rule.when_digest] for plan in edition.plans}))

    def called_off(self, rule: str = "") -> None:
        """The engine has answered that trading is stopped, or the rule paused."""
        ((newest,),) = self._house.rows("SELECT coalesce(max(id), 0) FROM firing")
        self._called_off[rule] = newest

    def committed(self, tables: frozenset[str]) -> None:
        """A transaction of the engine is on disk."""
        if "kv" in tables:
            self._look_at_edition()
        if "firing" in tables:
            self._look_at_firings()

    def order_sent(self, sent: Sent) -> None:
        """An order is being written to the socket."""
        self.sent += 1
        self.on_sent(sent)
        house, broken = self._house, self._house.checks.broken
        if house.switch.is_on:
            broken("nothing is sent while trading is stopped", sent.key)
        if self._is_restarting():
            broken("nothing is sent while the gateway may be restarting", sent.key)
        if self._account not in sent.accounts or sent.account != self._account:
            broken("nothing is sent to another account", f"{sent.key}: {sent.account!r}, login of {sent.accounts}")
        kept = dict(
            house.rows("SELECT k, v FROM kv WHERE k IN ('halted', 'halted rules', 'adopting', 'account reset')")
        )
        if kept.get("halted") or kept.get("account reset"):
            broken("nothing is sent by an engine that is halted", sent.key)
        row = house.checks.row("SELECT * FROM intent WHERE key = ?", sent.key)
        if row is None:
            return  # Told elsewhere.
        intent = intent_of(row)
        if intent.rule in json.loads(kept.get("halted rules") or "{}"):
            broken("nothing is sent for a rule that is halted", sent.key)
        if intent.rule.startswith(NO_SUCH_PRICE):
            broken("no order comes of a print that never was", f"{sent.key} of {intent.rule}")
        digest = house.checks.row("SELECT digest FROM firing WHERE id = ?", row["firing_id"])
        if digest is None or (intent.rule, digest["digest"]) not in self._loaded:
            broken("no order for a version of a rule that was never in force", sent.key)
        elif intent.reason != SENT_AGAIN:
            if self._in_force.get(intent.rule, [""])[0] != digest["digest"]:
                broken("no order leaves for a rule as it was before an edit", sent.key)
            if row["firing_id"] <= max(self._called_off.get(rule, 0) for rule in ("", intent.rule)):
                broken("what waited when its user called it off never leaves", sent.key)
        self._within_limits(intent)

    def _is_restarting(self) -> bool:
        """By the engine's own clock, on the same day or over a midnight."""
        restart = self._house.wanted.restart
        if restart is None:
            return False
        now = datetime.fromtimestamp(self._house.clock.now_s(), ZoneInfo(restart.timezone))
        at = now.replace(hour=restart.hour, minute=restart.minute, second=0, microsecond=0)
        apart_s = (now - at).total_seconds() % DAY_S
        return apart_s < restart.around_s or apart_s >= DAY_S - restart.around_s

    def _look_at_edition(self) -> None:
        row = self._house.checks.row("SELECT v FROM kv WHERE k GLOB ?", f"{EDITION} *")
        found = json.loads(row["v"]) if row else {}
        if found == self._in_force:
            return
        if _text(found) not in self._may_load:
            self._house.checks.broken("a set of rules is taken over whole or not at all", ", ".join(sorted(found)))
        self._in_force = found
        self._loaded.update((rule, digests[0]) for rule, digests in found.items())

    def _look_at_firings(self) -> None:
        for number, rule, digest, kind in self._house.rows(
            "SELECT id, rule, digest, kind FROM firing WHERE id > ? ORDER BY id", self._firing_id
        ):
            self._firing_id = number
            # A firing that waited for a price while its rule was edited is held back, and says so.
            if kind != "held back" and self._in_force.get(rule, [""])[0] != digest:
                self._house.checks.broken("only rules in force fire", f"{rule} {number}")

    def _within_limits(self, intent: Intent) -> None:
        limits, broken = self._house.limits, self._house.checks.broken
        if intent.draft.parent is not None:
            return  # It only undoes its entry.
        # Whatever is held may be closed at once.
        most = limits.max_order_quantity
        held = abs(Decimal(str(self._house.position(intent.draft.instrument.name)))) if intent.draft.closes else 0
        if most is not None and intent.draft.quantity > max(most, held):
            broken("no order beyond a limit", f"{intent.key}: quantity {intent.draft.quantity}")
        if limits.max_orders_per_day is not None:
            today = datetime.fromtimestamp(self._house.clock.now_s(), NEW_YORK)
            midnight_s = today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
            row = self._house.checks.row("SELECT count(*) AS n FROM intent WHERE sent_s >= ?", midnight_s)
            if row["n"] > limits.max_orders_per_day:
                broken("no order beyond a limit", f"{intent.key}: order {row['n']} of the day")
        if limits.max_position_value is not None:
            self._within_position(intent, limits.max_position_value)

    def _within_position(self, intent: Intent, most: Decimal) -> None:
        """What is held, and everything of this side that may still fill, this order among them."""
        symbol, side = intent.draft.instrument.name, intent.draft.side
        sign = 1 if side is Side.BUY else -1
        waiting = Decimal(0)
        for row in self._house.rows(f"SELECT * FROM intent WHERE {_OPEN} AND state != 'intent'"):
            other = intent_of(row)
            if other.draft.parent is None and other.draft.instrument.name == symbol and other.draft.side is side:
                waiting += self._unfilled(other)
        held = sign * Decimal(str(self._house.position(symbol)))
        price = intent.draft.limit or self._price(symbol)
        if waiting > 0 and (held + waiting) * price > most * PRICE_SLACK:
            self._house.checks.broken(
                "no order beyond a limit", f"{intent.key}: {held} held and {waiting} on the way at {price}"
            )

    def _unfilled(self, intent: Intent) -> Decimal:
        """What IB may still fill of it, by IB's own count."""
        for order in self._house.gateway.orders:
            if order.orderRef == intent.key:
                return Decimal(str(order.remaining)) if order.live else Decimal(0)
        return intent.draft.quantity

    def _price(self, symbol: str) -> Decimal:
        market = self._house.gateway.market
        listing = market.catalogue.named(symbol)
        return Decimal(str(market.quote(listing.conId).last)) if listing else Decimal(0)


def _text(digests: dict[str, list[str]]) -> str:
    return json.dumps(digests, sort_keys=True)
