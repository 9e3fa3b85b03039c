"""Random lives of an engine at one IB: whatever happens, one key is never two orders."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rules_engine.model.intent import IntentState
from rules_engine.model.reports import BrokerStatus, LinkChange
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, FakeLink, Killed, Placed, decision

State = IntentState


class Life(RuleBasedStateMachine):
    """Firings, deaths, silent gateways, late acceptances, fills and cancellations in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name))
        self.link: FakeLink | None = None
        self.on_the_way: list[Placed] = []
        self.recorded = 0
        self.over: dict[str, IntentState] = {}
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        self.runner.close()
        self.bench.kill()
        self.folder.cleanup()

    async def act(self) -> None:
        try:
            await self.bench.desk.step()
        except Killed:
            self.link = None
            self.bench.restart()

    @rule(expires=strategies.sampled_from([None, 30.0]))
    def fire(self, expires: float | None) -> None:
        self.recorded += 1
        expires_s = None if expires is None else self.bench.clock.now_s() + expires
        self.bench.record(decision(expires_s=expires_s, rule=f"r{self.recorded % 3}"))

    @rule(complete=strategies.booleans())
    def connect(self, complete: bool) -> None:
        self.link = FakeLink(self.bench.ib)
        self.link.complete = complete
        self.bench.desk.attach(self.link)

    @precondition(lambda self: self.link is not None)
    @rule(
        gateway=strategies.sampled_from(["answers", "accepts silently", "delays", "drops"]),
        kill=strategies.sampled_from(["never", "before the wire", "after the wire"]),
    )
    def send(self, gateway: str, kill: str) -> None:
        assert self.link is not None

        def before(placed: Placed) -> None:
            if kill == "before the wire":
                raise Killed

        def after(placed: Placed) -> None:
            if gateway == "delays":
                self.on_the_way.append(placed)
            elif gateway != "drops":
                report = self.bench.ib.accept(placed)
                if gateway == "answers":
                    self.bench.desk.on_report(report)
            if kill == "after the wire":
                raise Killed

        self.link.before_place, self.link.on_place = before, after
        self.runner.run(self.act())

    @rule(seconds=strategies.sampled_from([1, 16, 61, 901]))
    def wait(self, seconds: int) -> None:
        self.bench.clock.time_s += seconds

    @rule()
    def die(self) -> None:
        self.link = None
        self.bench.restart()

    @precondition(lambda self: self.on_the_way)
    @rule()
    def arrive_late(self) -> None:
        self.bench.ib.accept(self.on_the_way.pop(0))

    @precondition(lambda self: self.bench.ib.orders)
    @rule(heard=strategies.booleans(), part=strategies.booleans())
    def fill(self, heard: bool, part: bool) -> None:
        key, order = next(iter(self.bench.ib.orders.items()))
        report = self.bench.ib.fill(key, "40" if part and order.remaining > 40 else str(order.remaining), "401")
        if heard:
            self.bench.desk.on_report(report)

    @precondition(lambda self: self.bench.ib.orders)
    @rule(heard=strategies.booleans())
    def cancel_in_tws(self, heard: bool) -> None:
        report = self.bench.ib.end(next(iter(self.bench.ib.orders)), BrokerStatus.CANCELLED)
        if heard:
            self.bench.desk.on_report(report)

    @precondition(lambda self: self.link is not None)
    @rule(state=strategies.sampled_from(["degraded", "up"]))
    def link_changes(self, state: str) -> None:
        self.bench.desk.on_report(LinkChange(NOW_S, state))

    @invariant()
    def one_order_a_key(self) -> None:
        keys = [placed.key for placed in self.bench.ib.wire]
        assert len(keys) == len(set(keys))

    @invariant()
    def nothing_is_on_the_wire_that_the_journal_does_not_know_as_sent(self) -> None:
        for placed in self.bench.ib.wire:
            intent = self.bench.intent(placed.key)
            assert intent.sent_s is not None and intent.state not in (State.INTENT, State.DRY, State.BLOCKED)

    @invariant()
    def fills_stay_within_the_order(self) -> None:
        for row in self.bench.journal.ledger.orders():
            assert 0 <= row.intent.filled <= row.intent.draft.quantity

    @invariant()
    def what_is_over_stays_over_except_for_a_fill(self) -> None:
        for row in self.bench.journal.ledger.orders():
            before = self.over.get(row.intent.key)
            if before is not None and row.intent.state is not before:
                assert row.intent.state is State.FILLED
            if row.intent.state.is_over:
                self.over[row.intent.key] = row.intent.state

    @invariant()
    def the_sum_balances(self) -> None:
        assert sum(self.bench.journal.ledger.fates().values()) == self.recorded
        assert self.bench.journal.ledger.first_broken_event() is None

    @invariant()
    def a_fill_is_told_at_most_once(self) -> None:
        texts = [text for text in self.bench.texts() if "bought 100 MA" in text]
        filled = [row for row in self.bench.journal.ledger.orders() if row.intent.state is State.FILLED]
        assert len(texts) == len(filled)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=25, derandomize=True)
