"""The programs on the gateway's page run as they stand there, each with its client, against `rules gateway` itself."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.process import ROOT, client_python

PROGRAM_S = 90.0
PAGE = (ROOT / "docs" / "gateway.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def port() -> Iterator[int]:
    """Where a gateway listens that was started from the command line."""
    command = [sys.executable, "-m", "rules_engine", "gateway", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as gateway:
        assert gateway.stdout is not None
        banner = gateway.stdout.readline()
        assert "SIMULATED" in banner
        yield int(re.search(r"127\.0\.0\.1:(\d+)", banner)[1])
        gateway.terminate()


def test_the_program_for_this_client_buys_something(client: str, port: int, tmp_path: Path) -> None:
    library = client.split("-")[0]
    (program,) = [program for program in PROGRAMS if re.search(rf"^from {library}\b", program, re.MULTILINE)]
    file = tmp_path / "bot.py"
    file.write_text(program.replace("4002", str(port)))
    ran = subprocess.run(
        [client_python(client), str(file)],
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.match(r"Filled [1-9]\d+\.", ran.stdout.splitlines()[-1])
