"""Sentences of rules from dice: grown from the grammar's words, then damaged; each is refused with a place or is what
it says."""

import re
import time
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from rules_engine.language import parse_action, parse_condition, parse_expression
from rules_engine.model.place import RulesError

SECONDS_MAX = 0.5
"""Of processor time for one text; what a busy machine adds to it comes and goes."""
TEXT_MAX = 1_200
OUTSIDE = re.compile(r"[^\x20-\x7e\n\t]|\*\*|__|['\"`\\{};@$&|^~?]|:=|=>|\blambda\b|\bimport\b")
"""What no accepted sentence may hold: not a list of what is dangerous, but of what the language has no use for."""

WORDS = (
    *("V", "MA", "NVDA.bid", "V.last", "MA[5m].close", "V[1d].high", "position(V)", "account.daily_pnl", "spread"),
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
HOSTILE = (
    *("__import__('os')", "().__class__", "lambda: 0", "f'{V}'", "[x for x in V]", "V.__dict__", "9**9**9", "V = 5"),
    *("\u202e", "\uff36", "\x00", "\ud7ff", "'" * 40, "(" * 60, "-" * 80, "not " * 40, "9" * 200, "1e999", "nan"),
)


@dataclass
class Findings:
    """What came of the texts. ``broken`` are those that a promise was broken on."""

    texts: int = 0
    accepted: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    seconds_max: float = 0.0
    broken: list[str] = field(default_factory=list)


def grown(dice: Random) -> str:
    """A text that is a sentence, nearly one, or not at all."""
    kind = dice.random()
    if kind < 0.35:
        text = dice.choice(STARTS)
        for _ in range(dice.randrange(1, 4)):
            text = damaged(text, dice)
    elif kind < 0.6:
        text = " ".join(dice.choice(WORDS) for _ in range(dice.randrange(1, 14)))
    elif kind < 0.85:
        text = f"{dice.choice(STARTS)} {dice.choice(('and', 'or', 'for', '+', ','))} {dice.choice(STARTS)}"
        text = damaged(text, dice) if dice.random() < 0.5 else text
    else:
        text = damaged(dice.choice(STARTS), dice) + dice.choice(HOSTILE) + dice.choice(WORDS)
    return text[:TEXT_MAX]


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
    """Reads so many texts as each kind of sentence in turn."""
    dice, found = Random(seed), Findings()
    readers = (parse_condition, parse_condition, parse_expression, parse_action)
    for number in range(count):
        text = grown(dice)
        read = readers[number % len(readers)]
        began_s = time.process_time()
        _try(read, text, found)
        took_s = time.process_time() - began_s
        found.texts += 1
        found.seconds_max = max(found.seconds_max, took_s)
        if took_s > SECONDS_MAX:
            found.broken.append(f"{took_s:.2f} s: {text!r}")
    return found


def _try(read, text: str, found: Findings) -> None:
    try:
        meant = read(text)
    except RulesError as refused:
        found.codes.update(str(problem.code) for problem in refused.problems)
        if not refused.problems or any(problem.place.column < 1 for problem in refused.problems):
            found.broken.append(f"refused without a place: {text!r}")
        return
    except Exception as stray:
        found.broken.append(f"{type(stray).__name__}: {text!r}")
        return
    found.accepted += 1
    if OUTSIDE.search(text):
        found.broken.append(f"accepted outside of the grammar: {text!r}")
    try:
        if read(str(meant)) != meant:
            found.broken.append(f"says something else: {text!r} -> {meant}")
    except RulesError:
        found.broken.append(f"does not understand itself: {text!r} -> {meant}")


def memory_of(count: int, seed: int) -> int:
    """The most bytes that Python held at once over so many texts, beyond what it held before."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try_texts(count, seed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before
