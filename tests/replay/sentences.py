"""Random rules, of every kind of condition and every word of a rule's life, and random prices for them."""

import random
from dataclasses import replace
from math import pi

from rules_engine.language import Loaded, Source, load
from rules_engine.model.plan import Plan
from rules_engine.planning import plan_all
from rules_engine.replay.assumptions import Assumptions, Charge
from tests.replay.expressions import LEVELS, SERIES, Expressions
from tests.replay.playing import FREE, HEAD, START_S

_RESTING = (
    *("{way} 3 {name} at limit {price}", "{way} 3 {name} at limit {price} good till cancelled"),
    *("{way} 2 {name} at stop {price}", "{way} 2 {name} at stop {price} limit {other}"),
    *("{way} 2 {name} trailing 1%", "{way} 2 {name} trailing 0.5 points good till cancelled"),
    "{way} 3 {name} at limit {price} {soon}",
    "{way} 3 {name} at midpoint",
    "{{{way}: 3 {name}, at: limit {name} - 0.2, take_profit: +1%, stop: -1%}}",
    "{{{way}: 3 {name}, take_profit: +0.5%, stop: -0.4%}}",
    "{{one_cancels_all: [buy 4 {name} at stop {price}, sell 3 {name} at stop {other}], remaining: {left}}}",
    "{{one_cancels_all: [buy 4 {name} at limit {price}, sell 4 {name} trailing 0.5%], remaining: {left}}}",
    *("close {name}", "cancel orders in {name}", "[cancel orders of rule-0, {way} 1 {name} at limit {price}]"),
)
_SOON = ("immediate or cancel", "fill or kill", "good till 2030-11-22 10:01:30", "good till 2030-11-22 10:00:20", "day")
_INSTRUMENTS = "instruments:\n  EUR: {forex: EURUSD}\n"
_ACTIONS = (
    *("notify desk", "notify desk", "buy 10 V", "sell 5 MA", "close V"),
    *("buy 3 V at limit 99", "sell 2 V trailing 1%", "buy 1 MA at stop 101", "buy 2% of equity in V"),
)


