"""The unit for systemd says what the engine's page promises, and systemd understands it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from rules_engine.cli import EXIT_CONFIGURATION

UNIT = Path(__file__).parent.parent / "docs" / "rules-engine.service"


def directives() -> dict[str, str]:
    lines = [line for line in UNIT.read_text().splitlines() if line and line[0] not in "#["]
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+=.*", line) for line in lines)
    return dict(line.split("=", 1) for line in lines)


def test_a_crash_is_restarted_and_a_broken_configuration_is_not() -> None:
    unit = directives()
    assert unit["Restart"] == "on-failure" and unit["StartLimitIntervalSec"] == "0"
    assert unit["RestartPreventExitStatus"] == str(EXIT_CONFIGURATION)


def test_a_hanging_engine_is_noticed_and_secrets_are_credentials() -> None:
    unit = directives()
    assert unit["Type"] == "notify" and int(unit["WatchdogSec"]) > 0
    assert unit["StateDirectoryMode"] == "0700" and unit["UMask"] == "0077"
    assert "LoadCredential" in unit and "Environment" not in unit


def test_systemd_accepts_it(tmp_path: Path) -> None:
    here = tmp_path / UNIT.name
    text = (
        UNIT.read_text().replace("/opt/rules-engine/.venv/bin/rules", sys.executable).replace("User=rules", "User=root")
    )
    here.write_text(text)
    found = shutil.which("systemd-analyze")
    if found:
        done = subprocess.run(
            [found, "verify", "--man=no", here], capture_output=True, text=True, timeout=60, check=False
        )
        assert UNIT.name not in done.stderr, done.stderr
