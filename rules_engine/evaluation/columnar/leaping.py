"""The streaming evaluator on columns: prints at which nothing can happen are passed over in one step."""

from collections.abc import Collection, Mapping, Sequence

from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.windows import PastStream
from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.view import Key
from rules_engine.evaluation.watch import Watch
from rules_engine.model.expression import Reading
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.instrument import Instrument
from rules_engine.model.judging import Moment
from rules_engine.model.life import Outcome
from rules_engine.model.plan import Plan
from rules_engine.model.tick import Tick


class LeapingEvaluator(Evaluator):
    """``pasts`` hold the prints of the instruments that may be passed over; no other field of these is heard.

    Whoever lets it hear prints says in ``due`` to which rules the next one is news; None is to all of them. In
    ``stirred`` are the rules of which something else than such a print was judged, or whose guards may have changed:
    what they remember may differ from what the last print said, so that the next one of every instrument is news.
    ``told`` is what came of the next print to rules that others judge: it is put among what comes of it here.
    """

    def __init__(self, plans: Sequence[Plan], now_s: float, pasts: Mapping[Instrument, Past]) -> None:
        super().__init__((), now_s)
        self.due: Collection[str] | None = None
        self.stirred: set[str] = set()
        self.told: Sequence[Firing | HeldBack] = ()
        self._numbers = {plan.rule.name: number for number, plan in enumerate(plans)}
        self._pasts = {instrument.name: past for instrument, past in pasts.items()}
        self._guarded = {
            plan.rule.name for plan in plans if plan.rule.clears_when is not None or plan.rule.only_if is not None
        }
        self._hearing: dict[str, Sequence[Watch]] = {}
        for instrument, past in pasts.items():
            reading = Reading(instrument, instrument.default_field)
            quote = self._market.feed(instrument.name).quote(instrument.default_field)
            for keeps in (False, True):
                self._market.streams[reading, keeps] = PastStream(quote, past, keeps)
        self.replace(plans, now_s)
        read = {key for watch in self._watches() for key in watch.uses.streams}
        self._market.drop(self._market.streams.keys() - read, ())

    def leap(self, instrument: Instrument, prints: int, time_s: float, value: float) -> None:
        """Passes over so many prints, the last of them at ``time_s``: nothing can happen at them."""
        feed = self._market.feed(instrument.name)
        quote = feed.quote(instrument.default_field)
        quote.prints += prints
        quote.time_s, quote.value = time_s, value
        feed.heard_s = time_s
        self._pasts[instrument.name].heard += prints

    def tick(self, tick: Tick) -> Sequence[Outcome]:
        past = self._pasts.get(tick.instrument)
        if past is None:
            return super().tick(tick)
        if self._unarmed or tick.time_s > self._market.now_s:
            self._advance(tick.time_s)
        past.heard += 1
        feed = self._market.feed(tick.instrument)
        feed.heard_s = tick.time_s
        quote = feed.quote(tick.field)
        quote.take(tick.time_s, tick.value)
        quote.record(tick.size)
        watches = self._hearing.get(tick.instrument)
        if watches is None:
            watches = self._hearing[tick.instrument] = self._audience.hearing(tick.instrument, tick.field)
        due = self.due
        for watch in watches:
            if due is None or watch.run.rule.name in due:
                self._judge(watch, Moment.PRINT)
        return self._among(self._flush())

    def _among(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """In the order of the rules."""
        if not self.told:
            return outcomes
        told, self.told = self.told, ()
        return sorted([*outcomes, *told], key=lambda outcome: self._numbers[rule_of(outcome)])

    def not_used(self, rule: str) -> None:
        self.stirred.add(rule)
        super().not_used(rule)

    def _arm(self, run: Run) -> None:
        self.stirred.add(run.rule.name)
        super()._arm(run)

    def _ring(self, watch: Watch, due_s: float) -> None:
        self.stirred.add(watch.run.rule.name)
        super()._ring(watch, due_s)

    def _hear(self, key: Key) -> None:
        self.stirred.update(watch.run.rule.name for watch in self._audience.of(key))
        super()._hear(key)

    def _flush(self) -> Sequence[Outcome]:
        outcomes = super()._flush()
        for outcome in outcomes:
            if rule_of(outcome) in self._guarded:
                self.stirred.add(rule_of(outcome))
        return outcomes


def rule_of(outcome: Outcome) -> str:
    """The name of the rule that it is about."""
    return outcome.firing.rule if isinstance(outcome, HeldBack) else outcome.rule
