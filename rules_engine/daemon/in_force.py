"""The rules that are in force: adopted at start, replaced as a whole by a reload, or kept."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from rules_engine.daemon.collector import collector_waits
from rules_engine.daemon.endings import NOT_TRIGGERED, Endings
from rules_engine.daemon.named import Named, naming
from rules_engine.daemon.outdated import Outdated
from rules_engine.daemon.rolled import Rolled
from rules_engine.daemon.rulebook import SAME_WORDS, Difference, Edition, Refused, RuleBook, compare
from rules_engine.daemon.withdrawal import Withdrawal, at_a_time
from rules_engine.evaluation import Evaluator
from rules_engine.execution.intents import UnitName
from rules_engine.execution.journal import Journal
from rules_engine.execution.slices import in_slices
from rules_engine.language import render
from rules_engine.model.clock import Clock
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.life import Life
from rules_engine.model.place import Problem
from rules_engine.model.plan import Plan, Where
from rules_engine.model.reports import Traded
from rules_engine.model.rule import Run
from rules_engine.model.slices import Slices, at_once
from rules_engine.notifying.messages import not_held_notice, reload_failed_notice, reloaded_notice

_log = logging.getLogger(__name__)
EDITION = "edition"
"""The name under which the journal keeps the digests of the rules in force, for each mode and account."""
_STEPS = "price steps"
"""The name under which it keeps the price steps that they were planned with."""
_SAVED_AT_ONCE, _LOOKED_AT_ONCE = 20, 10


class InForce:
    """Holds the edition in force and swaps it. ``changes`` and ``problems`` tell of the newest reload."""

    def __init__(
        self,
        book: RuleBook,
        edition: Edition,
        evaluator: Evaluator,
        journal: Journal,
        endings: Endings,
        clock: Clock,
        channels: tuple[str, ...],
    ) -> None:
        self.edition = edition
        self.plans = edition.by_name
        self.changes: tuple[str, ...] = ()
        self.problems: tuple[Problem, ...] = ()
        self.reloaded_s: float | None = None
        self.steps: Mapping[str, Decimal] = {}
        self._book = book
        self._evaluator = evaluator
        self._journal = journal
        self._endings = endings
        self._withdrawal = Withdrawal(journal, endings)
        self._clock = clock
        self._channels = channels
        self._named = at_once(naming(edition.plans))
        self._reading = asyncio.Lock()
        self._remembered: frozenset[str] = frozenset()
        """Rules that were armed at some time, whether they are in force or not."""
        self._seen = edition.digest
        self._leaving: frozenset[str] = frozenset()
        """Names of instruments that are about to mean other contracts."""
        self.until_s: Callable[[], float] = clock.now_s
        """Until when time may pass for the rules now: not past prices that are still to be heard. Whatever matures by
        then is committed: a reload puts other rules under the same names."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when other rules are in force."""
        self.on_withdrawal: Callable[[], None] = lambda: None
        """Called when orders are to be cancelled."""
        self.on_leave: Callable[[Collection[str]], Awaitable[None]] = _nobody_listens
        """Called before instruments of these names mean other contracts: returns when no price of the old ones can
        come any more. They are not among `instruments` meanwhile."""

    @property
    def folder(self) -> Path:
        """Where the rule files are."""
        return self._book.folder

    def instruments(self) -> frozenset[Instrument]:
        """What must be watched: everything that a rule reads or orders in."""
        return frozenset(one for name, one in self._named.instruments.items() if name not in self._leaving)

    def is_known(self, instrument: str, traded: Traded | None) -> bool:
        """Whether IB has described the contract, and the rules were planned with its price step."""
        return traded is not None and self.steps.get(instrument) == traded.min_tick

    def fields(self, instrument: str) -> frozenset[Field]:
        """What rules read of an instrument."""
        return self._named.fields.get(instrument, frozenset())

    def rules_on(self, instrument: str) -> Sequence[str]:
        """The rules that read or order in it."""
        return self._named.rules.get(instrument, ())

    async def resume(self) -> None:
        """Gives the rules to the evaluator and takes up their memories where the last run left them.

        A rule whose condition was edited meanwhile starts anew; an order that its older version left at the broker is
        cancelled, unless it was triggered: then its fill uses up what the rule may do, as an edited one.
        """
        await self._plan_as_before()
        before = json.loads(self._journal.get(self._journal.own(EDITION)) or "{}")
        entries, unsettled = self._withdrawal.held(), self._journal.firings.unsettled()
        rolled = Rolled(self._journal)
        gone = rolled.units - self._withdrawal.triggered()
        own = await in_slices(self._own(before)) - gone
        outdated = Outdated(self._journal.intents, (), self.plans, self.steps)
        await in_slices(outdated.looking())
        misplaced = outdated.units()
        stay = [one for one in entries if (one.rule, one.seq) in own and one.rule not in misplaced]
        over = [end for end in unsettled if end.held and self._is_own(end.rule, end.seq, end.digest, before)]
        over = [end for end in over if (end.rule, end.seq) not in gone]
        placed = {one.rule for one in stay} | {end.rule for end in over}
        lives = await in_slices(self._journal.reading_lives())
        self._remembered = frozenset(lives)
        came = lives.keys() - before.keys()
        known = self._journal.known.besides(came)
        valid = {
            rule: _still_valid(known.brought_up(rule, life), plan, before.get(rule), rule in placed)
            for rule, life in lives.items()
            if (plan := self.plans.get(rule)) is not None
        }
        for rule in valid.keys() & {rule for name in rolled.names for rule in self.rules_on(name)}:
            valid[rule] = replace(valid[rule], known="", sides="")
        with collector_waits():
            await in_slices(self._evaluator.giving(self.edition.plans, valid))
            await in_slices(self._evaluator.arming())
        for one in (*stay, *(one for one in entries if one.state not in NOT_TRIGGERED)):
            self._endings.holds(one.rule, one.seq)
        stays = {one.key for one in stay}
        leave = [(one.rule, one.seq) for one in entries if one.key not in stays and one.state in NOT_TRIGGERED]
        leave += [name for name in self._journal.intents.waiting() if name not in own]
        await in_slices(self._withdrawal.marking(leave))
        for end in over:
            self._endings.holds(end.rule, end.seq)
        for end in unsettled:
            self._endings.ended(end)
        self._in_force_from_now(await in_slices(_digests(self.edition)), came)

    async def _plan_as_before(self) -> None:
        """With the price steps that IB told last: without them a rule might run here whose order the broker holds."""
        steps = {name: Decimal(step) for name, step in json.loads(self._journal.get(_STEPS) or "{}").items()}
        if steps:
            self.edition = await in_slices(self._book.replanning(self.edition, steps))
            self.plans, self.steps = self.edition.by_name, steps
            self._named = await in_slices(naming(self.edition.plans))
            await in_slices(self._telling_not_held())

    def _own(self, before: Mapping[str, list[str]]) -> Slices[AbstractSet[UnitName]]:
        """Units that are not over, and are of the rules in force. An edition that came into force may have left older
        ones behind that were still to be marked."""
        own = set[UnitName]()
        for number, ((rule, seq), digest) in enumerate(self._journal.intents.digests().items()):
            if self._is_own(rule, seq, digest, before):
                own.add((rule, seq))
            if number % _LOOKED_AT_ONCE == 0:
                yield
        return own

    def _is_own(self, rule: str, seq: int, digest: str, before: Mapping[str, list[str]]) -> bool:
        """Whether the rule said when it recorded the unit what it says now, and did not say otherwise in between."""
        plan = self.plans.get(rule)
        if plan is None or not before.get(rule, [None])[0] == plan.rule.digest == digest:
            return False
        return not self._endings.is_withdrawn(rule, seq)

    def changed_on_disk(self) -> bool:
        """Whether the folder holds something other than what was last read from it."""
        return self._book.digest() != self._seen

    async def preview(self) -> Difference | Refused:
        """What a reload would do now; changes nothing."""
        async with self._reading:
            found = await self._read()
        return found if isinstance(found, Refused) else compare(self.edition, found, self._held())

    async def reload(self) -> Difference | Refused:
        """Swaps in what lies in the folder, if all of it is valid; otherwise everything stays and the user is told."""
        async with self._reading:
            with collector_waits():
                return await self._take_in(await self._read())

    async def _take_in(self, found: Edition | Refused) -> Difference | Refused:
        self._seen = found.digest
        self.reloaded_s = self._clock.now_s()
        if isinstance(found, Refused):
            self._refuse(found)
            return found
        self.problems = ()
        held = self._held()
        await asyncio.sleep(0)
        difference = compare(self.edition, found, held)
        await self._swap(found, difference)
        return difference

    async def replan(self, new: Mapping[str, Decimal]) -> None:
        """The same rules with these price steps that IB has told; only a reload takes new text.

        What the broker holds stays, unless it would be another order now: then it is cancelled, and placed anew once
        that is confirmed.
        """
        async with self._reading:
            with collector_waits():
                named = self._named.instruments
                steps = {name: step for name, step in {**self.steps, **new}.items() if name in named}
                edition = await in_slices(self._book.replanning(self.edition, steps))
                await self._swap(edition, SAME_WORDS, steps)
                await in_slices(self._telling_not_held())

    def _telling_not_held(self) -> Slices[None]:
        """Of rules that insist on the broker, and that it cannot hold with the price steps that IB told."""
        not_held = [one for one in self.edition.plans if one.rule.run is Run.AT_BROKER and one.where is Where.HERE]
        for start in range(0, len(not_held), _SAVED_AT_ONCE):
            with self._journal.transaction():
                for plan in not_held[start : start + _SAVED_AT_ONCE]:
                    self._journal.tell(not_held_notice(plan.rule, plan.reasons, self._channels, self._clock.now_s()))
            yield

    def _forget_held(self, rule: str) -> None:
        """What the broker held for an older version of the rule is on its way out: it is armed anew."""
        self._endings.drop(rule)
        if rule in self.plans:
            self._evaluator.held_ended(rule, False, self.until_s())

    def _forget_free(self, rule: str) -> None:
        """The same, unless it holds something that it has triggered: the end of that is the rule's own."""
        if self._withdrawal.is_free(rule):
            self._forget_held(rule)

    def withdraw(self, rules: Collection[str]) -> Sequence[str]:
        """Takes back what the broker holds for these rules and has not triggered, and what of them is still to be sent.
        Returns those for which it held something; they may be armed anew."""
        withdrawn = self._withdrawal.mark(rules)
        self.on_withdrawal()
        for rule in withdrawn:
            self._forget_held(rule)
        return withdrawn

    def pausing(self, rules: Sequence[str]) -> Slices[Sequence[str]]:
        """These rules stop listening, some at a time, and what the broker holds for them is taken back. Returns those
        for which it held something."""
        withdrawn = list[str]()
        for some in at_a_time(rules):
            some = [rule for rule in some if rule in self.plans]
            until_s = self.until_s()
            for rule in some:
                self._evaluator.pause(rule, until_s)
            withdrawn += self.withdraw(some)
            yield
        return withdrawn

    def leave_contract(self, name: str) -> tuple[Sequence[str], Sequence[str], Sequence[UnitName]]:
        """The name means another contract: nothing is sent any more that was recorded for the old one. Returns the
        rules that read or order in it, those of them whose orders the broker holds, and the units that go.

        What waits at the broker waits for a price of the old contract, or orders in it. What is still to be sent in it
        was meant at its price. To be followed by `begin_anew` for the rules of all that."""
        rules = self.rules_on(name)
        placing = [rule for rule in rules if self.plans[rule].where is Where.AT_BROKER]
        return rules, placing, self._withdrawal.bar_old_contract(name, placing)

    def begin_anew(self, rules: Collection[str]) -> None:
        """What was barred of these rules is to be cancelled, in one commit. Those whose orders the broker holds are
        armed anew, and what of them was still to be placed is not placed."""
        self._withdrawal.mark_barred(rules)
        self.on_withdrawal()
        for rule in rules:
            if rule in self.plans and self.plans[rule].where is Where.AT_BROKER:
                self._forget_free(rule)

    async def _read(self) -> Edition | Refused:
        armed = self._remembered | self.plans.keys()
        return await in_slices(self._book.reading(self._clock.now_s(), armed, self.steps))

    def _held(self) -> frozenset[str]:
        return frozenset(one.rule for one in self._withdrawal.held() if one.state in NOT_TRIGGERED)

    def _refuse(self, refused: Refused) -> None:
        self.problems = refused.problems
        _log.error("rules not reloaded, the old ones stay in force\n%s", render(refused.problems))
        self._journal.tell(reload_failed_notice(refused.problems, self._channels, self._clock.now_s()))

    async def _swap(self, edition: Edition, difference: Difference, steps: Mapping[str, Decimal] | None = None) -> None:
        # Each of these takes a while where there are very many rules.
        await asyncio.sleep(0)
        digests = await in_slices(_digests(edition))
        await asyncio.sleep(0)
        changes = difference.lines()
        await asyncio.sleep(0)
        plans, remembered = edition.by_name, self._remembered | self.plans.keys()
        await asyncio.sleep(0)
        named = await in_slices(naming(edition.plans))
        await self._leave(named)
        outdated = Outdated(self._journal.intents, (*difference.removed, *difference.changed), plans, steps)
        await in_slices(outdated.looking())
        replaced = await in_slices(self._evaluator.replacing(edition.plans, self.until_s))
        # Nothing is awaited between this moment and the one at which the new edition is on disk.
        self._remembered = remembered
        self.edition, self.plans, self._named, self._leaving = edition, plans, named, frozenset()
        with self._journal.transaction():
            self._planned_with(steps)
            self._in_force_from_now(digests, (*replaced.added, *replaced.rearmed))
            if changes:
                self.changes = changes
                self._journal.tell(reloaded_notice(changes, self._channels, self._clock.now_s()))
        leave = self._withdrawal.bar(outdated)
        self.on_change()
        await asyncio.sleep(0)
        await in_slices(self._withdrawing(leave, frozenset(replaced.unchanged)))
        await in_slices(self._evaluator.arming())
        if changes:
            _log.info("rules reloaded: %s", "; ".join(changes))
        await in_slices(self._saving((*replaced.added, *replaced.changed)))

    def _withdrawing(self, rules: Sequence[str], unchanged: AbstractSet[str]) -> Slices[None]:
        """Marks what was barred of these rules; each slice is a commit. Those unchanged are armed anew."""
        for some in at_a_time(rules):
            with self._journal.transaction():
                gone = self._withdrawal.mark_barred(some)
                self._save(gone)
            self.on_withdrawal()
            for rule in some:
                if rule in unchanged:
                    self._forget_free(rule)
            yield

    def _planned_with(self, steps: Mapping[str, Decimal] | None) -> None:
        """The plans in force were made with these steps; None: with the same ones as before."""
        if steps is not None:
            self.steps = steps
            self._journal.put(_STEPS, json.dumps({name: str(step) for name, step in steps.items()}, sort_keys=True))

    def _in_force_from_now(self, digests: str, anew: Iterable[str]) -> None:
        """What is on disk of rules that begin anew was lived by others of their name."""
        with self._journal.transaction():
            self._journal.put(self._journal.own(EDITION), digests)
            self._journal.put_known(self._journal.known.besides(anew))

    async def _leave(self, named: Named) -> None:
        """The step from the price of one contract to that of another is no move of either: rules that read a name
        which means another contract start without a price."""
        before, after = self._named.instruments, named.instruments
        self._leaving = frozenset(name for name, one in after.items() if before.get(name, one) != one)
        if self._leaving:
            await self.on_leave(self._leaving)

    def _saving(self, rules: Sequence[str]) -> Slices[None]:
        """Memories that a crash may lose: a start after it makes the same of the older ones."""
        for start in range(0, len(rules), _SAVED_AT_ONCE):
            self._save(rules[start : start + _SAVED_AT_ONCE])
            yield

    def _save(self, rules: Iterable[str]) -> None:
        lives = {rule: life for rule in rules if (life := self._evaluator.life(rule)) is not None}
        if lives:
            self._journal.save_lives(lives)


async def _nobody_listens(names: Collection[str]) -> None:
    """No prices come, so there is nothing to wait for."""


def _digests(edition: Edition) -> Slices[str]:
    """What is kept of an edition, to see after a restart which rules were edited meanwhile."""
    parts = list[str]()
    for start in range(0, len(edition.plans), _SAVED_AT_ONCE):
        some = (plan.rule for plan in edition.plans[start : start + _SAVED_AT_ONCE])
        parts.append(json.dumps({rule.name: [rule.digest, rule.when_digest] for rule in some})[1:-1])
        yield
    return f"{{{', '.join(parts)}}}"


def _still_valid(life: Life, plan: Plan, digests: list[str] | None, placed: bool) -> Life:
    """A rule that was edited since has nothing at the broker any more, nor has one whose order was never recorded:
    we were stopped between seeing that it may be placed and placing it."""
    unchanged = digests is None or digests[0] == plan.rule.digest
    return life if not life.placed or (placed and unchanged) else replace(life, placed="")