class Sentences(Expressions):
    """Says something else with every call, from a seed. ``tells``: nothing is ordered, and the clock matters seldom.

    ``apart``: nobody reads the account, which connects all rules that trade. ``holds``: many conditions read what
    orders and their fills change, and all rules order. ``steps``: many values are floored, rounded, or follow from
    their own source. ``rests``: all rules order, mostly what waits for a price. ``builds``: many moves and changes are
    those of a value that is built of means, extremes, bars or holdings.
    """

    def __init__(
        self,
        source: random.Random,
        *,
        tells: bool = False,
        apart: bool = False,
        holds: bool = False,
        steps: bool = False,
        rests: bool = False,
        builds: bool = False,
    ) -> None:
        super().__init__(source, tells=tells, apart=apart, steps=steps)
        self._holds = holds
        self._rests = rests
        self._builds = builds

    def rules(self) -> tuple[str, Loaded, tuple[Plan, ...]]:
        """Rules of which the language approves."""
        while True:
            text = "rules:\n" + "".join(self._rule(number) for number in range(self._pick((1, 1, 2, 4))))
            loaded = load([Source("rules.yaml", (HEAD + _INSTRUMENTS + text).encode())], now_s=0.0)
            if loaded.ok:
                plans, problems = plan_all(loaded.rules)
                if not problems:
                    return text, loaded, plans

    def assumptions(self) -> Assumptions:
        """What trading costs."""
        spreads = (Charge(0.0), Charge(0.02), Charge(0.0005, True), Charge(0.5))
        return replace(FREE, spread=self._pick(spreads)) if self._rests else FREE

    def prices(self, count: int) -> dict[str, str]:
        """Files of prints or quotes: flat stretches, repeated instants, instants a microsecond apart, any steps."""
        quoted = {name for name in dict.fromkeys(self._names) if self._chance() < (0.6 if name == "EUR" else 0.25)}
        heads = {name: "time,bid,ask" if name in quoted else "time,price,size" for name in dict.fromkeys(self._names)}
        files = {name: [head] for name, head in heads.items()}
        last, at_s = dict.fromkeys(files, 100.0), float(START_S)
        places = self._pick((0, 1, 2, 2, 2, 3, 11))
        unit = pi / 3 if places == 11 else 1.0
        gaps = self._pick(((0, 0, 1, 1, 2, 5), (0.05, 0.1), (0, 0.000001, 0.0000005, 1), (1,), (1, 1, 7), (1, 3000)))
        names = self._pick((self._names, self._names[:1], self._names[-2:]))
        for _ in range(count):
            at_s += self._pick(gaps)
            name = self._pick(names)
            if self._chance() < 0.7:
                step = self._pick((-1, 1)) * self._pick((0, 0.01, 0.1, 0.5, 1, 2)) * unit
                last[name] = round(max(50.0, last[name] + step), places)
            other = (
                round(last[name] + self._pick((0, 0.01, 0.5)), max(2, places))
                if name in quoted
                else self._between(1, 5) * 100
            )
            files[name].append(f"{at_s!r},{last[name]!r},{other!r}")
        return {name: "\n".join(lines) for name, lines in files.items() if len(lines) > 1}

    def _rule(self, number: int) -> str:
        lines = [f"  - name: rule-{number}"]
        if self._chance() < 0.2:
            cases = [f"      - {{when: '{self._condition()}', do: {self._action()}}}" for _ in range(2)]
            lines += ["    cases:", *cases]
        else:
            lines += [f"    when: '{self._condition()}'", f"    do: {self._action()}"]
        words = (
            (0.2, "once: true"),
            (0.2, "cooldown: 5s"),
            (0.15, "at_most: 2 per day"),
            (0.2, f"clears_when: '{self._condition(1)}'"),
            (0.2, f"only_if: '{self._condition(1, events=False)}'"),
            (0.1, f"cancel_when: '{self._condition(1)}'"),
            (0.1, "active: {days: mon-fri, hours: '10:01-10:02'}"),
            (0.1, "if_already_true: fire"),
            (0.1, "on_gap: keep"),
            (0.15, "stale_after: 5s"),
            (0.1, "if_missed: tell"),
            (0.1, "expires: 2030-11-22 10:01:30"),
        )
        if self._tells:
            words = (
                *((0.2, "once: true"), (0.2, "cooldown: 5s"), (0.1, "if_already_true: fire"), (0.1, "stale_after: 5s")),
                *((0.1, "bars: 5s"), (0.1, "if_missed: tell")),
            )
        lines += [f"    {word}" for chance, word in words if self._chance() < chance]
        return "\n".join(lines) + "\n"

    def _action(self) -> str:
        if self._tells:
            return "notify desk"
        if self._rests:
            return self._pick(_RESTING).format(
                way=self._pick(("buy", "sell")),
                name=self._name(),
                price=self._pick((*LEVELS, *LEVELS, f"{self._name()} - 0.3", f"{self._name()} + 0.3")),
                other=self._pick(LEVELS),
                soon=self._pick(_SOON),
                left=self._pick(("cancel", "reduce")),
            )
        if self._holds:
            return f"{self._pick(('buy 10', 'sell 5', 'close', 'buy 2% of equity in'))} {self._name()}"
        return self._pick(_ACTIONS[:-1] if self._apart else _ACTIONS)

    def _condition(self, depth: int = 0, *, events: bool = True) -> str:
        kind = self._chance()
        if depth < 2 and kind < 0.15:
            return f"({self._condition(depth + 1, events=events)} and {self._condition(depth + 1, events=False)})"
        if depth < 2 and kind < 0.22:
            return f"({self._condition(depth + 1, events=events)} or {self._condition(depth + 1, events=events)})"
        if depth < 2 and kind < 0.27:
            return f"not {self._condition(2, events=False)}"
        if depth < 2 and kind < 0.4 and not self._tells:
            return f"({self._condition(depth + 1, events=events)}) for {self._window()}"
        return self._event() if events and kind < 0.6 else self._state()

    def _event(self) -> str:
        name = self._name()
        if self._holds and self._chance() < 0.4:
            return self._pick(self._happenings(name))
        return self._pick(
            (
                f"{name} crosses {self._pick(('above ', 'below ', ''))}{self._value(name)}",
                f"sma({name}, {self._window()}) crosses above sma({name}, {self._window()})",
                f"{name} {self._pick(('enters', 'leaves'))} 99 to 101",
                *self._happenings(name),
            )
        )

    def _happenings(self, name: str) -> tuple[str, ...]:
        if self._tells or self._apart:
            return ()
        way = self._pick(("above ", "below ", ""))
        return (
            f"{name} crosses {way}99 + position({self._name()}) * 0.1",
            f"account.equity crosses {way}{self._pick((9_995, 10_005))}",
            f"account.daily_pnl {self._pick(('enters', 'leaves'))} -5 to 5",
        )

    def _state(self) -> str:
        name = self._name()
        if self._builds and self._chance() < 0.6:
            return self._building(name)
        if self._holds and self._chance() < 0.4:
            return self._holding(name)
        way = self._pick(("up ", "down ", ""))
        amount = self._pick(("1%", "2%", "3%", "1 points", "2 points"))
        plain = (
            f"{name} {self._pick(('>', '>=', '<', '<=', '=='))} {self._value(name)}",
            f"{self._value(name)} {self._pick(('>', '<'))} {self._value(name)}",
            f"{self._series(name)} > {self._pick(('0.5', '1', '0', '-1'))}",
            f"{name} moves {way}{amount} in {self._window()}",
            f"{name} changes {way}{amount} in {self._window()}",
            f"{name} is {self._pick(('inside', 'outside'))} 99 to 101",
        )
        other = (
            f"no tick from {name} for {self._window()}",
            f"{self._joint()} moves {way}{self._pick(('1%', '0.5 points'))} in {self._window()}",
            f"{self._joint()} changes {way}{self._pick(('1%', '0.5 points'))} in {self._window()}",
            f"{name}.change_today >= {self._pick(('0.5%', '-1%'))}",
            f"{name}.volume >= {self._pick((500, 5000))}",
            f"time is after 10:00:{self._between(10, 60)}",
            f"position({name}) == 0",
            f"working_orders({name}) == 0",
            f"any execution in {name}",
            self._holding(name),
            f"{name} > {self._pick(LEVELS)} on bar close 5s",
            f"{name}.ask > {self._pick(LEVELS)}",
            self._using(name),
        )
        return self._pick((*plain, *plain, *plain, self._using(name), *other) if self._tells else (*plain, *other))

    def _building(self, name: str) -> str:
        """A move or a change of what follows from earlier prints, from bars or from holdings."""
        way = self._pick(("up ", "down ", "", ""))
        amount = self._pick(("0.05%", "0.3%", "1%", "20%", "0.1 points", "0.5 points", "1 points"))
        inner = f"{self._built(name)} {self._pick(('moves', 'changes'))} {way}{amount} in {self._window()}"
        method = self._pick(("last", "midpoint", "bid/ask", "double last", "double bid/ask"))
        return self._pick(
            (
                *(inner, inner, inner, inner, inner, f"not {inner}", f"{inner} for {self._window()}"),
                *(f"{inner} on bar close 5s", f"({inner} or {self._passing(name)})"),
                inner if self._tells or self._apart else f"({inner} and account.daily_pnl > {self._pick((-5, 0))})",
                f"{inner} using {method}" if "." not in inner.replace("0.", "") else inner,
            )
        )

    def _holding(self, name: str) -> str:
        """A comparison with what orders and their fills change."""
        held, way = f"position({self._name()})", self._pick((">", "<", ">=", "<=", "=="))
        if self._holds and self._chance() < 0.4:
            return self._while_time_passes(name, held, way)
        working = f"working_orders({self._name()})"
        return self._pick(
            (
                f"{self._value(name)} {way} 99 + {held} * {self._pick((0.1, 0.05, -0.1))}",
                f"{name} {way} {held} * 10",
                f"{held} * {name} > {self._pick((900, 2000, -500))}",
                f"{self._value(name)} {way} 100 - {working}",
                f"{name} is inside 99 to 101 + {held}",
                f"({held} + {working} {way} 10 and {name} > sma({name}, 3s))",
                *(() if self._apart else self._of_account(name, way)),
            )
        )

    def _while_time_passes(self, name: str, held: str, way: str) -> str:
        """Windows that go on as the account is told, and two prints that agree while fills come between."""
        equity = f"account.{self._pick(('equity', 'buying_power'))}"
        twice = (
            self._twice(name),
            f"({self._twice(name)}) for {self._window()}",
            f"({held} {way} 0 and ({self._twice(name)}))",
        )
        if self._apart:
            return self._pick(twice)
        account = (
            f"100 * {self._value(name)} > {equity} - account.daily_pnl",
            f"({equity} > 10000 and {self._passing(name)})",
            f"(account.daily_pnl {way} 0 or {self._passing(name)})",
            f"{equity} > 9900 + {self._series(name)}",
            f"{equity} > 100 * sma({name}, {self._window()})",
            f"account.daily_pnl {way} {self._pick((5, 50))} * ({name} - sma({name}, {self._window()}))",
            f"{equity} {way} 10000 + stdev({name}, {self._window()}) * {held}",
        )
        return self._pick((*twice, *account))

    def _twice(self, name: str) -> str:
        """What two prints must agree upon, on levels that fills move."""
        held = self._pick((f"position({self._name()})", f"working_orders({self._name()})"))
        level = f"{self._pick((99, 100))} + {held} * {self._pick((0.1, -0.1, 1))}"
        equity = () if self._apart else (f"100 * {name} > account.equity - {self._pick((5, 100))}",)
        inner = self._pick(
            (
                f"{name} {self._pick(('>', '<='))} {level}",
                f"{name} > sma({name}, {self._window()}) + {held} * 0.01",
                f"{name} > sma({name}, {self._window()})",
                f"{name} is {self._pick(('inside', 'outside'))} 99 to {level} + 1",
                *equity,
            )
        )
        return f"{inner} using double {self._pick(('last', 'last', 'bid/ask'))}"

    def _of_account(self, name: str, way: str) -> tuple[str, ...]:
        equity, held = f"account.{self._pick(('equity', 'buying_power'))}", f"position({self._name()})"
        return (
            f"{equity} {way} {self._pick((9_995, 10_000, 10_005))}",
            f"account.daily_pnl {way} {self._pick((-5, 0, 5))}",
            f"abs(account.daily_pnl) > {held} * 0.5",
            f"{equity} - account.daily_pnl {way} 2 * 5000",
            f"{held} * {name} > {self._pick((0.05, 0.1, 0.2))} * {equity}",
            f"({equity} > 10000 and {name} > 100)",
            f"({equity} > 10000 or {name} > sma({name}, 3s))",
            f"100 * {self._value(name)} > {equity}",
            "account.margin_cushion < 15%",
        )

    def _passing(self, name: str) -> str:
        """What time alone may change, while nothing that it reads prints."""
        series, window = self._series(name), self._window()
        return self._pick(
            (
                f"{name} moves {self._pick(('up 1%', 'down 1%', '1 points'))} in {window}",
                f"{name} changes {self._pick(('up 1%', 'down 1%', '1 points'))} in {window}",
                f"{series} > {self._pick((0, 1, 100))}",
                f"{self._joint()} moves 0.5 points in {window}",
                f"{name} > {name}[5s].high",
                f"sma({name}[5s], 3) > {self._series(name)}",
                f"{self._value(name)} > {self._value(name)}",
                f"{name} > sma({name}, {window}) using bid/ask",
            )
        )

    def _using(self, name: str) -> str:
        """A condition on other quotes."""
        method = self._pick(("last", "double last", "bid/ask", "double bid/ask", "midpoint", "default"))
        within = self._pick(("is inside", "is outside", *(() if "/" in method else ("enters", "leaves"))))
        inner = self._pick(
            (
                f"{name} {self._pick(('>', '<='))} {self._pick(LEVELS)}",
                f"{name} crosses {self._pick(('above ', 'below ', ''))}{self._pick(LEVELS)}",
                f"{name} {within} 99 to 101",
                f"{name} moves {self._pick(('up ', ''))}1% in {self._window()}",
                f"{name} > sma({name}, {self._window()})",
                f"{name} >= {self._pick(SERIES)}({self._field()}, {self._window()}) - 0.1",
                f"({name} > 99 and {self._name()} > 99)",
            )
        )
        return f"{inner} using {method}"
