"""Prices that come too fast: one message with its end, and figures to look at."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from rules_engine.broker.inbox import Inbox
from rules_engine.daemon import overload as overload_module
from rules_engine.daemon.overload import AGAIN_S, NAMED_MAX, OVER_AFTER_S, Overload
from rules_engine.execution.journal import Journal
from rules_engine.language import Source, load
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field
from rules_engine.model.plan import Plan
from rules_engine.model.rule import Rule
from rules_engine.model.tick import Tick
from rules_engine.planning import plan_all
from rules_engine.planning.fold_proof import is_fold_proof

NOW_S = 1_900_000_000.0
RULES = "version: 1\ntimezone: UTC\nrules:\n" + "".join(
    f"  - {{name: {name}, when: '{when}', do: buy 1 MA, run: here}}\n"
    for name, when in [("level", "V > 5"), ("mean", "sma(V, 10s) > 5"), ("other", "sma(NVDA, 10s) > 5")]
)


def plans(text: str) -> dict[str, Plan]:
    loaded = load([Source("a.yaml", text.encode())], now_s=NOW_S)
    assert loaded.ok, loaded.problems
    return {plan.rule.name: plan for plan in plan_all(loaded.rules)[0]}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.db", SteppedClock(NOW_S))
    yield journal
    journal.close()


def flood(inbox: Inbox) -> None:
    """Of ten ticks that rise the oldest four stay, and the first and the last of the others."""
    before, values = inbox.folded, count()
    while inbox.folded == before:
        inbox.tick(Tick("V", NOW_S, Field.LAST, float(next(values))))
    list(inbox.take())


def told(journal: Journal) -> list[str]:
    return [f"{message.title}: {message.text}" for message in journal.outbox.waiting("phone", 100)]


def test_an_overload_is_told_once_and_so_is_its_end(journal: Journal) -> None:
    inbox = Inbox(ticks_max=10)
    overload = Overload(inbox, lambda: plans(RULES), journal, ["phone"])
    for second in range(5):
        flood(inbox)
        overload.look(NOW_S + second)
    assert overload.status() == {"waiting": 0, "bound": 10, "folded": 20, "overload_since_s": NOW_S}
    overload.look(NOW_S + 4 + OVER_AFTER_S - 1)
    assert len(told(journal)) == 1
    overload.look(NOW_S + 4 + OVER_AFTER_S)
    assert ["Too many prices" in told(journal)[0], "20 prices were passed over" in told(journal)[1]] == [True, True]
    assert overload.status() == {"waiting": 0, "bound": 10, "folded": 20, "overload_since_s": None}


def test_rules_that_look_at_every_price_of_what_was_folded_are_named(journal: Journal) -> None:
    inbox = Inbox(ticks_max=10)
    overload = Overload(inbox, lambda: plans(RULES), journal, ["phone"])
    flood(inbox)
    overload.look(NOW_S)
    assert told(journal)[0].endswith("at every price, at times, or at two prices at once: mean")


def test_of_very_many_rules_the_first_are_named(journal: Journal) -> None:
    text = RULES.partition("  -")[0] + "".join(
        f"  - {{name: r{number}, when: V is inside {number} to 99, do: buy 1 MA, run: here}}\n" for number in range(25)
    )
    inbox = Inbox(ticks_max=10)
    overload = Overload(inbox, lambda: plans(text), journal, ["phone"])
    flood(inbox)
    overload.look(NOW_S)
    assert told(journal)[0].endswith(f"r{NAMED_MAX - 1}, and 15 more")


def test_very_many_rules_are_looked_at_some_at_a_time_and_the_end_is_told_after_the_beginning(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = RULES.partition("  -")[0] + "".join(
        f"  - {{name: r{number}, when: V is inside {number} to 99, do: buy 1 MA, run: here}}\n" for number in range(25)
    )
    found, inbox, looked_at = plans(text), Inbox(ticks_max=10), list[str]()

    def proof(rule: Rule) -> bool:
        looked_at.append(rule.name)
        return is_fold_proof(rule)

    monkeypatch.setattr(overload_module, "is_fold_proof", proof)
    monkeypatch.setattr(overload_module, "_LOOKED_AT_ONCE", 10)
    overload = Overload(inbox, lambda: found, journal, ["phone"])
    flood(inbox)
    for looks, after_s in enumerate((0.0, OVER_AFTER_S, OVER_AFTER_S + 1), 1):
        assert told(journal) == []
        overload.look(NOW_S + after_s)
        assert len(looked_at) == min(10 * looks, 25)
    assert [words.partition(":")[0] for words in told(journal)] == ["Too many prices"]
    assert told(journal)[0].endswith(f"r{NAMED_MAX - 1}, and 15 more")
    overload.look(NOW_S + OVER_AFTER_S + 2)
    assert [words.partition(":")[0] for words in told(journal)][1:] == ["All prices are looked at again"]


def test_one_soon_after_another_is_not_told_again(journal: Journal) -> None:
    inbox = Inbox(ticks_max=10)
    overload = Overload(inbox, dict, journal, ["phone"])
    for after_s in (0.0, 100.0, AGAIN_S):
        flood(inbox)
        overload.look(NOW_S + after_s)
        overload.look(NOW_S + after_s + OVER_AFTER_S)
    assert [words.partition(":")[0] for words in told(journal)] == [
        "Too many prices",
        "All prices are looked at again",
    ] * 2


def test_nothing_is_told_while_prices_are_looked_at_one_by_one(journal: Journal) -> None:
    inbox = Inbox(ticks_max=10)
    overload = Overload(inbox, dict, journal, ["phone"])
    for second in range(100):
        inbox.tick(Tick("V", NOW_S, Field.LAST, 5.0))
        list(inbox.take())
        overload.look(NOW_S + second)
    assert told(journal) == []
