"""Two values made of one price into the text of a function that bounds both through the next prints.

Interval arithmetic, written out: what stands in the text depends only on the shape of the two expressions; their
numbers and the lengths of their windows are given to the function when it is made.
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

Bounds = tuple[str, str]
"""The names of the least and the greatest value."""


@dataclass(slots=True)
class Text:
    """The text under way. ``given`` are numbers and windows, in the order of the function's parameters."""

    lines: list[str] = field(default_factory=list)
    given: list[float | Series | Earlier] = field(default_factory=list)
    known: dict[object, Bounds] = field(default_factory=dict)
    counted: dict[float, int] = field(default_factory=dict)
    """Windows whose prints are counted and summed, by length."""
    uses_sums: bool = False

    def bounds(self, of: Expression | Earlier) -> Bounds:
        found = self.known.get(of)
        if found is None:
            found = self.known[of] = self._written(of)
        return found

    def _written(self, of: Expression | Earlier) -> Bounds:
        match of:
            case Number():
                name = self._give(of.value)
                return name, name
            case Named(of=inner):
                return self.bounds(inner)
            case Reading():
                return "low", "high"
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

    def _give(self, what: float | Series | Earlier) -> str:
        self.given.append(what)
        return f"given{len(self.given) - 1}"

    def _named(self, low: str, high: str) -> Bounds:
        number = len(self.lines)
        self.lines += [f"low{number} = {low}", f"high{number} = {high}"]
        return f"low{number}", f"high{number}"

    def _combined(self, operator: str, left: Bounds, right: Bounds) -> Bounds:
        if operator == "+":
            return self._named(f"{left[0]} + {right[0]}", f"{left[1]} + {right[1]}")
        if operator == "-":
            return self._named(f"{left[0]} - {right[1]}", f"{left[1]} - {right[0]}")
        if operator == "/":
            self.lines.append(f"if {right[0]} <= 0 <= {right[1]}: return None")
            right = self._named(f"1 / {right[1]}", f"1 / {right[0]}")
        corners = dict.fromkeys(f"{one} * {other}" for one in left for other in right)
        if len(corners) == 1:
            return self._named(*corners, *corners)
        both = ", ".join(corners)
        return self._named(f"min({both})", f"max({both})")

    def _earlier(self, of: Earlier) -> Bounds:
        """Of the last print a window ago: it and the next ``prints`` after it."""
        self.uses_sums = True
        window = self._give(of)
        self.lines += [
            f"at = {window}.reach(now_s)",
            "if at < 0 or at + prints + 1 >= count: return None",
            "values = sums.values[at : at + prints + 1]",
            "least, most = min(values), max(values)",
            "if least <= 0: return None",
            f"end_s = times[at + prints + 1] + {window}.window_s - {_EARLY_S}",
            "if end_s < until_s: until_s = end_s",
        ]
        factor, shift = self._give(of.factor), self._give(of.shift)
        return self._named(f"least * {factor} + {shift}", f"most * {factor} + {shift}")

    def _extreme(self, of: Series) -> Bounds:
        """What is the extreme now stays it until it leaves, unless a print outdoes it."""
        window, number = self._give(of), len(self.lines)
        self.lines += [
            f"found = {window}.found(now_s)",
            "if found is None: return None",
            f"extreme{number} = found[1]",
            f"end_s = found[0] + {window}.window_s - {_EARLY_S}",
            "if end_s < until_s: until_s = end_s",
        ]
        now = f"extreme{number}"
        if of.function is Function.HIGHEST:
            return self._named(now, f"max({now}, high)")
        return self._named(f"min({now}, low)", now)

    def _moments(self, of: Series) -> Bounds:
        assert of.duration_s is not None
        n = self._counted(of, of.duration_s)
        if of.function is Function.SMA:
            return self._named(f"(base + mean{n} - drift{n}) / scale", f"(base + mean{n} + drift{n}) / scale")
        self._spread(n)
        if of.function is Function.STDEV:
            return self._named(f"least_dev{n} / scale", f"most_dev{n} / scale")
        self.lines += [
            f"if least_dev{n} <= 0: return None",
            f"under{n}, over{n} = low_step - mean{n} - drift{n}, high_step - mean{n} + drift{n}",
        ]
        return self._named(
            f"under{n} / (most_dev{n} if under{n} >= 0 else least_dev{n})",
            f"over{n} / (least_dev{n} if over{n} >= 0 else most_dev{n})",
        )

    def _counted(self, of: Series, window_s: float) -> int:
        """Mean of a window now, in steps from the base, and how far it drifts while prints come and leave.

        A print that comes or leaves moves the mean by at most its distance from it over the prints that stay. Those
        that will leave first are known, and the sum of their distances is at most the root of ``prints`` times the
        sum of the squares. Whole numbers, so that no float dust makes a bound too narrow.
        """
        n = self.counted.get(window_s)
        if n is not None:
            return n
        n = self.counted[window_s] = len(self.counted)
        self.uses_sums = True
        window = self._give(of)
        self.lines += [
            f"at{n} = {window}.reach(now_s)",
            f"count{n} = count - at{n}",
            f"if count{n} <= prints: return None",
            f"total{n} = total - totals[at{n}]",
            f"mean{n} = total{n} / count{n}",
            f"far{n} = max(high_step - mean{n}, mean{n} - low_step)",
            f"drift{n} = gone{n} = 0.0",
            "if prints:",
            f"    end = at{n} + prints",
            f"    gone_total = totals[end] - totals[at{n}]",
            f"    gone{n} = count{n} * (count{n} * (squares[end] - squares[at{n}]) - 2 * total{n} * gone_total)",
            f"    gone{n} = (gone{n} + prints * total{n} * total{n}) / (count{n} * count{n})",
            f"    drift{n} = (prints * far{n} + sqrt(prints * gone{n})) / (count{n} - prints)",
            f"    end_s = times[end] + {window}.window_s - {_EARLY_S}",
            "    if end_s < until_s: until_s = end_s",
        ]
        return n

    def _spread(self, n: int) -> None:
        """Between which numbers the deviation stays: the squares around the present mean, less those that may leave."""
        line = f"around{n} = (count{n} * (square - squares[at{n}]) - total{n} * total{n}) / count{n}"
        if line in self.lines:
            return
        self.lines += [
            f"if count{n} - prints < 2: return None",
            line,
            f"least{n} = around{n} - gone{n} - (count{n} + prints) * drift{n} * drift{n}",
            f"most{n} = around{n} + prints * far{n} * far{n}",
            f"least_dev{n} = sqrt(least{n} / (count{n} + prints - 1)) if least{n} > 0 else 0.0",
            f"most_dev{n} = sqrt(most{n} / (count{n} - prints - 1))",
        ]

    def size(self, of: Expression | Earlier) -> str:
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
            case Number():
                return f"abs({self.bounds(of)[0]})"
            case _:
                return "(abs({}) + abs({}))".format(*self.bounds(of))


