"""Orders that go with the words that they were placed for: barred at one moment, marked to be cancelled after it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from rules_engine.daemon.endings import NOT_TRIGGERED, Endings
from rules_engine.execution.intents import UnitName
from rules_engine.execution.journal import Journal
from rules_engine.model.intent import Intent
from rules_engine.model.slices import Slices

_RULES_AT_ONCE = 20


class Withdrawal:
    """Takes back what the broker holds for rules and has not triggered, and what of them is still to be sent."""

    def __init__(self, journal: Journal, endings: Endings) -> None:
        self._journal = journal
        self._endings = endings

    def held(self) -> list[Intent]:
        """What waits at the broker for its trigger, or was triggered. Not the children of a bracket: they guard a
        position after their entry is over, whatever becomes of the rule."""
        return [one for one in self._journal.intents.open() if _is_held(one)]

    def bar(self, edited: Collection[str], misplaced: Collection[str]) -> Sequence[str]:
        """From now on nothing is sent that these rules have recorded until now, and what becomes of it is no reason to
        break them; of those ``misplaced`` that concerns only what the broker is to hold. Returns the rules that have
        something to be marked: a start that does not find it marked finds it to be of other words."""
        whole, placed = frozenset(edited), frozenset(misplaced)
        found, unwanted = self._journal.intents.open(), self._journal.intents.unwanted
        concerned = (one for one in found if one.rule in whole or (one.held and one.rule in placed))
        unwanted.update({(one.rule, one.held): one.seq for one in concerned})
        triggered = {one.rule for one in found if one.state not in NOT_TRIGGERED and _is_held(one)}
        rules = {rule: None for rule, _ in unwanted}
        for rule in rules.keys() - triggered:
            self._endings.drop(rule)
        return list(rules)

    def mark_barred(self, rules: Collection[str]) -> Sequence[str]:
        """What was barred of these is to be cancelled, in one commit. Returns the rules for which the broker held
        something; not those of which it has triggered some."""
        is_unwanted = self._journal.intents.is_unwanted
        with self._journal.transaction():
            marked = [rule for rule in rules if self._mark(rule, list(filter(is_unwanted, self._open(rule))))]
        for name in ((rule, held) for rule in rules for held in (True, False)):
            self._journal.intents.unwanted.pop(name, None)
        return marked

    def mark(self, rules: Iterable[str]) -> Sequence[str]:
        """The same with all that is open of them."""
        with self._journal.transaction():
            return [rule for rule in rules if self._mark(rule, self._open(rule))]

    def marking(self, units: Iterable[UnitName]) -> Slices[None]:
        """The same with these units, in slices: each is a commit."""
        seqs = defaultdict[str, set[int]](set)
        for rule, seq in units:
            seqs[rule].add(seq)
        for some in at_a_time(list(seqs)):
            with self._journal.transaction():
                for rule in some:
                    self._mark(rule, [one for one in self._open(rule) if one.seq in seqs[rule]])
            yield

    def _open(self, rule: str) -> Sequence[Intent]:
        return self._journal.intents.open_of(rule)

    def _mark(self, rule: str, legs: Sequence[Intent]) -> bool:
        held = [one for one in legs if _is_held(one)]
        is_waiting = all(one.state in NOT_TRIGGERED for one in held)
        for entry in held if is_waiting else ():
            self._endings.withdraw(entry)
        self._journal.want_unsent_cancelled(legs)
        return bool(held) and is_waiting


def at_a_time(rules: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many as are marked in one commit."""
    for start in range(0, len(rules), _RULES_AT_ONCE):
        yield rules[start : start + _RULES_AT_ONCE]


def _is_held(one: Intent) -> bool:
    return one.held and not one.is_child
