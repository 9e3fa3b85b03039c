"""Five thousand rules that all read one instrument: nothing that happens to it holds the loop up."""

import asyncio
from pathlib import Path

from benchmarks.callbacks import callbacks_timed
from rules_engine.daemon.collector import collector_waits
from rules_engine.daemon.rulebook import Edition
from rules_engine.execution.ledger import open_ledger
from rules_engine.execution.slices import in_slices
from rules_engine.language import prepare
from rules_engine.model.clock import SystemClock
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedDown, FeedUp
from rules_engine.model.tick import Tick
from tests.daemon.alone import Alone
from tests.daemon.holding_up import each_time, none_is_long

FILES, RULES_A_FILE = 50, 100
LONGEST_MAX = 0.014
"""No callback takes a larger share of all the work: 0.05 s on a machine where that is 3.6 s. One that is slower, or
busy, is so for both."""
WHENS = (
    "S crosses above {level}",
    "S moves up {percent}% in 5m",
    "S > {level}",
    "sma(S, 10s) crosses above sma(S, 60s) + {percent}",
    "S enters {level} to {level}.5",
)


def write(folder: Path, number: int) -> None:
    rules = "".join(
        f"  - name: r{rule}\n    when: {when}\n    do: buy 1 MA\n    run: here\n    cooldown: 15m\n"
        for rule in range(number * RULES_A_FILE, (number + 1) * RULES_A_FILE)
        for when in [WHENS[rule % 5].format(level=200 + rule, percent=1 + rule % 9)]
    )
    (folder / f"{number:03}.yaml").write_text(f"version: 1\ntimezone: UTC\nrules:\n{rules}")


@each_time
async def test_what_happens_to_an_instrument_that_all_rules_read_holds_nothing_up(tmp_path: Path) -> None:
    clock = SystemClock()
    alone = Alone(tmp_path, clock)
    for number in range(FILES):
        write(alone.rules, number)
    prepare()
    longest: dict[str, float] = {}
    with callbacks_timed() as taken:
        with collector_waits():
            edition = await in_slices(alone.book.reading(clock.now_s(), frozenset(), {}))
        assert isinstance(edition, Edition) and len(edition.plans) == FILES * RULES_A_FILE
        daemon = alone.daemon(edition)
        stopping = asyncio.Event()
        running = asyncio.create_task(daemon.run(stopping))
        while not daemon.is_running:
            await asyncio.sleep(0)
        for what in ("up", 100.0, 100.01, "down", "up", 100.0, 100.01, 600.0, 601.0):
            before, now_s = len(taken), clock.now_s()
            match what:
                case "up":
                    daemon.inbox.report(FeedUp(now_s, "S"))
                case "down":
                    daemon.inbox.report(FeedDown(now_s, "S"))
                case float():
                    daemon.inbox.tick(Tick("S", now_s, Field.LAST, what))
            while len(daemon.inbox) or daemon._evaluator.is_judging:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            longest[f"{what} after {len(longest)}"] = max(taken[before:])
        stopping.set()
        await running
        daemon.close()
    with open_ledger(alone.state.journal) as ledger:
        fired = [fire.rule for fire in ledger.fires(count_max=2 * len(edition.plans))]
    assert len(fired) == len({*fired})
    assert {f"r{rule}" for rule in range(400) if rule % 5 in (0, 2)} <= {*fired}
    none_is_long(longest, LONGEST_MAX, sum(taken))
