"""Very many rules, for each of which the broker holds an order."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.execution.decide import decide_arming
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import Clock, SteppedClock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.life import Arming, Life
from rules_engine.model.plan import Plan
from rules_engine.model.reports import BrokerStatus, OrderReport
from rules_engine.model.settings import GatewaySettings, Mode, Settings

NOBODY = GatewaySettings(port=1)
"""No broker is needed: what it holds stands in the journal."""
RULES_A_FILE = 1000
Fate = tuple[object, ...]
"""What became of a rule and of its orders."""
HEAD = "version: 1\ntimezone: UTC\nrules:\n"
HELD = "  - name: r{number}\n    when: S{symbol} crosses above {level}\n    do: buy {quantity} MA\n"


ON_A_FUTURE = (
    "version: 1\ntimezone: UTC\ninstruments:\n  ES: {future: ES, exchange: CME, expiry: front}\nrules:\n",
    "  - name: r{number}\n    when: ES >= {level}\n    do: buy {quantity} MA\n",
)
"""How files begin, and rules read, where all of them wait for one future."""


class Holding:
    """An engine's folder. The orders of all its rules were sent, IB has shown them, and the engine was killed."""

    def __init__(self, home: Path, clock: Clock, head: str = HEAD, rule: str = HELD, **changes: object) -> None:
        """``head`` begins each file, ``rule`` is one rule of it; ``changes`` replace settings."""
        self._head, self._rule = head, rule
        self.state, self._rules, self._clock = StateFolder(home / "var"), home / "rules", clock
        self._rules.mkdir()
        self.state.prepare()
        settings = Settings(rules=self._rules, state=self.state.path, gateway=NOBODY, mode=Mode.PAPER, account="DU1")
        self._settings = replace(settings, **changes)  # type: ignore[arg-type]  # Fields by name.

    def write(self, count: int, quantity: int = 1) -> None:
        """So many rules, each of which buys so much."""
        for file in self._rules.iterdir():
            file.unlink()
        for first in range(0, count, RULES_A_FILE):
            text = "".join(
                self._rule.format(number=number, symbol=number % 97, level=200 + number, quantity=quantity)
                for number in range(first, min(first + RULES_A_FILE, count))
            )
            (self._rules / f"rules-{first}.yaml").write_text(self._head + text)

    def add(self, rule: str) -> None:
        """One more rule, in a file of its own."""
        (self._rules / "one.yaml").write_text(self._head + rule)

    async def place(self, count: int) -> None:
        """The broker holds an order for each of so many rules."""
        self.write(count)
        daemon = self.daemon()
        await daemon._in_force.resume()
        daemon.close()
        journal = Journal(self.state.journal, self._clock, mode=Mode.PAPER, account="DU1")
        with journal.transaction():
            for number, plan in enumerate(daemon.edition.plans, 1):
                self._place(journal, plan, number)
        journal.close()

    def daemon(self) -> Daemon:
        """A new engine on this folder. By a clock that is set by hand no other time passes."""
        clock = self._clock
        around = Surroundings(elapsed_s=clock.now_s) if isinstance(clock, SteppedClock) else Surroundings()
        book = RuleBook(self._rules, frozenset())
        edition = book.read(self._clock.now_s(), frozenset(), {})
        assert isinstance(edition, Edition), edition
        return Daemon(self._settings, self.state, book, edition, clock, live=False, surroundings=around)

    def _place(self, journal: Journal, plan: Plan, number: int) -> None:
        now_s, rule = self._clock.now_s(), plan.rule
        life = Life(seq=1, when_digest=rule.when_digest, placed="0", known="f", known_s=now_s)
        decision = decide_arming(Arming(rule.name, 0, now_s), plan.held[0].unit, rule, now_s=now_s)
        [recorded] = journal.record([decision], {rule.name: life})
        [sent] = journal.send_committed(journal.intents.unit(rule.name, recorded.seq), [number], "mark")
        journal.change(replace(sent, state=IntentState.ACKED, perm_id=1_000_000 + number), "report")


def orders(daemon: Daemon) -> Mapping[str, Intent]:
    """What the broker holds, by rule."""
    return {one.rule: one for one in daemon._journal.intents.read_open()}


def report_of(order: Intent, status: BrokerStatus, filled: int) -> OrderReport:
    """What IB says of it when so much has filled."""
    assert order.order_id is not None and order.perm_id is not None
    done, price = Decimal(filled), Decimal(400) if filled else None
    return OrderReport(order.key, order.perm_id, order.order_id, 17, status, done, order.quantity - done, price)


def hear_of_three(daemon: Daemon, status: BrokerStatus, filled: int = 0) -> None:
    """IB tells that of three orders, each of which is of another slice, and the engine takes a step."""
    for rule in ("r5", "r25", "r45"):
        daemon.inbox.report(report_of(orders(daemon)[rule], status, filled))
    daemon._step()


def wanted(daemon: Daemon) -> set[str]:
    """Rules whose orders at the broker are to be cancelled."""
    return {rule for rule, order in orders(daemon).items() if order.held and order.cancel_wanted}


def marks(daemon: Daemon) -> Counter[str]:
    """How often each order was marked to be cancelled."""
    rows = daemon._journal._database.rows("SELECT key FROM event WHERE kind = 'cancel wanted'")
    return Counter(row["key"] for row in rows)


def fates(daemon: Daemon, rules: Iterable[str]) -> dict[str, Fate]:
    """Of each of these rules, after one order at the broker."""
    assert set(marks(daemon).values()) <= {1}, "marked twice"
    found = dict[str, Fate]()
    for rule in sorted(rules):
        unit, life = daemon._journal.intents.unit(rule, 1), daemon._evaluator.life(rule)
        order = [(leg.state, leg.cancel_wanted and not leg.state.is_over) for leg in unit]
        memory = life and (life.placed, life.done, life.broken, life.paused, life.filled)
        found[rule] = (*order, memory, daemon._journal.intents.unit(rule, 2))
    return found
