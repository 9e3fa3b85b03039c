"""Two values made of one price into the text of functions that compare them: now, and through the next prints.

Interval arithmetic, written out: what stands in the text depends only on the shape of the two expressions; their
numbers and the lengths of their windows are given to the functions when they are made.
"""

from collections.abc import Iterator
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

    ``given`` are numbers and windows, in the order of the parameters; both functions have the same.
    """

    ahead: bool
    given: list[Given]
    lines: list[str] = field(default_factory=list)
    known: dict[Value, Bounds] = field(default_factory=dict)
    counted: dict[float, int] = field(default_factory=dict)
    """Windows whose prints are counted and summed: their numbers by their lengths."""
    spread: set[int] = field(default_factory=set)
    """Those of which the deviation is known."""

    def bounds(self, of: Value) -> Bounds:
        found = self.known.get(of)
        if found is None:
            found = self.known[of] = self._written(of)
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
                return self._named(f"-{high}", f"-{low}")
            case Arithmetic(operator, left, right):
                return self._combined(operator, self.bounds(left), self.bounds(right))
            case Earlier():
                return self._earlier(of)
            case Series(function, Reading(), float()):
                return self._extreme(of) if function in _EXTREMES else self._moments(of)
            case _:
                raise AssertionError(f"no bounds: {of}")

    def _give(self, what: Given) -> str:
        if what not in self.given:
            self.given.append(what)
        return f"given{self.given.index(what)}"

    def _named(self, low: str, high: str) -> Bounds:
        number = len(self.lines)
        self.lines.append(f"low{number} = {low}")
        if low == high:
            return f"low{number}", f"low{number}"
        self.lines.append(f"high{number} = {high}")
        return f"low{number}", f"high{number}"

    def _combined(self, operator: str, left: Bounds, right: Bounds) -> Bounds:
        if operator == "+":
            return self._named(f"{left[0]} + {right[0]}", f"{left[1]} + {right[1]}")
        if operator == "-":
            return self._named(f"{left[0]} - {right[1]}", f"{left[1]} - {right[0]}")
        if operator == "/":
            self.lines.append(f"if {right[0]} <= 0 <= {right[1]}: return nowhere")
            right = self._named(f"1 / {right[1]}", f"1 / {right[0]}")
        corners = list(dict.fromkeys(f"{one} * {other}" for one in left for other in right))
        if len(corners) == 1:
            return self._named(corners[0], corners[0])
        both = ", ".join(corners)
        return self._named(f"min({both})", f"max({both})")

    def _until(self, end_s: str) -> list[str]:
        return [f"end_s = {end_s}", "if end_s < until_s: until_s = end_s"]

    def _earlier(self, of: Earlier) -> Bounds:
        """Of the last print a window ago, and of those that follow it."""
        window = self._give(of)
        self.lines.append(f"at = {window}.reach(now_s)")
        if self.ahead:
            self.lines += [
                "if at < 0 or at + prints + 1 >= count: return nowhere",
                "values = sums.values[at : at + prints + 1]",
                "least, most = min(values), max(values)",
                *self._until(f"times[at + prints + 1] + {window}.window_s - {_EARLY_S}"),
            ]
        else:
            self.lines += ["if at < 0: return nowhere", "least = most = sums.values[at]"]
        self.lines.append("if least <= 0: return nowhere")
        factor, shift = self._give(of.factor), self._give(of.shift)
        most = "most" if self.ahead else "least"
        return self._named(f"least * {factor} + {shift}", f"{most} * {factor} + {shift}")

    def _extreme(self, of: Series) -> Bounds:
        """Of those prints that surely stay in the window, and those that come: the newest stays in any case."""
        window, number = self._give(of), len(self.lines)
        is_highest = of.function is Function.HIGHEST
        now, lasting = f"extreme{number}", f"lasting{number}"
        self.lines += [f"{now} = {window}.at(now_s)", f"if {now} is None: return nowhere"]
        if not self.ahead:
            return now, now
        self.lines += [
            *self._until(f"now_s + {window}.window_s * prints / {_WINDOW}"),
            f"{lasting} = {window}.at(end_s)",
            f"if {lasting} is None: {lasting} = {'low' if is_highest else 'high'}",
        ]
        return self._named(lasting, f"max({now}, high)") if is_highest else self._named(f"min({now}, low)", lasting)

    def _moments(self, of: Series) -> Bounds:
        n = self._counted(of)
        drift = f" - drift{n}", f" + drift{n}"
        less, more = drift if self.ahead else ("", "")
        if of.function is Function.SMA:
            return self._named(f"(base + mean{n}{less}) / scale", f"(base + mean{n}{more}) / scale")
        least, most = self._spread(n)
        if of.function is Function.STDEV:
            return self._named(f"{least} / scale", f"{most} / scale")
        self.lines.append(f"if {least} <= 0: return nowhere")
        low, high = self._named(f"low_step - mean{n}{less}", f"high_step - mean{n}{more}")
        if not self.ahead:
            return self._named(f"{low} / {least}", f"{low} / {least}")
        return self._named(
            f"{low} / ({most} if {low} >= 0 else {least})", f"{high} / ({least} if {high} >= 0 else {most})"
        )

    def _counted(self, of: Series) -> int:
        """The mean of a window now, in steps from the base, and how far it drifts while prints come and leave.

        A print that comes or leaves moves the mean by at most its distance from it over the prints that stay. Those
        that will leave first are known, and the sum of their distances is at most the root of ``prints`` times the
        sum of the squares. Whole numbers, so that no float dust makes a bound too narrow.
        """
        assert of.duration_s is not None
        n = self.counted.get(of.duration_s)
        if n is not None:
            return n
        n = self.counted[of.duration_s] = len(self.counted)
        window = self._give(of)
        self.lines += [
            f"at{n} = {window}.oldest - first",
            f"edge_s = now_s - {window}.window_s + {EDGE_S}",
            f"if times[at{n}] <= edge_s:",
            f"    near = at{n} + {_NEAR}",
            "    near = near if near < count and times[near] > edge_s else count",
            f"    at{n} = bisect_right(times, edge_s, at{n} + 1, near)",
            f"    {window}.oldest = first + at{n}",
            f"count{n} = count - at{n}",
            f"total{n} = total - totals[at{n}]",
        ]
        if self.ahead:
            self.lines += [
                f"if count{n} <= prints: return nowhere",
                f"mean{n} = total{n} / count{n}",
                f"far{n} = max(high_step - mean{n}, mean{n} - low_step)",
                f"end = at{n} + prints",
                f"gone_total = totals[end] - totals[at{n}]",
                f"gone{n} = count{n} * (count{n} * (squares[end] - squares[at{n}]) - 2 * total{n} * gone_total)",
                f"gone{n} = (gone{n} + prints * total{n} * total{n}) / (count{n} * count{n})",
                f"drift{n} = (prints * far{n} + sqrt(prints * gone{n})) / (count{n} - prints)",
                *self._until(f"times[end] + {window}.window_s - {_EARLY_S}"),
            ]
        else:
            self.lines.append(f"mean{n} = total{n} / count{n}")
        return n

    def _spread(self, n: int) -> Bounds:
        """Of the deviation: the squares around the present mean, less those that may leave, more those that come."""
        least, most = f"least{n}", f"most{n}" if self.ahead else f"least{n}"
        if n in self.spread:
            return least, most
        self.spread.add(n)
        around = f"(count{n} * (square - squares[at{n}]) - total{n} * total{n}) / count{n}"
        if self.ahead:
            self.lines += [
                f"if count{n} - prints < 2: return nowhere",
                f"around = {around}",
                f"less = around - gone{n} - (count{n} + prints) * drift{n} * drift{n}",
                f"{least} = sqrt(less / (count{n} + prints - 1)) if less > 0 else 0.0",
                f"{most} = sqrt((around + prints * far{n} * far{n}) / (count{n} - prints - 1))",
            ]
        else:
            self.lines += [f"if count{n} < 2: return nowhere", f"{least} = sqrt({around} / (count{n} - 1))"]
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
                return f"abs({low})" if low == high else f"(abs({low}) + abs({high}))"

    @property
    def head(self) -> list[str]:
        """What all lines read."""
        text = "\n".join(self.lines)
        lines = ["now_s, value = market.now_s, quote.value"]
        if self.ahead:
            lines.append("until_s = inf")
        if "times" not in text and "sums" not in text:
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
    """``source`` makes both functions out of market, quote, sums and what is ``given``.

    `holds(side)`: whether the left value surely is above (side 1) or below (-1) the right one now. `look(side,
    prints)`: how many times as far one could perhaps look, and the stretch in which that stays so, or None.
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


