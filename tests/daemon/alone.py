"""An engine without a broker: what a connection would bring is put into its inbox, and whoever edits a file reloads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rules_engine.daemon.daemon import Daemon
from rules_engine.daemon.rulebook import Edition, RuleBook
from rules_engine.daemon.state_folder import StateFolder
from rules_engine.daemon.surroundings import Surroundings
from rules_engine.model.clock import Clock, SteppedClock
from rules_engine.model.settings import GatewaySettings, Settings

NOBODY = GatewaySettings(port=1)


async def unwatched(folder: Path, wake: Callable[[], None]) -> None:
    """Nobody tells that a file has changed."""
    await asyncio.get_running_loop().create_future()


class Alone:
    """A folder of rules and one of state, on which one engine runs after the other."""

    def __init__(self, folder: Path, clock: Clock, *, known: Collection[str] = (), **changes: object) -> None:
        """``known`` are channels that rules may name and nobody reads, ``changes`` replace settings."""
        self.rules, self.state, self.clock = folder / "rules", StateFolder(folder / "var"), clock
        self.rules.mkdir(exist_ok=True)
        self.state.prepare()
        settings = Settings(rules=self.rules, state=self.state.path, gateway=NOBODY)
        self.settings = replace(settings, **changes)  # type: ignore[arg-type]  # Fields by name.
        self.book = RuleBook(self.rules, frozenset({*known, *self.settings.channels}))

    def write(self, text: str) -> Path:
        """The one rule file."""
        file = self.rules / "rules.yaml"
        file.write_text(text)
        return file

    def edition(self) -> Edition:
        """The rule files as they are now."""
        found = self.book.read(self.clock.now_s(), frozenset(), {})
        assert isinstance(found, Edition), found
        return found

    def daemon(self, edition: Edition | None = None) -> Daemon:
        """One that does not run; whoever asks for it closes it. By a clock that is set by hand no other time passes."""
        clock = self.clock
        around = Surroundings(watch=unwatched)
        if isinstance(clock, SteppedClock):
            around = replace(around, elapsed_s=clock.now_s)
        edition = edition or self.edition()
        return Daemon(self.settings, self.state, self.book, edition, clock, live=False, surroundings=around)

    @asynccontextmanager
    async def running(self, edition: Edition | None = None) -> AsyncIterator[Daemon]:
        """One that is asked to stop in the end."""
        daemon, stopping = self.daemon(edition), asyncio.Event()
        running = asyncio.create_task(daemon.run(stopping))
        try:
            while not daemon.is_running:
                await asyncio.sleep(0)
            yield daemon
        finally:
            stopping.set()
            await running
            daemon.close()
