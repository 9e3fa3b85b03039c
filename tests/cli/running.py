"""The engine as a process, on the gateway of a house."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rules_engine.daemon.control import CommandRefused, Json, NotRunning, ask
from tests.cli.calling import COMMAND, DEADLINE_S
from tests.daemon.house import ACCOUNT, House


def settings_for(house: House) -> str:
    return (
        f"gateway: {{host: 127.0.0.1, port: {house.gateway.port}, client_id: 17}}\n"
        f"restart_window: none\n"
        f"mode: paper\naccount: {ACCOUNT}\nchannels: {{phone: '{house.settings.channels['phone']}'}}\n"
        "local_webhooks: true\n"
    )


@asynccontextmanager
async def running(house: House) -> AsyncIterator[asyncio.subprocess.Process]:
    """The engine as a process, once it answers."""
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "run"), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await status_of(house):
                assert process.returncode is None, (await process.communicate())[1].decode()
                await asyncio.sleep(0.02)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def status_of(house: House) -> Json:
    try:
        return await asyncio.to_thread(ask, house.folder.socket, "status")
    except (NotRunning, CommandRefused):
        return None