def written(left: Value, right: Value) -> Written:
    """The functions that compare two values that have bounds."""
    given: list[Given] = []
    holds, look = _Text(False, given), _Text(True, given)
    bodies = [_holds(holds, left, right), _look(look, left, right)]
    names = "".join(f", given{number}" for number in range(len(given)))
    lines = [f"def make(market, quote, sums{names}):"]
    for head, nowhere, body in zip(
        ("holds(side)", "look(side, prints)"), ("False", "(0.25, None)"), bodies, strict=True
    ):
        lines += [f"    def {head}:", *(f"        {line}".replace("nowhere", nowhere) for line in body)]
    return Written("\n".join([*lines, "    return holds, look"]), tuple(given))


def _holds(text: _Text, left: Value, right: Value) -> Iterator[str]:
    mine, other = text.bounds(left)[0], text.bounds(right)[0]
    size = f"{text.size(left)} + {text.size(right)}"
    return iter([*text.head, *text.lines, f"return ({mine} - {other}) * side > {_SLACK} * ({size})"])


def _look(text: _Text, left: Value, right: Value) -> Iterator[str]:
    mine, other = text.bounds(left), text.bounds(right)
    size = f"{text.size(left)} + {text.size(right)}"
    counts = "sums" in "".join(text.head)
    reach, prints = ("apart / width if width else 1.0", "prints") if counts else ("2.0", "PRINTS_MAX")
    last = [
        f"apart = ({mine[0]} + {mine[1]} - {other[0]} - {other[1]}) * side",
        f"width = {mine[1]} - {mine[0]} + {other[1]} - {other[0]}",
        f"reach = {reach}",
        f"if not apart - width > {2 * _SLACK} * ({size}): return reach, None",
        f"return reach, new(Stretch, (low, high, until_s, {prints}))",
    ]
    return iter([*text.head, *text.lines, *last])


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
