"""Orders that go with the words that they were placed for: barred at one moment, marked to be cancelled after it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from rules_engine.daemon.endings import NOT_TRIGGERED, Endings
from rules_engine.daemon.outdated import Outdated
from rules_engine.execution.intents import UnitName
from rules_engine.execution.journal import Journal
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.slices import Slices

RULES_AT_ONCE = 20
"""So many are marked in one commit."""


class Withdrawal:
    """Takes back what the broker holds for rules and has not triggered, and what of them is still to be sent."""

    def __init__(self, journal: Journal, endings: Endings) -> None:
        self._journal = journal
        self._endings = endings

    def held(self) -> list[Intent]:
        """What waits at the broker for its trigger, or was triggered. Not the children of a bracket: they guard a
        position after their entry is over, whatever becomes of the rule."""
        return [one for one in self._journal.intents.open() if _is_held(one)]

    def bar(self, outdated: Outdated) -> Sequence[str]:
        """From now on nothing is sent that is outdated, and what becomes of it is no reason to break its rule. Returns
        the rules that have something to be marked: a start that does not find it marked finds it to be of other words,
        or misplaced."""
        units, unwanted = outdated.units(), self._journal.intents.unwanted
        unwanted.update({**units, **{rule: units[rule] | unwanted[rule] for rule in units.keys() & unwanted.keys()}})
        for rule in units.keys() - outdated.triggered:
            self._endings.drop(rule)
        return list(units)

    def bar_old_contract(self, name: str, placing: Collection[str]) -> Sequence[UnitName]:
        """The same where an instrument means another contract: of what is still to be sent in it, and of all that the
        broker was to hold for the rules ``placing``. Returns the units, which no words tell from others."""
        rules, waiting, triggered = frozenset(placing), dict[UnitName, None](), set[UnitName]()
        for one in self._journal.intents.open():
            if one.state is IntentState.INTENT:
                if one.rule in rules or one.draft.instrument.name == name:
                    waiting[one.rule, one.seq] = None
            elif one.rule in rules and _is_held(one):
                if one.state in NOT_TRIGGERED:
                    waiting[one.rule, one.seq] = None
                else:
                    triggered.add((one.rule, one.seq))
        units = [unit for unit in waiting if unit not in triggered]
        self._bar(units, triggered)
        return units

    def _bar(self, units: Iterable[UnitName], triggered: AbstractSet[UnitName]) -> Sequence[str]:
        unwanted, keeping = self._journal.intents.unwanted, {rule for rule, _ in triggered}
        rules = dict[str, None]()
        for rule, seq in units:
            rules[rule] = None
            unwanted.setdefault(rule, set()).add(seq)
            if rule not in keeping:
                self._endings.drop(rule)
        return list(rules)

    def triggered(self) -> AbstractSet[UnitName]:
        """Of what the broker holds, what it has triggered."""
        return {(one.rule, one.seq) for one in self.held() if one.state not in NOT_TRIGGERED}

    def mark_barred(self, rules: Collection[str]) -> Sequence[str]:
        """What was barred of these is to be cancelled, in one commit. Returns the rules for which the broker held
        something; not those of which it has triggered some."""
        is_unwanted = self._journal.intents.is_unwanted
        with self._journal.transaction():
            marked = [rule for rule in rules if self._mark(rule, list(filter(is_unwanted, self._open(rule))))]
        for rule in rules:
            self._journal.intents.unwanted.pop(rule, None)
        return marked

    def mark(self, rules: Iterable[str]) -> Sequence[str]:
        """The same with all that is open of them."""
        with self._journal.transaction():
            return [rule for rule in rules if self._mark(rule, self._open(rule))]

    def marking(self, units: Iterable[UnitName]) -> Slices[None]:
        """The same with these units, in slices: each is a commit."""
        seqs = _by_rule(units)
        for some in at_a_time(list(seqs)):
            with self._journal.transaction():
                for rule in some:
                    self._mark(rule, [one for one in self._open(rule) if one.seq in seqs[rule]])
            yield

    def is_free(self, rule: str) -> bool:
        """Whether the broker holds nothing for the rule but what was taken back."""
        return all(self._endings.is_withdrawn(rule, one.seq) for one in self._open(rule) if _is_held(one))

    def _open(self, rule: str) -> Sequence[Intent]:
        return self._journal.intents.open_of(rule)

    def _mark(self, rule: str, legs: Sequence[Intent]) -> bool:
        held = [one for one in legs if _is_held(one)]
        is_waiting = all(one.state in NOT_TRIGGERED for one in held)
        for entry in held:
            if is_waiting:
                self._endings.withdraw(entry)
            else:  # Its end is the rule's own, whatever it was barred from.
                self._endings.holds(rule, entry.seq)
        self._journal.want_unsent_cancelled(legs)
        return bool(held) and is_waiting


def at_a_time(rules: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many as are marked in one commit."""
    for start in range(0, len(rules), RULES_AT_ONCE):
        yield rules[start : start + RULES_AT_ONCE]


def _by_rule(units: Iterable[UnitName]) -> Mapping[str, AbstractSet[int]]:
    seqs = defaultdict[str, set[int]](set)
    for rule, seq in units:
        seqs[rule].add(seq)
    return seqs


def _is_held(one: Intent) -> bool:
    return one.held and not one.is_child
