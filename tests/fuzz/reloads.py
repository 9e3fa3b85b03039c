"""Rule files that are edited, damaged and half saved, and reloaded each time while prices come: all of them come into
force, or none, and rules that stay hear every price."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rules_engine.daemon.endings import Endings
from rules_engine.daemon.in_force import EDITION, InForce
from rules_engine.daemon.rulebook import Difference, Edition, Refused, RuleBook
from rules_engine.evaluation import Evaluator
from rules_engine.execution.journal import Journal
from rules_engine.language import load, read_sources
from rules_engine.model.clock import SteppedClock
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome
from rules_engine.model.settings import Mode
from rules_engine.model.tick import Tick
from tests.fuzz.sentences import STARTS, damaged

FILES = ("a.yaml", "b.yaml", "deep/c.yaml")
KEPT = """\
version: 1
rules:
  - {name: kept-crossing, when: V crosses above 200, do: buy 1 MA, run: here}
  - {name: kept-move, when: V moves up 0.5% in 1m, do: buy 2 MA, run: here, cooldown: 10s}
  - {name: kept-lasting, when: V > 200 for 3s, do: buy 3 MA, run: here}
"""
"""A file that nobody edits: an engine without reloads must decide the same."""
RULES_MAX = 6
SECONDS_MAX = 0.2
"""Of processor time for one reload."""
TICK_S = 0.01


@dataclass
class Reloads:
    """What came of the edits."""

    edits: int = 0
    taken: int = 0
    refused: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seconds_max: float = 0.0
    prices: int = 0
    amid: int = 0
    """Prices that came while a reload was under way."""
    firings: int = 0
    """Of the rules that nobody edits."""
    slow: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Prices:
    """One price for two engines: that of the reloads, and one that has the rules that stay and knows of no reload."""

    def __init__(self, dice: Random, clock: SteppedClock, one: Evaluator, other: Evaluator, found: Reloads) -> None:
        self.found = found
        self._dice, self._clock, self._engines = dice, clock, (one, other)
        self._price = 200.0

    def come(self) -> None:
        """The next one; both engines must make the same of it."""
        self._clock.time_s += TICK_S
        self._price += self._dice.gauss((200.0 - self._price) * 0.02, 0.2)
        tick = Tick("V", self._clock.time_s, Field.LAST, round(self._price, 2), 100.0)
        one, other = (_told([*engine.tick(tick), *engine.advance(tick.time_s)]) for engine in self._engines)
        self.found.prices += 1
        self.found.firings += len(other)
        if one != other:
            self.found.broken.append(f"{tick} after {self.found.edits} edits: {one}, not {other}")


def _told(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What became of the rules that stay."""
    return [one for one in outcomes if isinstance(one, Firing) and one.rule.startswith("kept-")]


def written(dice: Random, file: str) -> str:
    """A good file of a few rules; names belong to the file."""
    lines = ["version: 1", "rules:"]
    for number in range(dice.randrange(1, RULES_MAX + 1)):
        name = f"{Path(file).stem}-{number}"
        when = dice.choice([start for start in STARTS if not start.startswith("buy")])
        held = dice.choice(("", "\n    run: here", "\n    once: true", "\n    cooldown: 5m"))
        lines.append(f"  - name: {name}\n    when: {when}\n    do: buy {dice.randrange(1, 500)} MA{held}")
    return "\n".join([*lines, ""])


def edit(dice: Random, folder: Path, found: Reloads) -> None:
    """One save of one file, as people and editors do it."""
    file = folder / dice.choice(FILES)
    kind = dice.choice(("whole", "whole", "torn", "damaged", "empty", "gone", "twice", "bytes"))
    found.kinds[kind] += 1
    text = written(dice, file.name)
    match kind:
        case "torn":
            text = text[: dice.randrange(len(text))]
        case "damaged":
            text = damaged(text, dice)
        case "empty":
            text = ""
        case "twice":
            text += re.sub(r"(?s)^.*?rules:\n", "", text)
        case "gone":
            file.unlink(missing_ok=True)
            return
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(dice.randbytes(300) if kind == "bytes" else text.encode("utf-8", "surrogatepass"))


async def try_edits(folder: Path, count: int, seed: int) -> Reloads:
    """So many edits, each reloaded; every fourth is followed by good files, so that there is something to lose."""
    dice, found, clock = Random(seed), Reloads(), SteppedClock(1_900_000_000.0)
    rules = folder / "rules"
    (rules / "deep").mkdir(parents=True)
    (rules / "kept.yaml").write_text(KEPT)
    for file in FILES:
        (rules / file).write_text(written(dice, file))
    journal = Journal(folder / "journal.db", clock, mode=Mode.DRY)
    book = RuleBook(rules, frozenset())
    edition = book.read(clock.now_s(), frozenset(), {})
    assert isinstance(edition, Edition), edition
    evaluator = Evaluator((), clock.now_s())
    untouched = Evaluator([plan for plan in edition.plans if plan.rule.name.startswith("kept-")], clock.now_s())
    endings = Endings(evaluator, journal, clock, lambda name: None)
    in_force = InForce(book, edition, evaluator, journal, endings, clock, ())
    await in_force.resume()
    prices = Prices(Random(f"{seed}:prices"), clock, evaluator, untouched, found)
    for number in range(count):
        clock.time_s += 1.0
        if number % 4 == 3:
            for file in FILES:
                (rules / file).parent.mkdir(exist_ok=True)
                (rules / file).write_text(written(dice, file))
        else:
            edit(dice, rules, found)
        before = names_in_force(in_force, evaluator, journal)
        prices.come()
        outcome, took_s = await _reloaded(in_force, prices)
        prices.come()
        after = names_in_force(in_force, evaluator, journal)
        found.edits += 1
        found.seconds_max = max(found.seconds_max, took_s)
        if isinstance(outcome, Refused):
            found.refused += 1
            wanted = before
        else:
            found.taken += 1
            wanted = [whole_set(rules, clock.now_s())] * len(before)
        if after != wanted:
            found.broken.append(f"edit {number}: {before} -> {after}, not {wanted}")
        if took_s > SECONDS_MAX:
            found.slow.append(f"edit {number}: {took_s * 1000:.0f} ms")
    journal.close()
    return found


async def _reloaded(in_force: InForce, prices: Prices) -> tuple[Difference | Refused, float]:
    """What came of a reload, and the processor time it took, without that of the prices that came meanwhile."""
    reloading = asyncio.create_task(in_force.reload())
    taken_s = 0.0
    while not reloading.done():
        began_s = time.process_time()
        await asyncio.sleep(0)
        taken_s += time.process_time() - began_s
        prices.come()
        prices.found.amid += 1
    return reloading.result(), taken_s


def names_in_force(in_force: InForce, evaluator: Evaluator, journal: Journal) -> list[dict[str, str]]:
    """The rules, each with its digest, as far as the edition, the journal and the evaluator know them."""
    plans = {name: plan.rule.digest for name, plan in in_force.plans.items()}
    kept = {name: digests[0] for name, digests in json.loads(journal.get(journal.own(EDITION)) or "{}").items()}
    judged = {status.rule: plans.get(status.rule, "unknown") for status in evaluator.status(0.0)}
    return [plans, kept, judged]


def whole_set(folder: Path, now_s: float) -> dict[str, str]:
    """What the files say, read anew."""
    sources, unreadable = read_sources([folder])
    loaded = load(sources, channels=frozenset(), now_s=now_s)
    assert loaded.ok and not unreadable
    return {rule.name: rule.digest for rule in loaded.rules}
