"""Expressions into columns: their values at every moment at which a condition is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import sqrt
from typing import TYPE_CHECKING, Literal, TypeGuard

import numpy as np

from rules_engine.evaluation.columnar.arrays import Column, Index, NotColumnar
from rules_engine.evaluation.columnar.bounds import Error, combined, deviations, means, scores
from rules_engine.evaluation.columnar.exact import Exact
from rules_engine.evaluation.columnar.kernels import Kernels
from rules_engine.evaluation.columnar.leaves import EXTREMES, NOT_PRICES, Leaf, holdings_in, plain_keys, source_of
from rules_engine.evaluation.columnar.moments import Lookback, Moments, Some
from rules_engine.evaluation.columnar.past import Past
from rules_engine.evaluation.columnar.spans import Between, Spans, combined_between
from rules_engine.evaluation.columnar.steps import step, stepped
from rules_engine.evaluation.columnar.track import Track
from rules_engine.evaluation.columnar.vectorised import EXACT_MAX
from rules_engine.evaluation.series import unnamed
from rules_engine.model.expression import (
    AccountReading,
    Arithmetic,
    Call,
    Expression,
    Function,
    Named,
    Negative,
    Number,
    Position,
    Reading,
    Series,
    WorkingOrders,
    parts,
    walk,
)
from rules_engine.model.trigger_method import TriggerMethod

if TYPE_CHECKING:
    from rules_engine.evaluation.columnar.scene import Scene

MARGIN = 1e-9
"""Of the size; a thousand times what counts as equal, a million times what floats lose."""


@dataclass(frozen=True, slots=True)
class Values:
    """``at`` is nan where the value is unknown. ``exact``: bit for bit what the streaming evaluator finds; else the
    last digits of the terms may differ. ``off`` says how far it may lie from that besides, where it is not zero."""

    at: Column
    exact: bool
    off: Error | None = None


def is_columnar(of: Expression) -> bool:
    """Whether it has a meaning over columns, given what it reads of holdings."""
    return all(map(_is_part, walk(of)))


def is_counted(of: Expression, can_count: Callable[[Expression], bool]) -> bool:
    """Whether all its sums are exact in columns, else within bounds; ``can_count`` says that of a series."""
    return all(_is_extreme(part) or can_count(unnamed(part.of)) for part in walk(of) if _is_window(part))


def _is_window(part: Expression) -> TypeGuard[Series]:
    return isinstance(part, Series) and part.duration_s is not None


def _is_extreme(part: Series) -> bool:
    return part.function in EXTREMES


def _is_part(part: Expression) -> bool:
    match part:
        case Series(duration_s=float()):
            return is_plain(part.of)
        case _:
            return True


def is_series(of: Expression) -> bool:
    """Whether its prints follow from ticks alone."""
    return not any(holdings_in(of))


def is_plain(of: Expression) -> bool:
    """Whether they follow from the newest ticks: it neither looks back nor reads bars."""
    return any(plain_keys(of)) and all(_is_plain(part) for part in walk(of))


def _is_plain(part: Expression) -> bool:
    match part:
        case Reading(bar_s=bar_s):
            return bar_s is None
        case Series() | Position() | WorkingOrders() | AccountReading():
            return False
        case _:
            return True


def plain(of: Expression) -> Expression:
    """Without the names that a rule gave it."""
    return plain(of.of) if isinstance(of, Named) else of


class Columns:
    """Values at every moment. Raises NotColumnar where the numbers are too large for columns.

    ``words`` say on which quotes values are read, and ``given`` what those series come to that columns cannot count.
    """

    def __init__(
        self,
        scene: "Scene",
        moments: Moments,
        stale_after_s: float | None = None,
        words: Leaf | None = None,
        overflow: Literal["raise", "ignore"] = "raise",
        given: Mapping[Series, Column] | None = None,
    ) -> None:
        self.moments = moments
        self.scene = scene
        self._stale_after_s = stale_after_s
        self._words = words
        self.overflow: Literal["raise", "ignore"] = overflow
        self.given = given or {}
        self._found: dict[Expression, Values] = {}
        self._between: dict[Expression, Between] = {}
        self._some: Columns | None = None
        self._through: dict[tuple[TriggerMethod, bool], Columns] = {}

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def kernels(self) -> Kernels:
        return self.scene.kernels

    @cached_property
    def exact(self) -> Exact:
        """Reads single moments."""
        return Exact(self)

    def forget(self) -> None:
        """Parts from `exact`, which refers back here: so what is here goes with its last reader, and need not wait
        until somebody collects circles."""
        for other in (*self._through.values(), self._some):
            if other is not None:
                other.forget()
        self._some = None
        if "exact" in self.__dict__:
            self.exact.forget()
            del self.exact

    def through(self, leaf: Leaf) -> "Columns":
        """The same moments, seen on the quotes that a leaf reads."""
        if leaf.method.quote(leaf.rising) is None:
            return self
        key = leaf.method, leaf.rising
        if key not in self._through:
            self._through[key] = Columns(self.scene, self.moments, self._stale_after_s, leaf)
        return self._through[key]

    @property
    def spans(self) -> Spans | None:
        """None where moments are looked at one by one only."""
        return self.moments.spans

    def at(self, prints: Index) -> "Columns":
        """What is read at some prints alone, where there are spans; for as long as nobody asks for others."""
        assert self.moments.only is not None
        if self._some is not None:
            self._some.forget()
        some = Some(self.moments.only, prints, self.moments.row_times)
        self._some = Columns(self.scene, some, self._stale_after_s, self._words, self.overflow)
        return self._some

    def few(self, places: Index) -> "tuple[Columns, Index]":
        """Where to read some of the moments, ascending: alone where there are spans, else among all."""
        return (self, places) if self.spans is None else (self.at(places), np.arange(len(places)))

    def between(self, of: Expression) -> Between:
        """Between which values it lies in each span. Raises NotColumnar where that is not known."""
        found = self._between.get(of)
        if found is None:
            with np.errstate(all="ignore"):
                found = self._between[of] = self._lies(of)
        return found

    def value(self, of: Expression) -> Values:
        found = self._found.get(of)
        if found is None:
            try:
                with np.errstate(over=self.overflow, invalid="ignore", divide="ignore"):
                    found = self._found[of] = self._work_out(of)
            except FloatingPointError as error:
                raise NotColumnar("too large") from error
        return found

    def values_at(self, of: Expression, places: Index) -> Column:
        """As the streaming evaluator finds them at some of the moments, from 0; nan where they are unknown."""
        try:
            found = self.value(of)
        except NotColumnar:
            found = Values(np.empty(0), False)
        if found.exact and (found.off is None or not np.any(found.off)):
            return found.at[places]
        read = self.exact.value(of)
        known = (self.exact.at(place, read) for place in places.tolist())
        return np.array([np.nan if value is None else value for value in known])

    def bound(self, of: Expression) -> float:
        """No term of it, and nothing on the way to it, is larger at any of the moments."""
        match of:
            case Number(value):
                return abs(value)
            case Arithmetic("+" | "-", left, right):
                return self.bound(left) + self.bound(right)
            case Arithmetic("*", left, right):
                return self.bound(left) * self.bound(right)
            case Arithmetic(_, left, right):
                away = np.abs(self.value(right).at)
                least = float(np.min(away, where=away > 0, initial=np.inf))
                return self.bound(left) / least * max(1.0, self.bound(right) / least)
            case Series(function=Function.ZSCORE, duration_s=float()):
                # No print lies farther from the mean of n than n - 1 others of one value let it.
                return sqrt(len(self.lookback(of.of).past.values))
            case Series(duration_s=float()):
                return self.lookback(of.of).past.blocks.largest
            case Reading(bar_s=None):
                return self._track(of).past.blocks.largest
            case Reading() | Series():
                return float(np.nanmax(np.abs(self.value(of).at), initial=0.0))
            case Call("floor" | "round", (argument, *_)):
                return self.bound(argument) + 1
            case _:
                return max(map(self.bound, parts(of)))

    def is_counted(self, of: Expression) -> bool:
        """Whether all its sums are exact."""
        return is_counted(of, self.scene.can_count)

    def is_price(self, of: Expression) -> bool:
        """Whether it is a price itself, never reckoned with and always positive."""
        inner = plain(of)
        return isinstance(inner, Reading) and inner.field not in NOT_PRICES

    def is_known(self, of: Expression) -> bool:
        """Whether it surely has a value at every moment: it is what ticks then, and every tick says something."""
        inner = plain(of)
        if not isinstance(inner, Reading) or inner.bar_s is not None:
            return False
        track = self._track(inner)
        return track is self.moments.only and track.is_whole

    def lookback(self, of: Expression) -> Past | Lookback:
        """The windows over that series."""
        return self.scene.lookback(unnamed(of), self.moments)

    def _track(self, of: Reading) -> Track:
        return self.scene.tracks[of.instrument.name, self._words.field(of) if self._words else of.field]

    def _work_out(self, of: Expression) -> Values:
        match of:
            case Number(value):
                return Values(np.broadcast_to(np.float64(value), len(self)), True)
            case Reading(bar_s=None):
                return Values(self.moments.newest(self._track(of), self._stale_after_s), True)
            case Reading(bar_s=float() as bar_s):
                bars = self.scene.bars[of.instrument.name, source_of(of), bar_s]
                return Values(bars.at(of.field, self.moments.times), True)
            case Named(of=inner):
                return self.value(inner)
            case Negative(operand):
                inside = self.value(operand)
                return Values(-inside.at, inside.exact, inside.off)
            case Arithmetic(operator, left, right):
                return _combined(operator, self.value(left), self.value(right))
            case Call("floor" | "round" as name, (argument, *digits)):
                places = self.value(digits[0]).at if digits else np.zeros(1)
                dust = MARGIN * self.bound(argument)
                return _stepped(self.value(argument), int(places[0]) if name == "round" and len(places) else None, dust)
            case Call(name, arguments):
                return _called(name, [self.value(argument) for argument in arguments])
            case Series(duration_s=None):
                return Values(self.scene.over[of].at(self.moments.times), True)
            case Series(function=Function.HIGHEST | Function.LOWEST, duration_s=float() as window_s):
                found = self.lookback(of.of).extremes(window_s, of.function is Function.HIGHEST)
                return self._covered(of, found.copy(), window_s, True)
            case Series(duration_s=float() as window_s) if of in self.given:
                return self._covered(of, self.given[of], window_s, True)
            case Series(duration_s=float() as window_s) if self.scene.can_count(unnamed(of.of)):
                return self._moments(of, window_s)
            case Series(duration_s=float() as window_s):
                return self._within_bounds(of, window_s)
            case _:
                raise NotColumnar(str(of))

    def _lies(self, of: Expression) -> Between:
        spans = self.spans
        if spans is None:
            raise NotColumnar("has no spans")
        match of:
            case Number(value):
                number = np.array(value)
                return Between(number, number)
            case Named(of=inner):
                return self.between(inner)
            case Negative(operand):
                inside = self.between(operand)
                return Between(-inside.high, -inside.low)
            case Arithmetic(operator, left, right):
                return combined_between(operator, self.between(left), self.between(right))
            case Reading() if self.is_known(of):
                return spans.prices()
            case Series(function=function, duration_s=float() as window_s) if isinstance(self.lookback(of.of), Past):
                if function in EXTREMES:
                    return spans.extremes(window_s, function is Function.HIGHEST)
                if self.scene.can_count(unnamed(of.of)):
                    return spans.moments(function, window_s)
        raise NotColumnar("nothing is known of spans")

    def _covered(self, of: Series, values: Column, window_s: float, exact: bool) -> Values:
        lookback = self.lookback(of.of)
        values[: lookback.covered_from(window_s)] = np.nan
        if not isinstance(lookback, Past):
            newest = self.value(of.of).at
            values[newest != newest] = np.nan
        return Values(values, exact)

    def _moments(self, of: Series, window_s: float) -> Values:
        """As Moments: in whole price steps, divided last."""
        lookback = self.lookback(of.of)
        past, ends = lookback.past, lookback.ends
        if not len(past.values) or not len(ends):
            return Values(np.full(len(ends), np.nan), True)
        most = lookback.most(window_s)
        counted, starts = past.counted(most), lookback.starts(window_s)
        totals, squares, scale = counted.totals, counted.squares, counted.scale
        shown = past.places()
        is_settled = bool(shown[max(int(ends[0]) - 1, 0)] == shown[-1])
        if of.function is Function.SMA:
            found = past.kernels.means(totals, starts, ends, counted.base, scale)
            return self._covered(of, found, window_s, is_settled and counted.largest < EXACT_MAX)
        if of.function is Function.STDEV:
            found, spread = past.kernels.deviations(totals, squares, starts, ends, scale)
            return self._covered(of, found, window_s, is_settled and max(spread, float(most) ** 2) < EXACT_MAX)
        found, spread = past.kernels.scores(totals, squares, starts, ends)
        # Whole numbers that a float may round: the last digits may differ.
        return self._covered(of, found, window_s, is_settled and most * spread < EXACT_MAX)

    def _within_bounds(self, of: Series, window_s: float) -> Values:
        """The same where values are in no price steps, as far as columns can tell."""
        lookback = self.lookback(of.of)
        past, starts, ends = lookback.past, lookback.starts(window_s), lookback.ends
        if not len(past.values) or not len(ends):
            return Values(np.full(len(ends), np.nan), True)
        function = {Function.SMA: means, Function.STDEV: deviations}.get(of.function, scores)
        found, off = function(past.rough(), starts, ends)
        return replace(self._covered(of, found, window_s, False), off=off)


def _combined(operator: str, left: Values, right: Values) -> Values:
    exact = left.exact and right.exact
    if left.off is not None or right.off is not None:
        found, off = combined(operator, left.at, _off(left), right.at, _off(right))
        return Values(found, exact, off)
    match operator:
        case "+":
            return Values(left.at + right.at, exact)
        case "-":
            return Values(left.at - right.at, exact)
        case "*":
            return Values(left.at * right.at, exact)
        case _:
            return Values(left.at / np.where(right.at == 0, np.nan, right.at), exact)


def _off(of: Values) -> Error:
    return 0.0 if of.off is None else of.off


def _called(name: str, arguments: list[Values]) -> Values:
    exact = all(argument.exact for argument in arguments)
    columns = [argument.at for argument in arguments]
    is_off = any(argument.off is not None for argument in arguments)
    off = reduce(np.maximum, map(_off, arguments)) if is_off else None
    match name:
        case "abs":
            return Values(np.abs(columns[0]), exact, off)
        case "min":
            return Values(reduce(np.minimum, columns), exact, off)
        case _:
            return Values(reduce(np.maximum, columns), exact, off)


def _stepped(of: Values, digits: int | None, dust: float) -> Values:
    """``dust`` is what the last digits of the terms may make."""
    if of.exact and of.off is None:
        return Values(step(of.at, digits), True)
    off = np.broadcast_to(_off(of), of.at.shape)
    found, apart = stepped(of.at, np.where(off > 0, off + dust, 0.0) if of.exact else off + dust, digits)
    return Values(found, True, apart if apart.any() else None)
