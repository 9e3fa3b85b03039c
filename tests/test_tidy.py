"""What is plainly wrong in our own files, each with what to write instead."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rules_engine"
OURS = sorted(path for folder in ("rules_engine", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
LINES_MAX = 420

# Calls that product code must not make, and what stands in their place.
BANNED = {
    "time.time": "ask the Clock",
    "time.sleep": "await an event with a deadline",
    "datetime.now": "ask the Clock",
    "datetime.datetime.now": "ask the Clock",
    "datetime.utcnow": "ask the Clock",
    "date.today": "ask the Clock",
    "eval": "parse it into the expression tree",
    "exec": "parse it into the expression tree",
    "uuid.uuid4": "take randomness as an argument",
    "random.random": "take a seeded random.Random as an argument",
    "asyncio.ensure_future": "start tasks in a TaskGroup",
}
CLOCK = PACKAGE / "model" / "clock.py"
COMPILER = PACKAGE / "evaluation" / "guard.py"
"""It compiles text of its own, in which no word of a user stands."""
STORES = PACKAGE / "recordings" / "location.py"
"""It gives a name to errors of which nobody has a list."""
SUPERVISORS = {"daemon", "cli"}
VAGUE = {"utils", "helpers", "helper", "manager", "base", "common", "misc"}
WIDE = {"Exception", "BaseException"}
FROZEN = {"dataclass(frozen=True, slots=True)", "dataclass(frozen=True, slots=True, order=True)"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def product() -> list[Path]:
    return [path for path in OURS if path.is_relative_to(PACKAGE)]


def trees(paths: list[Path]) -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text())) for path in paths]


def test_no_banned_call() -> None:
    found = [
        f"{relative(path)}:{node.lineno}: {ast.unparse(node.func)}: {BANNED[ast.unparse(node.func)]}"
        for path, tree in trees(product())
        if path != CLOCK
        for node in ast.walk(tree)
        if not (path == COMPILER and ast.unparse(node).startswith("exec("))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BANNED
    ]
    assert found == []


def test_errors_are_swallowed_only_where_the_daemon_supervises() -> None:
    found = [
        f"{relative(path)}:{node.lineno}"
        for path, tree in trees(product())
        if path.relative_to(PACKAGE).parts[0] not in SUPERVISORS
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in WIDE)
        if not (path == STORES and isinstance(node.body[-1], ast.Raise))
    ]
    assert found == []


def test_every_module_says_what_it_is() -> None:
    silent = [relative(path) for path, tree in trees(product()) if ast.get_docstring(tree) is None]
    assert silent == []


def test_public_names_have_a_docstring() -> None:
    silent = [
        f"{relative(path)}:{node.lineno}: {node.name}"
        for path, tree in trees(product())
        if path.relative_to(PACKAGE).parts[0] in {"model", "language", "planning", "execution", "broker", "engine.py"}
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        if ast.get_docstring(node) is None
    ]
    assert silent == []


def test_no_vague_module_names() -> None:
    assert [relative(path) for path in OURS if path.stem in VAGUE] == []


def test_modules_fit_in_a_head() -> None:
    long = [f"{relative(path)}: {n}" for path in product() if (n := len(path.read_text().splitlines())) > LINES_MAX]
    assert long == []


def test_values_are_frozen_and_slotted() -> None:
    loose = [
        f"{relative(path)}:{node.lineno}: {node.name}"
        for path, tree in trees(product())
        if path.relative_to(PACKAGE).parts[0] in {"model", "conditions", "language", "planning"} and path != CLOCK
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).startswith("dataclass") and ast.unparse(decorator) not in FROZEN
    ]
    assert loose == []


@pytest.mark.parametrize("pattern", [r"\bTO" + "DO\\b", r"\bFIX" + "ME\\b", r"\bXX" + "X\\b", "breakpoint" + r"\("])
def test_no_leftovers(pattern: str) -> None:
    found = [relative(path) for path in OURS if re.search(pattern, path.read_text())]
    assert found == []


def test_no_test_is_skipped_without_a_reason_it_can_name() -> None:
    bare = [
        f"{relative(path)}:{node.lineno}"
        for path, tree in trees(OURS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"pytest.skip", "pytest.mark.xfail"}
        if not (node.args or node.keywords)
    ]
    assert bare == []
