"""Ten thousand rules: nothing holds the loop up while they are read, armed, saved, and one file of them changes."""

import asyncio
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain, repeat
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from benchmarks.callbacks import callbacks_timed
from rules_engine.daemon import watch
from rules_engine.daemon.collector import collector_waits
from rules_engine.daemon.control import ask
from rules_engine.daemon.daemon import RULES_MAX, Daemon
from rules_engine.daemon.rulebook import Difference, Edition
from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.evaluation.jury import Jury
from rules_engine.evaluation.past import NEVER
from rules_engine.evaluation.watch import Watch
from rules_engine.execution.ledger import open_ledger
from rules_engine.execution.slices import in_slices
from rules_engine.language import prepare
from rules_engine.language.grammar import sentence_parser
from rules_engine.model.clock import SteppedClock, SystemClock
from rules_engine.model.expression import AccountField
from rules_engine.model.instrument import Field
from rules_engine.model.judging import Moment
from rules_engine.model.life import Life, Replaced
from rules_engine.model.plan import Plan
from rules_engine.model.reports import AccountValue, FeedUp, LinkChange, PositionReport
from rules_engine.model.slices import Slices, at_once
from rules_engine.model.tick import Tick
from rules_engine.model.truth import Truth
from tests.daemon.alone import Alone
from tests.daemon.holding_up import each_time, none_is_long

FILES, RULES_A_FILE = 100, 100
TEN_THOUSAND_MAX, A_THOUSAND_MAX = 0.008, 0.0065
"""No callback takes a larger share of all the work: 0.05 s on the machine of docs/decisions/0016, where ten thousand
rules take 6.3 s and a thousand 7.4 s. One that is slower, or busy, is so for both."""
WHENS = (
    "S{symbol} crosses above {level}",
    "S{symbol} moves up {percent}% in 5m",
    "S{symbol} > {level} for 30s",
    "sma(S{symbol}, 10s) crosses above sma(S{symbol}, 60s) + {percent}",
    "S{symbol} enters {level} to {level}.5",
)


def write(folder: Path, number: int, quantity: int = 1) -> None:
    rules = "".join(
        f"  - name: r{rule}\n    when: {when}\n    do: buy {quantity} MA\n    run: here\n    cooldown: 15m\n"
        for rule in range(number * RULES_A_FILE, (number + 1) * RULES_A_FILE)
        for when in [WHENS[rule % 5].format(symbol=rule % 97, level=200 + rule, percent=1 + rule % 9)]
    )
    (folder / f"{number:03}.yaml").write_text(f"version: 1\ntimezone: UTC\nrules:\n{rules}")


