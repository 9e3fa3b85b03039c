"""Pairs of values made of one price into the text of functions that compare them: now, and through the next prints.

Interval arithmetic, written out: what stands in the text depends only on the shape of the expressions; their numbers
and the lengths of their windows are given to the functions when they are made. Decision 0013 shows those of
`V > sma(V, 5m)`, with what their names mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rules_engine.model.expression import (
    Arithmetic,
    Expression,
    Function,
    Named,
    Negative,
    Number,
    Reading,
    Series,
    parts,
)
from rules_engine.model.judging import Earlier
from rules_engine.model.tolerance import EDGE_S

Value = Expression | Earlier
Given = float | Series | Earlier
Bounds = tuple[str, str]
"""The names of the least and the greatest value; one name where they are the same."""

_EXTREMES = (Function.HIGHEST, Function.LOWEST)
_EARLY_S = 2 * EDGE_S
"""So much before a print leaves, no float dust has made it leave yet."""
_NEAR = 32
"""Windows move on by a few prints at a time."""
_WINDOW = 8192
"""Looking so many prints ahead is looking ahead for as long as a window of extremes is."""
_SLACK = 1e-9
"""A thousand times what counts as equal."""
_DUST = 1e-12
"""Ten thousand times what a float loses."""
_NOWHERE = "return 0.25, None"

_SUMS = """
times, totals, scale, base, first = sums.times, sums.totals, sums.scale, sums.base, sums.first
count, total = len(times), totals[-1]
"""
_SQUARES = """
squares = sums.squares
square = squares[-1]
"""
_STEP = "low_step = high_step = total - totals[-2]"
_WALK = """
step = total - totals[-2]
back = count - prints if prints < count else 0
ago = count - back
path = square - squares[back] - 2 * step * (total - totals[back]) + ago * step * step
room = 2 * sqrt(path / ago) + 1
low_step, high_step = step - room, step + room
low, high = (base + low_step) / scale, (base + high_step) / scale
"""
"""The price walks through ``prints`` prints about as far as it has come in as many."""
_STROLL = """
room = abs(value) * 2e-4 * sqrt(prints)
low, high = value - room, value + room
"""
"""The same where no prints are kept."""


@dataclass(slots=True)
class _Text:
    """The lines of one function under way: of the values now or, ``ahead``, of their bounds for ``prints`` prints.

    ``given`` are numbers and windows, in the order of the parameters; both functions have the same. What of a window is
    known now is a number or, where that means nothing, `nan`, of which no comparison holds.
    """

    ahead: bool
    is_price: bool
    """Whether it is never negative."""
    given: list[Given]
    shared: list[str] = field(default_factory=list)
    """About windows, for all pairs."""
    own: list[str] = field(default_factory=list)
    """Of the pair under way."""
    known: dict[Value, Bounds] = field(default_factory=dict)
    known_windows: dict[Value, Bounds] = field(default_factory=dict)
    counted: dict[float, int] = field(default_factory=dict)
    """Windows whose prints are counted and summed: their numbers by their lengths."""
    spread: set[int] = field(default_factory=set)
    """Those of which the deviation is known."""
    names: int = 0

    def next_pair(self) -> None:
        """Another pair: of those before, what is known of windows is left."""
        self.own, self.known = [], {}

    def bounds(self, of: Value) -> Bounds:
        found = self.known.get(of) or self.known_windows.get(of)
        if found is None:
            known = self.known_windows if _is_window(of) else self.known
            found = known[of] = self._written(of)
        return found

    def _written(self, of: Value) -> Bounds:
        match of:
            case Number():
                name = self._give(of.value)
                return name, name
            case Named(of=inner):
                return self.bounds(inner)
            case Reading():
                return ("low", "high") if self.ahead else ("value", "value")
            case Negative(operand):
                low, high = self.bounds(operand)
                return self._named(self.own, f"-{high}", f"-{low}")
            case Arithmetic(operator, left, right):
                return self._combined(operator, self.bounds(left), self.bounds(right))
            case Earlier():
                return self._earlier(of)
            case Series(function=function) if function in _EXTREMES:
                return self._extreme(of)
            case Series(function=Function.ZSCORE):
                return self._score(of)
            case Series():
                return self._moment(of)
            case _:
                raise AssertionError(f"no bounds: {of}")

    def _give(self, what: Given) -> str:
        if what not in self.given:
            self.given.append(what)
        return f"given{self.given.index(what)}"

    def _named(self, lines: list[str], low: str, high: str) -> Bounds:
        self.names += 1
        lines.append(f"low{self.names} = {low}")
        if low == high:
            return f"low{self.names}", f"low{self.names}"
        lines.append(f"high{self.names} = {high}")
        return f"low{self.names}", f"high{self.names}"

    def _combined(self, operator: str, left: Bounds, right: Bounds) -> Bounds:
        if operator == "+":
            return self._named(self.own, f"{left[0]} + {right[0]}", f"{left[1]} + {right[1]}")
        if operator == "-":
            return self._named(self.own, f"{left[0]} - {right[1]}", f"{left[1]} - {right[0]}")
        if operator == "/":
            right = self._inverse(right)
        corners = list(dict.fromkeys(f"{one} * {other}" for one in left for other in right))
        if len(corners) > 2:
            all_corners = ", ".join(corners)
            return self._named(self.own, f"min({all_corners})", f"max({all_corners})")
        low, high = self._named(self.own, corners[0], corners[-1])
        if low != high:
            self.own.append(f"if {low} > {high}: {low}, {high} = {high}, {low}")
        return low, high

    def _inverse(self, of: Bounds) -> Bounds:
        low, high = of
        if not self.ahead:
            inverse = f"1 / {low} if {low} else nan"
            return self._named(self.own, inverse, inverse)
        self.own.append(f"if {low} <= 0 <= {high}: {_NOWHERE}")
        return self._named(self.own, f"1 / {high}", f"1 / {low}")

    def _until(self, end_s: str) -> list[str]:
        return [f"end_s = {end_s}", "if end_s < until_s: until_s = end_s"]

    def _earlier(self, of: Earlier) -> Bounds:
        """Of the last print a window ago, and of those that follow it."""
        window = self._give(of)
        self.shared.append(f"at = {window}.reach(now_s)")
        if self.ahead:
            self.shared += [
                f"if at < 0 or at + prints + 1 >= count: {_NOWHERE}",
                "values = sums.values(at, at + prints + 1)",
                "least, most = min(values), max(values)",
                f"if least <= 0: {_NOWHERE}",
                *self._until(f"times[at + prints + 1] + {window}.window_s - {_EARLY_S}"),
            ]
        else:
            self.shared += ["least = most = sums.value(at) if at >= 0 else nan", "if least <= 0: least = nan"]
        factor, shift = self._give(of.factor), self._give(of.shift)
        most = "most" if self.ahead else "least"
        return self._named(self.shared, f"least * {factor} + {shift}", f"{most} * {factor} + {shift}")

    def _extreme(self, of: Series) -> Bounds:
        """Of those prints that surely stay in the window, and those that come: the newest stays in any case."""
        window = self._give(of)
        self.names += 1
        is_highest = of.function is Function.HIGHEST
        now, lasting = f"extreme{self.names}", f"lasting{self.names}"
        self.shared.append(f"{now} = {window}.at(now_s)")
        if not self.ahead:
            self.shared.append(f"if {now} is None: {now} = nan")
            return now, now
        self.shared += [
            f"if {now} is None: {_NOWHERE}",
            *self._until(f"now_s + {window}.window_s * prints / {_WINDOW}"),
            f"{lasting} = {window}.at(end_s)",
            f"if {lasting} is None: {lasting} = {'low' if is_highest else 'high'}",
        ]
        least, most = (lasting, f"max({now}, high)") if is_highest else (f"min({now}, low)", lasting)
        return self._named(self.shared, least, most)

    def _moment(self, of: Series) -> Bounds:
        """A mean or a deviation."""
        n = self._counted(of)
        if of.function is Function.STDEV:
            least, most = self._spread(n)
            return self._named(self.shared, f"{least} / scale", f"{most} / scale")
        less, more = self._drift(n)
        return self._named(self.shared, f"(base + mean{n}{less}) / scale", f"(base + mean{n}{more}) / scale")

    def _score(self, of: Series) -> Bounds:
        n = self._counted(of)
        least, most = self._spread(n)
        less, more = self._drift(n)
        if not self.ahead:
            score = f"(low_step - mean{n}) / {least} if {least} > 0 else nan"
            return self._named(self.own, score, score)
        self.own.append(f"if {least} <= 0: {_NOWHERE}")
        low, high = self._named(self.own, f"low_step - mean{n}{less}", f"high_step - mean{n}{more}")
        return self._named(
            self.own, f"{low} / ({most} if {low} >= 0 else {least})", f"{high} / ({least} if {high} >= 0 else {most})"
        )

    def _drift(self, n: int) -> Bounds:
        return (f" - drift{n}", f" + drift{n}") if self.ahead else ("", "")

    def _counted(self, of: Series) -> int:
        """The mean of a window now, in steps from the base, and how far it drifts while prints come and leave.

        A print that comes or leaves moves the mean by at most its distance from it over the prints that stay. Those
        that will leave first are known, and the sum of their distances is at most the root of ``prints`` times the
        sum of the squares, which is taken a little larger, so that no float dust makes a bound too narrow.
        """
        assert of.duration_s is not None
        n = self.counted.get(of.duration_s)
        if n is not None:
            return n
        n = self.counted[of.duration_s] = len(self.counted)
        window = self._give(of)
        self.shared += [
            f"at{n} = {window}.oldest - first",
            f"edge_s = now_s - {window}.window_s + {EDGE_S}",
            f"if at{n} < count and times[at{n}] <= edge_s:",
            f"    near = at{n} + {_NEAR}",
            "    near = near if near < count and times[near] > edge_s else count",
            f"    at{n} = bisect_right(times, edge_s, at{n} + 1, near)",
            f"    {window}.oldest = first + at{n}",
            f"count{n} = count - at{n}",
            f"total{n} = total - totals[at{n}]",
        ]
        if self.ahead:
            self.shared += [
                f"if count{n} <= prints: {_NOWHERE}",
                f"mean{n} = total{n} / count{n}",
                f"far{n} = abs(step - mean{n}) + room",
                f"end = at{n} + prints",
                f"gone_total = totals[end] - totals[at{n}]",
                f"gone{n} = (squares[end] - squares[at{n}] + prints * mean{n} * mean{n}) * {1 + _DUST}",
                f"gone{n} -= 2 * mean{n} * gone_total",
                f"drift{n} = (prints * far{n} + sqrt(prints * gone{n})) / (count{n} - prints)",
                *self._until(f"times[end] + {window}.window_s - {_EARLY_S}"),
            ]
        else:
            # A print that came later than the window is long has left it already.
            self.shared.append(f"mean{n} = total{n} / count{n} if count{n} else nan")
        return n

    def _spread(self, n: int) -> Bounds:
        """Of the deviation: the squares around the present mean, less those that may leave, more those that come."""
        least, most = f"least{n}", f"most{n}" if self.ahead else f"least{n}"
        if n in self.spread:
            return least, most
        self.spread.add(n)
        around = f"(count{n} * (square - squares[at{n}]) - total{n} * total{n}) / count{n}"
        if self.ahead:
            self.shared += [
                f"if count{n} - prints < 2: {_NOWHERE}",
                f"around = {around}",
                f"less = around - gone{n} - (count{n} + prints) * drift{n} * drift{n}",
                f"{least} = sqrt(less / (count{n} + prints - 1)) if less > 0 else 0.0",
                f"{most} = sqrt((around + prints * far{n} * far{n}) / (count{n} - prints - 1))",
            ]
        else:
            self.shared.append(f"{least} = sqrt({around} / (count{n} - 1)) if count{n} > 1 else nan")
        return least, most

    def size(self, of: Value) -> str:
        """How large the value and all terms on the way to it are at most."""
        match of:
            case Named(of=inner) | Negative(operand=inner):
                return self.size(inner)
            case Arithmetic("+" | "-", left, right):
                return f"({self.size(left)} + {self.size(right)})"
            case Arithmetic("*", left, right):
                return f"{self.size(left)} * {self.size(right)}"
            case Arithmetic("/", left, right):
                low, high = self.bounds(right)
                return f"{self.size(left)} / min(abs({low}), abs({high}))"
            case _:
                low, high = self.bounds(of)
                if self.is_price and (isinstance(of, Reading) or _is_window(of)):
                    return high
                return f"abs({low})" if low == high else f"(abs({low}) + abs({high}))"

    @property
    def counts(self) -> bool:
        """Whether sums of prints are read."""
        return any("sums" in line or "times" in line for line in self.shared)

    def head(self, pairs: Sequence[str]) -> list[str]:
        """What all lines read."""
        text = "\n".join((*self.shared, *pairs))
        lines = ["now_s, value = market.now_s, quote.value"]
        if self.ahead:
            lines.append("until_s = inf")
        if not self.counts:
            return [*lines, *_lines(_STROLL)] if self.ahead else lines
        lines += _lines(_SUMS)
        if self.ahead or "squares" in text:
            lines += _lines(_SQUARES)
        if self.ahead:
            lines += _lines(_WALK)
        elif "low_step" in text:
            lines.append(_STEP)
        return lines


@dataclass(frozen=True, slots=True)
class Written:
    """``source`` makes two functions out of market, quote, sums, a guard for each pair, and what is ``given``.

    `loose()`: which pairs, by number, are not surely in the order that their guards are to hold to, as of now.
    `look(prints)`: how many times as far one could perhaps look; and between which prices, until when and up to the
    print of which number all pairs surely stay in that order, or None.
    """

    source: str
    given: tuple[Given, ...]


def has_bounds(of: Value) -> bool:
    """Whether it is made of nothing but what can be bounded."""
    match of:
        case Number() | Reading() | Earlier() | Series(of=Reading(), duration_s=float()):
            return True
        case Arithmetic() | Negative() | Named():
            return all(map(has_bounds, parts(of)))
        case _:
            return False


def written(pairs: Sequence[tuple[Value, Value]], is_price: bool) -> Written:
    """The functions that compare pairs of values that have bounds; ``is_price``: made of what is never negative."""
    given: list[Given] = []
    bodies = [_loose(_Text(False, is_price, given), pairs), _look(_Text(True, is_price, given), pairs)]
    guards = "".join(f", guard{number}" for number in range(len(pairs)))
    names = "".join(f", given{number}" for number in range(len(given)))
    lines = [f"def make(market, quote, sums{guards}{names}):"]
    for head, body in zip(("loose()", "look(prints)"), bodies, strict=True):
        lines += [f"    def {head}:", *(f"        {line}" for line in body)]
    return Written("\n".join([*lines, "    return loose, look"]), tuple(given))


def _loose(text: _Text, pairs: Sequence[tuple[Value, Value]]) -> list[str]:
    lines: list[str] = []
    for number, (left, right) in enumerate(pairs):
        text.next_pair()
        mine, other = text.bounds(left)[0], text.bounds(right)[0]
        size = f"{text.size(left)} + {text.size(right)}"
        compare = f"if not ({mine} - {other}) * side > {_SLACK} * ({size}): found.append({number})"
        lines += _held(number, [*text.own, compare])
    return [*text.head(lines), *text.shared, "found = []", *lines, "return found"]


def _look(text: _Text, pairs: Sequence[tuple[Value, Value]]) -> list[str]:
    lines: list[str] = []
    for number, (left, right) in enumerate(pairs):
        text.next_pair()
        mine, other = text.bounds(left), text.bounds(right)
        size = f"{text.size(left)} + {text.size(right)}"
        compare = [
            f"apart = ({mine[0]} + {mine[1]} - {other[0]} - {other[1]}) * side",
            f"width = {mine[1]} - {mine[0]} + {other[1]} - {other[0]}",
            f"if not apart - width > {2 * _SLACK} * ({size}): return apart / width if width else 0.25, None",
            "if apart < reach * width: reach = apart / width",
        ]
        lines += _held(number, [*text.own, *compare])
    last = "quote.prints + prints" if text.counts else "PRINTS_MAX"
    end = f"return reach, (low, high, until_s, {last})"
    return [*text.head(lines), *text.shared, "reach = REACH_MAX", *lines, end]


def _held(number: int, lines: Sequence[str]) -> Iterator[str]:
    """These lines, if the pair is held to a side."""
    yield f"side = guard{number}.side"
    yield "if side:"
    yield from (f"    {line}" for line in lines)


def _is_window(of: Value) -> bool:
    return isinstance(of, Earlier) or (isinstance(of, Series) and of.function is not Function.ZSCORE)


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
