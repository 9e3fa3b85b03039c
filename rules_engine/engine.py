"""The library face: rules on a stream of ticks, without broker, journal or event loop."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from rules_engine.evaluation import Evaluator
from rules_engine.evaluation.lane import Lane
from rules_engine.evaluation.past import NEVER
from rules_engine.language import Loaded, Source, load, read_sources
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome
from rules_engine.model.place import Problem, RulesError, Severity
from rules_engine.model.plan import Plan, Where
from rules_engine.model.rule import Rule
from rules_engine.planning.history import orders_in
from rules_engine.planning.reads import reads_of

_LONG_AGO_S = 0.0
"""The library has its callers' time only: nothing that a rule names has passed when it is read."""


class Engine:
    """Judges rules tick by tick.

    ``rules`` is YAML text, or the path (paths) of rule files and folders. Raises RulesError, whose ``problems`` say
    what is wrong and where. Everything runs here: nothing is sent anywhere, and a firing only says what should be done.
    """

    def __init__(self, rules: str | Path | Iterable[Path]) -> None:
        loaded = _loaded(rules)
        self._fields = {name: instrument.default_field for name, instrument in loaded.instruments.items()}
        self._evaluator = Evaluator([plan_here(rule) for rule in loaded.rules], NEVER)
        self._feeds: dict[str, Feed] = {}

    def feed(self, symbol: str) -> "Feed":
        """Where the prints of the instrument that the rules call ``symbol`` go: `tick`, looked up once."""
        lane = self._evaluator.lane(symbol, self._fields.get(symbol, Field.LAST))
        lane.ask = self._answer
        return lane.hear

    def tick(self, symbol: str, time_s: float, price: float, size: float = 0.0) -> Sequence[Firing]:
        """A print of the instrument that the rules call ``symbol``, in POSIX seconds; what fires by then, in order.

        ``price`` is the kind's default value: the last price, of forex the midpoint, of an option the mark. Time
        advances to ``time_s`` first.
        """
        feed = self._feeds.get(symbol)
        if feed is None:
            feed = self._feeds[symbol] = self.feed(symbol)
        return feed(time_s, price, size)

    def advance(self, now_s: float) -> Sequence[Firing]:
        """Lets time pass without a print: clocks, silences and `for` mature."""
        return _firings(self._evaluator.advance(now_s))

    def _answer(self, lane: Lane, time_s: float, price: float, size: float) -> Sequence[Firing]:
        return _firings(self._evaluator.answer(lane, time_s, price, size))


class Feed(Protocol):
    """One instrument's prints."""

    def __call__(self, time_s: float, price: float, size: float = 0.0, /) -> Sequence[Firing]:
        """A print, in POSIX seconds; what fires by then, in order."""
        ...


def plan_here(rule: Rule) -> Plan:
    """The plan of a rule that has no broker."""
    reads = reads_of(rule).instruments
    return Plan(rule, Where.HERE, ("there is no broker to hold it",), reads=reads, orders_in=orders_in(rule))


def _loaded(rules: str | Path | Iterable[Path]) -> Loaded:
    sources, unreadable = _sources(rules)
    loaded = load(sources, now_s=_LONG_AGO_S)
    errors = [problem for problem in (*unreadable, *loaded.problems) if problem.severity is Severity.ERROR]
    if errors:
        raise RulesError(errors)
    return loaded


def _sources(rules: str | Path | Iterable[Path]) -> tuple[Sequence[Source], Sequence[Problem]]:
    if isinstance(rules, str):
        return [Source("<text>", rules.encode())], ()
    return read_sources([rules] if isinstance(rules, Path) else list(rules))


def _firings(outcomes: Sequence[Outcome]) -> Sequence[Firing]:
    return [outcome for outcome in outcomes if isinstance(outcome, Firing)] if outcomes else ()
