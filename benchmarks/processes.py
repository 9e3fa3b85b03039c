"""Programs of this project started as a user starts them, for as long as a measurement lasts."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_START_DEADLINE_S = 30.0
_STOP_DEADLINE_S = 10.0


@asynccontextmanager
async def running(arguments: Sequence[str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program with these arguments; what it says goes to the log. It is asked to stop, then made to."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_DEADLINE_S)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def gateway(script: Path) -> AsyncIterator[int]:
    """The simulated gateway on a free port, playing the script; yields the port."""
    arguments = ["-u", "-m", "rules_engine", "gateway", "--port", "0", "--market", str(script)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), _START_DEADLINE_S)).decode()
        address = said.partition("gateway on ")[2].partition(",")[0]
        if not address:
            raise RuntimeError(f"the gateway did not start: {said}")
        yield int(address.rpartition(":")[2])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def resident_mb(process_id: int) -> float:
    """Resident memory of a process."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, text=True, check=True)
    return int(said.stdout) / 1024