@each_time
async def test_ten_thousand_rules_start_and_reload_without_holding_prices_up(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    heard: list[float] = []
    tick = Evaluator.tick

    def listen(self: Evaluator, one: Tick) -> object:
        heard.append(one.time_s)
        return tick(self, one)

    monkeypatch.setattr(Evaluator, "tick", listen)
    monkeypatch.setattr(watch, "RESCAN_S", 1e6)  # Or the engine may find an edit before it is told to reload.
    clock = SystemClock()
    alone = Alone(tmp_path, clock)
    for number in range(FILES):
        write(alone.rules, number)
    sentence_parser()  # Made once, before there is a connection that could bring prices.
    with callbacks_timed() as taken:
        with collector_waits():
            edition = await in_slices(alone.book.reading(clock.now_s(), frozenset(), {}))
        assert isinstance(edition, Edition) and len(edition.plans) == FILES * RULES_A_FILE
        daemon = alone.daemon(edition)
        stopping, sent = asyncio.Event(), list[float]()
        running = asyncio.create_task(daemon.run(stopping))
        while not daemon.is_running:
            await asyncio.sleep(0)
        daemon.inbox.report(FeedUp(clock.now_s(), "S7"))
        feeding = asyncio.create_task(feed(daemon, clock, sent))
        write(alone.rules, 50, quantity=2)
        changed = await daemon.reload()
        feeding.cancel()
        feeding = asyncio.create_task(feed(daemon, clock, sent, turns=50))
        for number in range(FILES // 2):
            write(alone.rules, number, quantity=3)
        half_changed = await daemon.reload()
        feeding.cancel()
        while len(daemon.inbox):
            await asyncio.sleep(0)
        stopping.set()
    await running
    daemon.close()
    assert isinstance(changed, Difference) and len(changed.changed) == RULES_A_FILE
    assert isinstance(half_changed, Difference) and len(half_changed.changed) == FILES // 2 * RULES_A_FILE
    assert heard == sent and len(sent) > 10
    none_is_long({"all of it": max(taken)}, TEN_THOUSAND_MAX, sum(taken))


@pytest.mark.parametrize("new", ["buy 2 MA", "buy 1 MA\n    only_if: V > 100", "crosses below"])
async def test_what_a_reload_takes_out_of_force_needs_no_collector_to_be_let_go(tmp_path: Path, new: str) -> None:
    """What is there after a reload is never looked through again, so a circle in it would stay for good."""
    alone = Alone(tmp_path, SystemClock())
    write(alone.rules, 0)
    async with alone.running() as daemon:
        before = [weakref.ref(run) for run in daemon._evaluator._runs.values()]
        (file,) = alone.rules.iterdir()
        file.write_text(file.read_text().replace("crosses above" if "crosses" in new else "buy 1 MA", new))
        changed = await daemon.reload()
        assert isinstance(changed, Difference) and changed.changed
        assert sum(run() is None for run in before) == len(changed.changed)


async def test_what_matured_before_a_reload_is_decided_by_the_words_it_matured_under(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    clock, replacing = SteppedClock(1_900_000_000.0), Evaluator.replacing
    alone = Alone(tmp_path, clock)
    text = "version: 1\ntimezone: UTC\nrules:\n  - name: r\n    when: V > 200 for 30s\n    do: buy 1 MA\n"
    alone.write(text)

    def late(self: Evaluator, plans: Iterable[Plan], until_s: Callable[[], float]) -> Slices[Replaced]:
        clock.time_s += 30
        return (yield from replacing(self, plans, until_s))

    async with alone.running() as daemon:
        while "yet" in daemon._incidents.link.text:  # No time passes beyond a report that waits.
            await asyncio.sleep(0)
        daemon.inbox.report(FeedUp(clock.now_s(), "V"))
        for price in (199.0, 201.0):
            daemon.inbox.tick(Tick("V", clock.now_s(), Field.LAST, price))
        while len(daemon.inbox):
            await asyncio.sleep(0)
        monkeypatch.setattr(Evaluator, "replacing", late)
        alone.write(text.replace("name: r", "name: other"))
        assert isinstance(await daemon.reload(), Difference)
    with open_ledger(alone.state.journal) as ledger:
        assert [(fire.rule, fire.fate) for fire in ledger.fires()] == [("r", "held back")]


@each_time
async def test_a_thousand_rules_hold_nothing_up_whatever_is_done_with_all_of_them(tmp_path: Path) -> None:
    alone = Alone(tmp_path, SystemClock())
    for number in range(10):
        write(alone.rules, number)
    prepare()
    longest: dict[str, float] = {}
    work: list[float] = []
    for start in ("start", "start again"):
        daemon, stopping = alone.daemon(), asyncio.Event()
        with longest_callback(longest, work, start):
            running = asyncio.create_task(daemon.run(stopping))
            while not daemon.is_running or not alone.state.socket.exists():
                await asyncio.sleep(0)
        for what, command in COMMANDS.items():
            with longest_callback(longest, work, what):
                await asyncio.to_thread(ask, alone.state.socket, command)
        for what, (old, new) in EDITS.items():
            for file in alone.rules.iterdir():
                file.write_text(file.read_text().replace(old, new))
            with longest_callback(longest, work, what):
                await daemon.reload()
        with longest_callback(longest, work, "stop"):
            stopping.set()
            await running
        daemon.close()
    none_is_long(longest, A_THOUSAND_MAX, sum(work))


COMMANDS = {"status": "status", "all are paused": "pause", "all listen again": "resume"}
EDITS = {
    "all say something wrong": ("when: ", "when: S is blorb or "),
    "all are right again": ("S is blorb or ", ""),
    "all order something else": ("buy 1 ", "buy 2 "),
    "all judge something else": ("when: ", "when: MA > 5 and "),
    "all have wrong keys": ("when: ", "wehn: "),
    "all are as they were": ("wehn: MA > 5 and ", "when: "),
    "all order what they ordered": ("buy 2 ", "buy 1 "),
}


@contextmanager
def longest_callback(longest: dict[str, float], work: list[float], what: str) -> Iterator[None]:
    """Notes the longest callback of what is done meanwhile, and all of them."""
    with callbacks_timed() as taken:
        yield
    work += taken
    longest[what] = max(longest.get(what, 0.0), *taken)


async def test_a_lost_link_makes_what_the_account_holds_and_is_worth_unknown_some_rules_at_a_time(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    clock = SteppedClock(1_900_000_000.0)
    alone, count, judge = Alone(tmp_path, clock), 50, Jury.judge
    judged: list[str] = []

    def listen(self: Jury, watch: Watch, moment: Moment) -> None:
        judged.append(watch.run.rule.name)
        judge(self, watch, moment)

    alone.write(
        "version: 1\ntimezone: UTC\nrules:\n"
        + "".join(
            f"  - name: r{rule}\n    when: account.equity > 5 and position(MA) > 2 for 30s\n    do: buy 1 V\n"
            for rule in range(count)
        )
    )
    daemon = alone.daemon()
    await daemon._in_force.resume()
    daemon.inbox.report(AccountValue(AccountField.EQUITY, 7.0))
    daemon.inbox.report(PositionReport("MA", 1, Decimal(3), Decimal(1)))
    while len(daemon.inbox) or daemon._reactor.is_busy:
        daemon._step()
    clock.time_s += 1
    daemon.inbox.report(LinkChange(clock.now_s(), "down"))
    monkeypatch.setattr(Jury, "judge", listen)
    steps = 0
    while len(daemon.inbox) or daemon._reactor.is_busy:
        before, steps = len(judged), steps + 1
        is_long = chain([False], repeat(True))
        daemon._reactor.step(daemon.inbox, clock.now_s(), lambda: next(is_long))  # noqa: B023  # Asked at once.
        assert len(judged) - before <= RULES_MAX
        assert daemon._reactor.until_s(daemon.inbox, clock.now_s()) == (
            NEVER if daemon._reactor._unheard else clock.now_s()
        )
    assert steps > count // RULES_MAX and {*judged} == {f"r{rule}" for rule in range(count)}
    assert all(daemon._evaluator.truths(f"r{rule}") == (Truth.UNKNOWN,) for rule in range(count))
    daemon.close()


async def feed(daemon: Daemon, clock: SystemClock, sent: list[float], turns: int = 1) -> None:
    """Prices as fast as the loop turns, or one every so many turns."""
    while True:
        sent.append(clock.now_s())
        daemon.inbox.tick(Tick("S7", sent[-1], Field.LAST, 100.0 + len(sent) % 7))
        for _ in range(turns):
            await asyncio.sleep(0)


async def test_rules_that_did_not_change_are_not_saved_again_and_are_known_to_be_as_they_were(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    clock = SteppedClock(1_900_000_000.0)
    alone = Alone(tmp_path, clock)
    write(alone.rules, 0)

    async def turn(**known_s: float) -> None:
        """An engine that hears a price each minute for three minutes, and then is gone as in a crash."""
        daemon = alone.daemon()
        saved: list[str] = []
        save = daemon._journal.save_lives

        def listen(lives: Mapping[str, Life]) -> None:
            saved.extend(lives)
            save(lives)

        await daemon._in_force.resume()
        began = {name: daemon._evaluator._runs[name].watches[0].gap_s for name in known_s}
        assert began == known_s
        monkeypatch.setattr(daemon._journal, "save_lives", listen)
        for _ in range(3):
            clock.time_s += 60
            daemon.inbox.report(FeedUp(clock.now_s(), "S0"))
            daemon.inbox.tick(Tick("S0", clock.now_s(), Field.LAST, 100.0))
            daemon._step()
            at_once(daemon._reactor.saving())
        daemon.close()
        assert len(saved) <= RULES_A_FILE + 10, "each once, and those of S0 as they come to know something"

    await turn()
    ended_s = clock.time_s
    clock.time_s += 3600
    await turn(r0=ended_s, r1=ended_s)
