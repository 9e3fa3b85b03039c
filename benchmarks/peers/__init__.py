"""The workloads in other people's libraries, those that are installed: the optional group `peers`."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

LIBRARIES = ("numba", "simpleeval", "rule_engine", "river", "bytewax", "nautilus_trader")
"""Each is driven by the module here that ends in its name."""
_ELSEWHERE = ("polars", "matplotlib")
"""What W6 is compared with, and what draws the picture of `growth`."""


def missing() -> list[str]:
    """Those of the group that are not installed."""
    return [name for name in (*LIBRARIES, *_ELSEWHERE) if find_spec(name) is None]


def installed(workload: str) -> dict[str, Any]:
    """Name of a library -> the function of its module that has the name ``workload``; those that have it."""
    modules = {name: import_module(f"{__name__}.in_{name}") for name in LIBRARIES if find_spec(name) is not None}
    return {name: getattr(module, workload) for name, module in modules.items() if hasattr(module, workload)}
