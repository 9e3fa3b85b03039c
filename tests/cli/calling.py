"""The `rules` command called, in this process or as one of its own, and what came of it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rules_engine.cli.group import group

DEADLINE_S = 60.0
COMMAND = (sys.executable, "-m", "rules_engine")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(*words: str, env: Mapping[str, str] | None = None) -> Answer:
    """The command in this process. An exception that is not an exit is the test's failure."""
    result = CliRunner().invoke(group, words, env=env, prog_name="rules", catch_exceptions=False)
    return Answer(result.exit_code, result.stdout, result.stderr)


async def call_beside(*words: str) -> Answer:
    """`call`, while the event loop goes on serving whom the command talks to."""
    return await asyncio.to_thread(call, *words)


def run_process(*words: str, folder: Path) -> Answer:
    """The command as a process, started in a folder."""
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
