"""The loops over prints that cost most: compiled where numba is installed and pays, else in numpy."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from rules_engine.evaluation.columnar import vectorised
from rules_engine.evaluation.columnar.arrays import Column, Flags, Index, Line, Sides
from rules_engine.evaluation.columnar.blocks import Blocks

COMPILED_LOOKS_MIN = 30_000_000
"""Prints times rules: what numba saves there is what it takes to import it and to load what it once compiled."""
SPANS_MIN, COMPILED_SPANS_MIN = 4_000, 30_000
"""Prints of a slice: from so many on, finding out about spans of them costs less than it saves."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """As `vectorised` describes them."""

    starts: Callable[[Column, Column, Column], Index]
    starts_from: Callable[[Column, Column, float, Index], Index]
    extremes: Callable[[Blocks, Index, Index, bool], Column]
    means: Callable[[Index, Index, Index, int, float], Column]
    deviations: Callable[[Index, Index, Index, Index, float], tuple[Column, float]]
    scores: Callable[[Index, Index, Index, Index], tuple[Column, float]]
    in_steps: Callable[[Column, float], bool]
    running: Callable[[Column, float, int], tuple[Index, Index, bool]]
    orders: Callable[[Column, Column, float, bool], Sides]
    reached: Callable[[Column, Column, Line], Flags]
    moved: Callable[[Column, Blocks, int, float, Line], Flags]


def _of(module: ModuleType) -> Kernels:
    return Kernels(*(getattr(module, field.name) for field in fields(Kernels)))


VECTORISED = _of(vectorised)


@cache
def compiled() -> Kernels | None:
    """None where numba is not installed."""
    return _of(import_module("rules_engine.evaluation.columnar.compiled")) if find_spec("numba") else None


def kernels_for(looks: int) -> Kernels:
    """Those that are quickest for so many looks of rules at prints."""
    return (compiled() if looks >= COMPILED_LOOKS_MIN else None) or VECTORISED


def spans_pay(of: Kernels, prints: int) -> bool:
    """Whether so many prints are looked at in spans first."""
    return prints >= (SPANS_MIN if of is VECTORISED else COMPILED_SPANS_MIN)
