"""Rule files that are edited, damaged and half saved, and reloaded each time: all of them come into force, or none."""

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rules_engine.daemon.endings import Endings
from rules_engine.daemon.in_force import EDITION, InForce
from rules_engine.daemon.rulebook import Edition, Refused, RuleBook
from rules_engine.evaluation import Evaluator
from rules_engine.execution.journal import Journal
from rules_engine.language import load, read_sources
from rules_engine.model.clock import SteppedClock
from rules_engine.model.settings import Mode
from tests.fuzz.sentences import STARTS, damaged

FILES = ("a.yaml", "b.yaml", "deep/c.yaml")
RULES_MAX = 6
SECONDS_MAX = 0.5


@dataclass
class Reloads:
    """What came of the edits."""

    edits: int = 0
    taken: int = 0
    refused: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    seconds_max: float = 0.0
    partial: list[str] = field(default_factory=list)


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
    for file in FILES:
        (rules / file).write_text(written(dice, file))
    journal = Journal(folder / "journal.db", clock, mode=Mode.DRY)
    book = RuleBook(rules, frozenset())
    edition = book.read(clock.now_s(), frozenset(), {})
    assert isinstance(edition, Edition), edition
    evaluator = Evaluator(edition.plans, clock.now_s())
    endings = Endings(evaluator, journal, clock, lambda name: None)
    in_force = InForce(book, edition, evaluator, journal, endings, clock, ())
    await in_force.resume()
    for number in range(count):
        clock.time_s += 1.0
        if number % 4 == 3:
            for file in FILES:
                (rules / file).parent.mkdir(exist_ok=True)
                (rules / file).write_text(written(dice, file))
        else:
            edit(dice, rules, found)
        before = names_in_force(in_force, evaluator, journal)
        began_s = time.process_time()
        outcome = await in_force.reload()
        took_s = time.process_time() - began_s
        after = names_in_force(in_force, evaluator, journal)
        found.edits += 1
        found.seconds_max = max(found.seconds_max, took_s)
        if isinstance(outcome, Refused):
            found.refused += 1
            wanted = before
        else:
            found.taken += 1
            wanted = [whole_set(rules, clock.now_s())] * len(before)
        if after != wanted or took_s > SECONDS_MAX:
            found.partial.append(f"edit {number}: {took_s:.2f} s, {before} -> {after}, not {wanted}")
    journal.close()
    return found


def names_in_force(in_force: InForce, evaluator: Evaluator, journal: Journal) -> list[dict[str, str]]:
    """The rules, each with its digest, as far as the edition, the journal and the evaluator know them."""
    plans = {name: plan.rule.digest for name, plan in in_force.plans.items()}
    kept = {name: digests[0] for name, digests in json.loads(journal.get(EDITION) or "{}").items()}
    judged = {status.rule: plans.get(status.rule, "unknown") for status in evaluator.status(0.0)}
    return [plans, kept, judged]


def whole_set(folder: Path, now_s: float) -> dict[str, str]:
    """What the files say, read anew."""
    sources, unreadable = read_sources([folder])
    loaded = load(sources, channels=frozenset(), now_s=now_s)
    assert loaded.ok and not unreadable
    return {rule.name: rule.digest for rule in loaded.rules}
