"""Sentences of rules from dice: grown from the grammar's words, then damaged; each is refused with a place or is what
it says."""

import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from rules_engine.language import parse_action, parse_condition, parse_expression, sentences
from rules_engine.language.shapes import Shapes
from rules_engine.model.expression import Named
from rules_engine.model.place import RulesError

SECONDS_MAX = 0.010
"""Of processor time for reading one text that no sentence before it was like."""
QUIETLY = 6
"""Times that a slow text is read again: what a busy machine adds to it comes and goes, and the least counts."""
TEXT_MAX = 1_050
OUTSIDE = re.compile(r"[^\x20-\x7e\n\t]|\*\*|__|['\"`\\{};@$&|^~?]|:=|=>|\blambda\b|\bimport\b")
"""What no accepted sentence may hold: not a list of what is dangerous, but of what the language has no use for."""

WORDS = (
    *(
        "V",
        "MA",
        "NVDA.bid",
        "V.last",
        "MA[5m].close",
        "V[1d].high",
        "position(V)",
        "account.daily_pnl",
        "named",
        "factor",
    ),
    *("avg", "lowest", "highest", "stdev", "zscore", "abs", "min", "max", "vwap", "open", "close", "correlation"),
    *("crosses", "above", "below", "moves", "up", "down", "from", "its", "high", "low", "of", "the", "day", "in"),
    *("and", "or", "not", "between", "for", "is", "time", "on", "bar", "quiet", "with", "buy", "sell", "at", "limit"),
    *(">", "<", ">=", "<=", "==", "!=", "+", "-", "*", "/", "(", ")", ",", "%", ".", "[", "]"),
    *("200", "1.5%", "5m", "1h", "0", "-1", "1e5", "09:45", "15:30", "999999999999999999999", ".5", "5.", "1_000"),
)
STARTS = (
    "V crosses above 200",
    "V moves down 5% in 5m and MA > 400",
    "MA > highest(MA, 1h) for 30s",
    "abs(MA.mid - 1.85 * V.mid) > 3 * stdev(V, 2h)",
    "time is between 09:45 and 15:30 and not V > MA",
    "buy 100 MA at limit MA.ask + 0.05",
    "position(V) == 0 or (V < 190 and V > 180)",
)
LEAVES = ("V", "MA.bid", "NVDA", "200", "1.5%", "0.3", "named", "basket", "V[5m]", "sma(V, 20)", "zscore(MA.mid, 2h)")
CALLS = (
    "abs({0})",
    "max({0}, {1})",
    "floor({0})",
    "round({0}, 2)",
    "lowest({0}, 1h)",
    "zscore({0}, 2h)",
    "sma({0}, 20)",
)
SENTENCES = (
    *("{0} > {1}", "{0} <= {1}", "{0} crosses above {1}", "{0} is inside {1} to {2}", "{0} enters {1} to {2}"),
    *("V moves up 2% in 5m", "time is after 09:45", "no tick from V for 60s", "V > 200 using double last"),
)
HOSTILE = (
    *("__import__('os')", "().__class__", "lambda: 0", "f'{V}'", "[x for x in V]", "V.__dict__", "9**9**9", "V = 5"),
    *("\u202e", "\uff36", "\x00", "\ud7ff", "'" * 40, "(" * 60, "-" * 80, "not " * 40, "9" * 200, "1e999", "nan"),
)
LETS = {
    "named": Named("named", parse_expression("MA.mid - 1.85 * V.mid")),
    "basket": Named("basket", parse_expression(" + ".join(["0.3 * MA"] * 60))),
    "factor": Named("factor", parse_expression(" + ".join(["1"] * 120))),
}
Reader = Callable[[str], object]
READERS: tuple[Reader, ...] = (
    *2 * (partial(parse_condition, lets=LETS, bars_s=300.0),),
    partial(parse_expression, lets=LETS, bars_s=300.0),
    partial(parse_action, lets=LETS),
)


