"""Random values, of every kind that the language knows."""

import random

LEVELS = ("98", "99", "99.5", "100", "100.01", "100.25", "101", "102")
SERIES = ("sma", "stdev", "highest", "lowest", "zscore")
_FOLLOWING = (
    *("{0}.mid - {0}.bid + 1", "{0}.ask / {0}.mid", "{0}.mid * 2 - {0}.ask + {0}.bid", "{0} * (1 + {0}.change_today)"),
    *("{0}.mid + {0}", "({0}.close + {0}) / 2 + {0}.change_today"),
)


class Expressions:
    """Says another one with every call. ``tells``: none with holdings; ``apart``: none with the account; ``steps``:
    many are floored, rounded, or follow from their own source."""

    def __init__(self, source: random.Random, *, tells: bool, apart: bool, steps: bool) -> None:
        self._tells = tells
        self._apart = apart
        self._steps = steps
        self._pick = source.choice
        # Often of one instrument alone: what is told of one, and of two, are different ways.
        self._names = source.choice((("V",), ("V", "V", "V", "MA"), ("V", "V", "MA", "EUR"), ("EUR",)))
        self._chance = source.random
        self._between = source.randrange

    def _joint(self) -> str:
        """Made of several values, or of one that was reckoned with."""
        one, two = self._field(), self._field()
        return self._pick((f"({one} - {two} + 10)", f"({one} / {two})", f"({one} * 1.5)", f"(2 * {one} - {two})"))

    def _field(self) -> str:
        return self._name() + self._pick(("", "", "", ".bid", ".ask", ".mid", ".mark", ".high", ".open", ".low"))

    def _value(self, name: str) -> str:
        if self._steps and self._chance() < 0.6:
            return self._step(name)
        return self._pick(
            (
                self._pick(LEVELS),
                self._series(name),
                f"sma({name}, {self._window()}) + {self._pick((0.5, 1, 2))} * stdev({name}, {self._window()})",
                f"1.01 * lowest({name}, {self._window()})",
                f"max({name}, {self._pick(LEVELS)})",
                f"abs({name} - {self._pick(LEVELS)})",
                f"{name} / sma({name}, {self._window()})",
                f"min(highest({name}, {self._window()}), {self._pick(LEVELS)})",
                f"floor({name})",
                f"round({name}, 1)",
                f"({self._field()} - {self._field()} + 100)",
                f"(100 * {self._field()} / {self._field()})",
                self._joint(),
                f"{self._name()}[{self._pick(('5s', '1m', '1d'))}]{self._pick(('', '.high', '.low', '.open'))}",
                f"{self._pick(('sma', 'highest', 'lowest'))}({self._name()}[5s]{self._pick(('', '.high'))}, 3)",
                f"sma({self._name()}[5s] - {self._name()}[5s] + 100, 2)",
                f"{self._pick(('highest', 'lowest'))}({self._joint()}, {self._window()})",
                f"{self._pick(SERIES)}({self._joint()}, {self._window()})",
                f"{self._pick(SERIES)}({self._field()}, {self._window()})",
                f"100 + {self._pick(SERIES)}({self._joint()}, {self._window()}) * {self._pick((0, 0.5, 3))}",
                f"100 / {self._pick(SERIES)}({self._field()}, {self._window()})",
                f"round(sma({self._field()}, {self._window()}), 1)",
                f"max(100, sma({self._joint()}, {self._window()}))",
                f"{self._pick(('highest', 'lowest'))}({self._field()}, {self._window()})",
                self._field(),
                self._name(),
            )
        )

    def _step(self, name: str) -> str:
        """A value that goes in steps, or a series that prints twice at one tick."""
        made, window = self._pick((name, self._field(), self._joint())), self._window()
        series = f"{self._pick(SERIES)}({made}, {window})"
        other = self._pick(_FOLLOWING).format(name)
        return self._pick(
            (
                f"floor({series})",
                f"floor({series} * {self._pick((2, 3, 10))})",
                f"100 + floor({series} - {self._pick((0.5, 99, 100))})",
                f"round({series}, {self._between(0, 10)})",
                f"100 + round({series}) * {self._pick((0.1, 1))}",
                f"100 / round({series} - 99.5)",
                f"round(floor({series}) + {series}, 1)",
                f"min(floor({series}), {self._pick(LEVELS)})",
                f"{self._pick(SERIES)}({other}, {window})",
                f"100 + {self._pick(SERIES)}({other}, {window}) * {self._pick((0.5, 3))}",
                f"round(sma({other}, {window}), 2)",
            )
        )

    def _series(self, name: str) -> str:
        return f"{self._pick(SERIES)}({name}, {self._window()})"

    def _window(self) -> str:
        return f"{self._pick((1, 2, 3, 5, 8, 13))}s"

    def _name(self) -> str:
        return self._pick(self._names)

    def _built(self, name: str) -> str:
        """A value that is more than a price now."""
        series, field = self._series(name), self._field()
        held = self._pick((f"position({self._name()})", f"working_orders({self._name()})"))
        bar = f"{self._name()}[{self._pick(('5s', '1m'))}]{self._pick(('', '.high', '.low', '.open'))}"
        plain = (
            *(series, series, f"({series} - {self._series(self._name())} + 10)", f"({series} * 2 - {field})"),
            *(f"({name} / {series})", f"max({series}, {self._pick(LEVELS)})", f"round({series}, 1)"),
            f"{self._pick(SERIES)}({field}, {self._window()})",
            f"{self._pick(SERIES)}({self._joint()}, {self._window()})",
            f"({self._pick(SERIES)}({self._joint()}, {self._window()}) + {field})",
            *(bar, f"({name} - {bar} + 5)", f"({bar} + {series})", f"sma({self._name()}[5s], 3)"),
            f"({field} + highest({self._name()}[5s].high, 2))",
        )
        holding = (
            *(held, f"({name} - {held})", f"({name} + {held} * 0.1)", f"({held} * {series})", f"({field} / {held})"),
            f"({bar} + {held})",
            *(
                ()
                if self._apart
                else ("account.equity", f"(100 * {name} - account.equity)", f"(account.daily_pnl + {series})")
            ),
        )
        return self._pick(plain if self._tells else (*plain, *holding))
