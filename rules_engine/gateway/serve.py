"""The gateway served alone, for the command line and for anybody's own program."""

import ipaddress
from collections.abc import Callable

from rules_engine.gateway.server import Gateway


def _silent(text: str) -> None:
    """Nobody listens."""


async def serve(gateway: Gateway, say: Callable[[str], None] = _silent, warn: Callable[[str], None] = _silent) -> None:
    """Serve until cancelled. `say` is given a line when clients can connect, `warn` one when strangers can, too."""
    try:
        await gateway.start()
        accounts = ", ".join(gateway.accounts)
        say(f"SIMULATED gateway on {gateway.host}:{gateway.port}, account {accounts}. No order is real.")
        if not is_loopback(gateway.host):
            warn(f"Warning: {gateway.host} is not this machine alone; whoever reaches it can trade and see all orders.")
        if gateway.control_port is not None:
            say(f"Control port: 127.0.0.1:{gateway.control_port}.")
        await gateway.run()
    finally:
        await gateway.stop()


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
