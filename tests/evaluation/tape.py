"""A tape: prices step by step, and what must be found at each step, whichever engine reads it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from rules_engine.language.durations import read_duration
from rules_engine.model.instrument import Field
from rules_engine.model.plan import Plan
from rules_engine.model.rule import Active, AtMost, IfAlreadyTrue, IfMissed, OnGap
from tests.evaluation.sentences import INSTRUMENTS, NEW_YORK, plan

TAPES = Path(__file__).parent.parent / "tapes"
STEPS_MAX = 5_000


@dataclass(frozen=True)
class Cell:
    """``kind`` is print, down, snapshot or late; a silent step has no cell."""

    kind: str
    value: float | None = None


@dataclass(frozen=True)
class Tape:
    """``fires`` and ``held`` are steps, fractions between two of them; ``verdicts`` a letter a step, or empty."""

    name: str
    plan: Plan
    start_s: float
    every_s: float
    rows: dict[tuple[str, Field], list[Cell | None]]
    verdicts: list[str]
    fires: list[float] | None
    held: dict[float, str]

    @property
    def steps(self) -> int:
        return max(map(len, self.rows.values()))


def tapes() -> Iterator[Tape]:
    for path in sorted(TAPES.glob("*.yaml")):
        for case in yaml.load(path.read_text(), yaml.BaseLoader):
            yield _tape(path.stem, case)


def _tape(stem: str, case: dict[str, Any]) -> Tape:
    prices = case["prices"] if isinstance(case["prices"], dict) else {"V": case["prices"]}
    whens = case["when"] if isinstance(case["when"], list) else [case["when"]]
    bars_s = _seconds(case["bars"]) if "bars" in case else None
    return Tape(
        name=f"{stem}: {case['case']}",
        plan=plan("rule", *whens, bars_s=bars_s, **_words(case.get("rule", {}))),
        start_s=_moment(case.get("start", "2030-11-20 10:00")),
        every_s=_seconds(case.get("every", "1s")),
        rows={_series(name): list(_cells(str(row))) for name, row in prices.items()},
        verdicts=re.findall(r"[TFU]", case.get("verdicts", "")),
        fires=None if "fires" not in case else [float(step) for step in re.findall(r"[\d.]+", str(case["fires"]))],
        held={float(step): reason for step, reason in case.get("held", {}).items()},
    )


def _series(name: str) -> tuple[str, Field]:
    instrument, _, field = name.partition(".")
    default = INSTRUMENTS[instrument].default_field if instrument in INSTRUMENTS else Field.LAST
    return instrument, Field(field) if field else default


def _cells(row: str) -> Iterator[Cell | None]:
    for text in row.split(","):
        word, _, times = text.strip().partition(" x")
        for _ in range(int(times or 1)):
            yield _cell(word.strip())


def _cell(word: str) -> Cell | None:
    if word == "_":
        return None
    if word == "x":
        return Cell("down")
    kind, _, number = word.rpartition(" ")
    return Cell({"": "print", "snap": "snapshot", "late": "late"}[kind], None if number == "none" else float(number))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK)).timestamp()


def _words(words: dict[str, Any]) -> dict[str, Any]:
    return dict(_word(key, value) for key, value in words.items())


def _word(key: str, value: Any) -> tuple[str, Any]:
    match key:
        case "cooldown" | "stale_after":
            return f"{key}_s", _seconds(value)
        case "once":
            return key, value == "true"
        case "at_most":
            return key, AtMost(int(value))
        case "if_already_true":
            return key, IfAlreadyTrue(value)
        case "on_gap":
            return key, OnGap(value)
        case "if_missed":
            return key, _if_missed(value)
        case "expires":
            return "expires_s", _moment(value)
        case "active":
            start, end = (time.fromisoformat(part) for part in value["hours"].split("-"))
            return key, Active(frozenset(map(int, value.get("days", range(7)))), start, end)
        case _:
            return key, value


def _if_missed(value: str) -> IfMissed:
    if value == "tell":
        return IfMissed(act=False, within_s=None)
    return IfMissed(within_s=_seconds(value.removeprefix("act within ")) if value != "act" else None)


def _seconds(text: str) -> float:
    seconds = read_duration(text)
    assert seconds is not None, text
    return seconds
