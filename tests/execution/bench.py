"""A whole execution side on one journal file, which can be killed and started again."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from rules_engine.execution.decision import Decision
from rules_engine.execution.desk import Desk
from rules_engine.execution.journal import Journal
from rules_engine.execution.risk import RiskGate
from rules_engine.execution.timing import Timing
from rules_engine.model.clock import SteppedClock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.settings import Limits, Mode, Settings
from tests.execution.doubles import NOW_S, Ears, FakeIB, FakeLink, FakeMarket, decision

UNPACED = Limits(max_orders_per_second=1000, max_messages_per_rule_per_minute=1000, max_active_orders_per_side=1000)
"""The clock of a bench stands still: everything would leave within one second, and nothing fills by itself."""
SETTINGS = Settings(mode=Mode.PAPER, account="DU1", channels={"phone": "json://x", "desk": "json://y"}, limits=UNPACED)
QUICK = replace(Timing(), ack_s=0.02)


class Bench:
    """Journal, gate and desk as the daemon wires them; ``ib`` survives every restart."""

    def __init__(self, folder: Path, settings: Settings = SETTINGS, *, live_flag: bool = False) -> None:
        self.path = folder / "var" / "journal.db"
        self.settings = settings
        self.live_flag = live_flag
        self.clock = SteppedClock(NOW_S)
        self.market = FakeMarket(now_s=self.clock.now_s)
        self.ib = FakeIB()
        self.starts = 0
        self.stopped = False
        self.start()

    def start(self) -> None:
        """A new process on the same file."""
        self.starts += 1
        self.ears = Ears()
        self.journal = Journal(
            self.path, self.clock, mode=self.settings.mode, account=self.settings.account, token=self._token
        )
        self.desk = Desk(
            self.journal,
            RiskGate(self.settings.limits, self.market, self.clock),
            self.clock,
            self.settings,
            live_flag=self.live_flag,
            listener=self.ears,
            stopped=lambda: self.stopped,
            timing=QUICK,
        )

    def _token(self, size: int) -> str:
        """Different at each start, the same in each run of the test."""
        return f"{self.starts:0{2 * size}x}"

    def kill(self) -> None:
        """The process is gone; only the file and IB remain."""
        self.journal.close()

    def restart(self) -> None:
        self.kill()
        self.start()

    async def connect(self, **traits: object) -> FakeLink:
        """A new connection, reconciled."""
        link = FakeLink(self.ib)
        for name, value in traits.items():
            setattr(link, name, value)
        self.desk.attach(link)
        await self.desk.reconcile()
        return link

    def record(self, *decisions: Decision) -> str:
        """Commits firings; the key of the first leg of the last one."""
        recorded = self.journal.record(decisions or [decision()], {})
        return recorded[-1].keys[0] if recorded[-1].keys else ""

    def accepting(self, link: FakeLink) -> FakeLink:
        """From now on IB takes orders in and says so."""
        link.on_place = lambda placed: self.desk.on_report(self.ib.accept(placed))
        return link

    def intent(self, key: str) -> Intent:
        intent = self.journal.intents.get(key)
        assert intent is not None
        return intent

    def state(self, key: str) -> IntentState:
        return self.intent(key).state

    def told(self, channel: str = "phone") -> list[str]:
        """Kinds of the messages waiting for a channel."""
        return [str(message.kind) for message in self.journal.outbox.waiting(channel, 100)]

    def texts(self, channel: str = "phone") -> list[str]:
        return [message.text for message in self.journal.outbox.waiting(channel, 100)]

    async def later(self, seconds: float) -> None:
        """Time passes, then the desk takes its turn."""
        self.clock.time_s += seconds
        await self.desk.step()


def limits(**changes: object) -> Settings:
    """Paper settings with these limits."""
    numbers = {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in changes.items()}
    return replace(SETTINGS, limits=replace(UNPACED, **numbers))  # type: ignore[arg-type]  # Fields by name.
