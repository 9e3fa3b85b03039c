"""The folder list is the flow: imports go one way, and each outside package has one owner."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "rules_engine"

# What each package may import of the project besides itself.
ALLOWED = {
    "model": set(),
    "conditions": {"model"},
    "language": {"model", "conditions"},
    "planning": {"model", "conditions"},
    "evaluation": {"model", "conditions"},
    "execution": {"model", "conditions"},
    "notifying": {"model"},
    "broker": {"model", "conditions", "planning", "execution"},
    "gateway": {"model", "recordings"},
    "engine": {"model", "conditions", "language", "planning", "evaluation"},
    "recordings": {"model"},
    "replay": {"model", "conditions", "language", "planning", "evaluation", "execution", "engine", "recordings"},
    "daemon": {
        "model",
        "conditions",
        "language",
        "planning",
        "evaluation",
        "execution",
        "notifying",
        "broker",
        "gateway",
    },
}
ALLOWED["cli"] = {*ALLOWED, "cli"}
ALLOWED["__init__"] = {"engine", "model"}
ALLOWED["__main__"] = {"cli"}

_ON_COLUMNS = ("book", "columns", "course", "figures", "hearing", "holding", "marks")
_ON_COLUMNS += ("only_telling", "prices", "resting", "summary", "telling")
# Outside packages and who may import them: packages, folders, files.
OWNERS: dict[str, set[str]] = {
    "yaml": {"language", "gateway/files.py"},
    "jsonschema": {"language"},
    "lark": {"language"},
    "simpleeval": {"language"},
    "sqlite3": {"execution", "gateway"},
    "apprise": {"notifying"},
    "ib_insync": {"broker"},
    "ib_async": {"broker"},
    "eventkit": {"broker"},
    "exchange_calendars": {"gateway/contracts/calendars.py"},
    "pandas": set(),
    "numpy": {
        "recordings",
        "evaluation/columnar",
        "gateway/market/recorded.py",
        *(f"replay/{name}.py" for name in _ON_COLUMNS),
    },
    "numba": {"evaluation/columnar/compiled.py"},
    "pyarrow": {"recordings/parquet_file.py"},
    "fsspec": {"recordings/location.py"},
    "dask": set(),
    "distributed": {"replay/on_dask.py"},
    "click": {"cli"},
    "rich": {"cli"},
    "watchfiles": {"daemon"},
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def package_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "rules_engine":
                yield from (f"rules_engine.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    package = package_of(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "rules_engine" and len(parts) > 1 and parts[1] not in (package, "__version__"):
            assert parts[1] in ALLOWED[package], f"{package} may not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_outside_packages_have_one_owner(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    for name in imported(path):
        owners = OWNERS.get(name.split(".")[0])
        if owners is not None:
            of = {package_of(path), relative, path.relative_to(ROOT).parent.as_posix()}
            assert of & owners, f"{relative} may not import {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "model").glob("*.py")), ids=lambda path: path.name)
def test_the_vocabulary_needs_the_standard_library_alone(path: Path) -> None:
    for name in imported(path):
        top = name.split(".")[0]
        assert top == "rules_engine" or top in sys.stdlib_module_names


def test_the_core_has_no_threads_and_never_awaits() -> None:
    for package in ("model", "conditions", "evaluation"):
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)], path
            assert not {"threading", "asyncio", "concurrent"} & {name.split(".")[0] for name in imported(path)}, path


@pytest.mark.parametrize(
    "heavy", ["ib_insync", "apprise", "pandas", "exchange_calendars", "numpy", "rich", "watchfiles", "sqlite3"]
)
def test_checking_rules_imports_nothing_heavy(heavy: str) -> None:
    program = (
        "import sys; from rules_engine.language import Source, load;"
        "load([Source('a.yaml', b'version: 1')], now_s=0.0);"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
