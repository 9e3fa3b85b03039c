"""The gateway served alone, for the command line and for anybody's own program."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rules_engine.gateway.market import Market
from rules_engine.gateway.server import Gateway
from rules_engine.model.clock import Clock


async def serve(
    market: Market,
    *,
    host: str = "127.0.0.1",
    port: int = 4002,
    accounts: Sequence[str] = ("DU1234567",),
    state: Path | None = None,
    clock: Clock | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Serve until cancelled. `say` is given one line when clients can connect."""
    gateway = Gateway(market, host=host, port=port, accounts=accounts, state=state, clock=clock)
    await gateway.start()
    try:
        say(f"SIMULATED gateway on {gateway.host}:{gateway.port}, account {', '.join(accounts)}. No order is real.")
        await gateway.run()
    finally:
        await gateway.stop()
