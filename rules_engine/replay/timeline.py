"""A moment of a rule test, with the prices that led to it."""

from collections.abc import Sequence

from rules_engine.model.duration import spell_duration
from rules_engine.model.expression import spell_number
from rules_engine.model.place import Place
from rules_engine.model.rule_test import Row, RuleTest
from rules_engine.model.tolerance import EDGE_S

_STEPS_BEFORE = 3


def draw(test: RuleTest, at_s: float, notes: Sequence[str], place: Place) -> str:
    """The steps before that moment, then the moment itself with the notes under it."""
    last = int((at_s + EDGE_S) // test.every_s)
    shown = range(max(0, last - _STEPS_BEFORE), last + 1)
    times = [f"{spell_duration(step * test.every_s)}" for step in shown]
    between = at_s - last * test.every_s > EDGE_S
    width = max(map(len, [*times, spell_duration(at_s)]))
    lines = [f"{test.name}: first difference at {spell_duration(at_s)} ({place.file}:{place.line})"]
    for step, time in zip(shown, times, strict=True):
        marker = ">" if step == last and not between else " "
        lines.append(f"{marker} {time:>{width}}  {_prices(test.rows, step)}".rstrip())
    if between:
        lines.append(f"> {spell_duration(at_s):>{width}}")
    lines += [f"  {'':>{width}}  {note}" for note in notes]
    return "\n".join(lines)


def _prices(rows: Sequence[Row], step: int) -> str:
    return "  ".join(f"{_label(row)} {_cell(row, step)}" for row in rows)


def _label(row: Row) -> str:
    return f"{row.instrument}.{row.field}"


def _cell(row: Row, step: int) -> str:
    cell = row.cells[step] if step < len(row.cells) else None
    if cell is None:
        return "_"
    return cell if isinstance(cell, str) else spell_number(cell)
