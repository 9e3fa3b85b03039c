"""The engines that every tape runs on; another one joins by a parameter."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rules_engine.evaluation import Evaluator
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.life import Outcome
from rules_engine.model.tick import Tick
from rules_engine.model.truth import Truth
from tests.evaluation.tape import Cell, Tape

_LETTERS = {Truth.TRUE: "T", Truth.FALSE: "F", Truth.UNKNOWN: "U"}


@dataclass(frozen=True)
class Played:
    """Steps at which the rule fired, was held back and why, and what was found of its first case after each step."""

    verdicts: list[str]
    fires: list[float]
    held: dict[float, str]


Play = Callable[[Tape], Played]


def play_streaming(tape: Tape) -> Played:
    evaluator = Evaluator([tape.plan], tape.start_s)
    outcomes: list[Outcome] = [*evaluator.feed_up(tape.start_s)]
    verdicts = []
    down: set[str] = set()
    for step in range(tape.steps):
        outcomes += _step(evaluator, tape, step, down)
        verdicts.append(_LETTERS[evaluator.truths("rule")[0]])
    at = [(round((_time(outcome) - tape.start_s) / tape.every_s, 6), outcome) for outcome in outcomes]
    return Played(
        verdicts,
        [step for step, outcome in at if isinstance(outcome, Firing)],
        {step: outcome.reason.name for step, outcome in at if isinstance(outcome, HeldBack)},
    )


def _time(outcome: Outcome) -> float:
    return outcome.firing.at_s if isinstance(outcome, HeldBack) else outcome.at_s


def _step(evaluator: Evaluator, tape: Tape, step: int, down: set[str]) -> list[Outcome]:
    now_s = tape.start_s + step * tape.every_s
    cells = {series: row[step] for series, row in tape.rows.items() if step < len(row)}
    outcomes = [*evaluator.advance(now_s)]
    lost = {instrument for (instrument, _), cell in cells.items() if cell == Cell("down")}
    for instrument in sorted(lost - down):
        outcomes += evaluator.feed_down(now_s, instrument)
    for instrument in sorted(down - lost):
        outcomes += evaluator.feed_up(now_s, instrument)
    down.clear()
    down |= lost
    for (instrument, field), cell in cells.items():
        if cell is not None and cell.kind != "down":
            time_s = now_s - 1.5 * tape.every_s if cell.kind == "late" else now_s
            outcomes += evaluator.tick(Tick(instrument, time_s, field, cell.value, 1.0, cell.kind == "snapshot"))
    return outcomes


@pytest.fixture(params=[play_streaming], ids=["streaming"])
def play(request: pytest.FixtureRequest) -> Play:
    engine: Play = request.param
    return engine
