"""The package's own page is a map of it."""

import re
from pathlib import Path

import rules_engine.execution as execution


def test_every_module_is_on_the_map_and_nothing_else() -> None:
    assert execution.__doc__ is not None and execution.__file__ is not None
    named = re.findall(r"^    ([a-z_]+)  ", execution.__doc__, re.MULTILINE)
    modules = {path.stem for path in Path(execution.__file__).parent.glob("*.py")} - {"__init__"}
    assert len(named) == len(set(named)) and set(named) == modules