_EXTREMES = (Function.HIGHEST, Function.LOWEST)
_EARLY_S = 2 * EDGE_S
"""So much before a print leaves, no float dust has made it leave yet."""
_SLACK = 1e-9
"""A thousand times what counts as equal."""

_SUMS = """
times, totals, squares, scale, base = sums.times, sums.totals, sums.squares, sums.scale, sums.base
count, total, square = len(times), totals[-1], squares[-1]
step = total - totals[-2]
low_step = high_step = step
if prints:
    back = count - prints if prints < count else 0
    ago = count - back
    path = square - squares[back] - 2 * step * (total - totals[back]) + ago * step * step
    room = 3 * sqrt(path / ago) + 1
    low_step, high_step = step - room, step + room
    low, high = (base + low_step) / scale, (base + high_step) / scale
"""
"""The price walks through ``prints`` prints about as far as it has come in as many."""
_NO_SUMS = """
room = abs(value) * 2e-5 * sqrt(prints)
low, high = value - room, value + room
"""


@dataclass(frozen=True, slots=True)
class Written:
    """``source`` makes the function out of what is ``given``."""

    source: str
    given: tuple[float | Series | Earlier, ...]
    uses_sums: bool


def has_bounds(of: Expression | Earlier) -> bool:
    """Whether it is made of nothing but what can be bounded."""
    match of:
        case Number() | Reading() | Earlier() | Series(of=Reading(), duration_s=float()):
            return True
        case Arithmetic() | Negative() | Named():
            return all(map(has_bounds, parts(of)))
        case _:
            return False


def written(left: Expression | Earlier, right: Expression | Earlier) -> Written:
    """`look(side, prints)`: the stretch in which the left value stays above (side 1) or below (-1) the right one."""
    text = Text()
    mine, other = text.bounds(left), text.bounds(right)
    size = f"{text.size(left)} + {text.size(right)}"
    return Written("\n".join(_function(text, mine, other, size)), tuple(text.given), text.uses_sums)


def _function(text: Text, left: Bounds, right: Bounds, size: str) -> Iterator[str]:
    names = "".join(f", given{number}" for number in range(len(text.given)))
    yield f"def make(market, quote, sums{names}):"
    yield "    def look(side, prints):"
    body = [
        "now_s, value, until_s = market.now_s, quote.value, inf",
        "low = high = value",
        *(_SUMS if text.uses_sums else _NO_SUMS).strip().splitlines(),
        *text.lines,
        f"gap = {left[0]} - {right[1]} if side > 0 else {right[0]} - {left[1]}",
        f"if not gap > {_SLACK} * ({size}): return None",
        f"return Stretch(low, high, until_s, {'prints' if text.uses_sums else 'PRINTS_MAX if prints else 0'})",
    ]
    yield from (f"        {line}" for line in body)
    yield "    return look"