@dataclass
class Findings:
    """What came of the texts. ``slow`` took longer than SECONDS_MAX; ``broken`` is what no machine excuses."""

    texts: int = 0
    accepted: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    seconds_max: float = 0.0
    slow: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def grown(dice: Random) -> str:
    """A text that is a sentence, nearly one, or not at all."""
    kind = dice.random()
    if kind < 0.2:
        text = condition(dice, dice.randrange(1, 7))
        text = damaged(text, dice) if dice.random() < 0.3 else text
    elif kind < 0.25:
        joint = dice.choice((" and ", " or ", " + ", ", ", " "))
        text = joint.join(dice.choice((*STARTS, *WORDS)) for _ in range(dice.randrange(10, 200)))
    elif kind < 0.45:
        text = dice.choice(STARTS)
        for _ in range(dice.randrange(1, 4)):
            text = damaged(text, dice)
    elif kind < 0.65:
        text = " ".join(dice.choice(WORDS) for _ in range(dice.randrange(1, 14)))
    elif kind < 0.85:
        text = f"{dice.choice(STARTS)} {dice.choice(('and', 'or', 'for', '+', ','))} {dice.choice(STARTS)}"
        text = damaged(text, dice) if dice.random() < 0.5 else text
    else:
        text = damaged(dice.choice(STARTS), dice) + dice.choice(HOSTILE) + dice.choice(WORDS)
    return text[:TEXT_MAX]


def condition(dice: Random, depth: int) -> str:
    """A condition as the grammar has it, nested so deep at most; what it says may still be nonsense."""
    if depth == 0 or dice.random() < 0.2:
        values = [value(dice, dice.randrange(4)) for _ in range(3)]
        return dice.choice(SENTENCES).format(*values) + dice.choice(("", "", " for 30s", " on bar close 5m"))
    inner = [condition(dice, depth - 1) for _ in range(2)]
    return dice.choice(("{0} and {1}", "{0} or {1}", "not ({0})", "({0} or {1}) and {0}", "({0})")).format(*inner)


def value(dice: Random, depth: int) -> str:
    """An expression, nested so deep at most."""
    if depth == 0:
        return dice.choice(LEAVES)
    inner = [value(dice, depth - 1) for _ in range(2)]
    if dice.random() < 0.4:
        return dice.choice(CALLS).format(*inner)
    return f"({inner[0]} {dice.choice('+-*/')} {inner[1]})" if dice.random() < 0.5 else f"-{inner[0]}"


def damaged(text: str, dice: Random) -> str:
    """One accident."""
    at, until = sorted(dice.randrange(len(text) + 1) for _ in range(2))
    match dice.randrange(6):
        case 0:
            return text[:at] + text[until:]
        case 1:
            return text[:until] + text[at:]
        case 2:
            return text[:at] + chr(dice.randrange(1, 256)) + text[at + 1 :]
        case 3:
            return f"{text[:at]} {dice.choice(WORDS)} {text[at:]}"
        case 4:
            return re.sub(r"\d+", lambda _: str(dice.randrange(10 ** dice.randrange(1, 18))), text, count=1)
        case _:
            return f"({text})"


def try_texts(count: int, seed: int) -> Findings:
    """Reads so many texts as each kind of sentence in turn, each as if nothing like it had been read before."""
    dice, found = Random(seed), Findings()
    for number in range(count):
        text = grown(dice)
        read = READERS[number % len(READERS)]
        taken_s, outcome = _timed(read, text)
        if taken_s > SECONDS_MAX / 2:
            taken_s = min(taken_s, *(_timed(read, text)[0] for _ in range(QUIETLY)))
        found.texts += 1
        found.seconds_max = max(found.seconds_max, taken_s)
        if taken_s > SECONDS_MAX:
            found.slow.append(f"{taken_s * 1000:.1f} ms: {text!r}")
        _judge(read, text, outcome, found)
    return found


def _timed(read: Reader, text: str) -> tuple[float, object]:
    """Seconds of processor time, and what came of it: its meaning or an exception."""
    sentences._SHAPES = Shapes()
    began_s = time.process_time()
    try:
        outcome = read(text)
    except Exception as refused:
        outcome = refused
    return time.process_time() - began_s, outcome


def _judge(read: Reader, text: str, outcome: object, found: Findings) -> None:
    if isinstance(outcome, RulesError):
        found.codes.update(str(problem.code) for problem in outcome.problems)
        if not outcome.problems or any(problem.place.column < 1 for problem in outcome.problems):
            found.broken.append(f"refused without a place: {text!r}")
        return
    if isinstance(outcome, Exception):
        found.broken.append(f"{type(outcome).__name__}: {text!r}")
        return
    found.accepted += 1
    if OUTSIDE.search(text):
        found.broken.append(f"accepted outside of the grammar: {text!r}")
    try:
        if read(str(outcome)) != outcome:
            found.broken.append(f"says something else: {text!r} -> {outcome}")
    except RulesError:
        found.broken.append(f"does not understand itself: {text!r} -> {outcome}")


def memory_of(count: int, seed: int) -> int:
    """The most bytes that Python held at once over so many texts, beyond what it held before."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try_texts(count, seed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before
