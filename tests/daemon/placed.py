"""Very many rules, for each of which the broker holds an order."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.execution.decide import decide_arming
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.life import Arming, Life
from rules_engine.model.plan import Plan
from rules_engine.model.settings import GatewaySettings, Mode, Settings

NOBODY = GatewaySettings(port=1)
"""No broker is needed: what it holds stands in the journal."""
RULES_A_FILE = 1000
HEAD = "version: 1\ntimezone: UTC\nrules:\n"
HELD = "  - name: r{number}\n    when: S{symbol} crosses above {level}\n    do: buy {quantity} MA\n"


class Holding:
    """An engine's folder. The orders of all its rules were sent, IB has shown them, and the engine was killed."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self.state, self._rules, self._clock = StateFolder(home / "var"), home / "rules", clock
        self._rules.mkdir()
        self.state.prepare()
        self._settings = replace(
            Settings(), rules=self._rules, state=self.state.path, gateway=NOBODY, mode=Mode.PAPER, account="DU1"
        )

    def write(self, count: int, quantity: int = 1) -> None:
        """So many rules, each of which buys so much."""
        for file in self._rules.iterdir():
            file.unlink()
        for first in range(0, count, RULES_A_FILE):
            text = "".join(
                HELD.format(number=number, symbol=number % 97, level=200 + number, quantity=quantity)
                for number in range(first, min(first + RULES_A_FILE, count))
            )
            (self._rules / f"rules-{first}.yaml").write_text(HEAD + text)

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
        """A new engine on this folder."""
        book = RuleBook(self._rules, frozenset())
        edition = book.read(self._clock.now_s(), frozenset(), {})
        assert isinstance(edition, Edition), edition
        return Daemon(self._settings, self.state, book, edition, self._clock, live=False)

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
