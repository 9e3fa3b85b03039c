"""The wheel: everything that it needs is inside, and it works far from the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from rules_engine import __version__

ROOT = Path(__file__).parent.parent
DEADLINE_S = 120.0
SCHEMAS = {"rules_engine/schemas/rules.schema.json", "rules_engine/schemas/config.schema.json"}
RULES = """\
version: 1
rules:
  - name: ma-when-v-hits-200
    when: V crosses above 200
    do: buy 100 MA
"""


def run(*words: str | Path, folder: Path, code: int = 0) -> str:
    """What a process far from the checkout writes; it must end with this exit code."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    built = tmp_path / "built"
    run(*(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built, ROOT), folder=tmp_path)
    (wheel,) = built.glob("*.whl")
    return wheel


@pytest.fixture
def installed(tmp_path: Path, wheel: Path) -> Path:
    """A virtual environment with the wheel; its requirements are those of the environment that runs the tests."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    packages = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path).strip()
    )
    # Names on a path file come after the environment's own packages, and path files in there are not followed: the
    # checkout, which is installed as one, stays out of sight.
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel), folder=tmp_path
    )
    return folder / "bin"


def test_the_wheel_holds_the_package_and_its_schemas_alone(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {f"rules_engine/{path.relative_to(ROOT / 'rules_engine')}" for path in (ROOT / "rules_engine").rglob("*.py")}
    assert ours | SCHEMAS <= names
    assert {name.partition("/")[0] for name in names} == {"rules_engine", f"rules_engine-{__version__}.dist-info"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_works_without_the_checkout(tmp_path: Path, installed: Path) -> None:
    where = run(installed / "python", "-c", "import rules_engine; print(rules_engine.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert run(installed / "rules", "--version", folder=tmp_path) == f"rules, version {__version__}\n"
    (tmp_path / "good.yaml").write_text(RULES)
    (tmp_path / "bad.yaml").write_text(RULES.replace("crosses above", "crosses over"))
    assert run(installed / "rules", "check", "good.yaml", folder=tmp_path) == "1 rule, no errors\n"
    assert "bad.yaml:4:13" in run(installed / "rules", "check", "bad.yaml", folder=tmp_path, code=1)
    (tmp_path / "config.yaml").write_text("mode: papr\n")
    run(installed / "rules", "check", "good.yaml", folder=tmp_path, code=78)
