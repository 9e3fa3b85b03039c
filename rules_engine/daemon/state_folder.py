"""The folder that holds what outlives the process: journal, control socket, log, kill switch."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from rules_engine.model.errors import WorldError

_SOCKET_PATH_MAX = 100  # Unix socket addresses hold 108 bytes on Linux, 104 elsewhere.


class StateFolderRefused(WorldError):
    """The state folder cannot be used: the engine does not start."""


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths below the configured `state:` folder."""

    path: Path

    @property
    def journal(self) -> Path:
        """The engine's memory, an SQLite file."""
        return self.path / "journal.db"

    @property
    def log(self) -> Path:
        """What the engine logs."""
        return self.path / "engine.log"

    @property
    def socket(self) -> Path:
        """Where commands reach a running engine."""
        return self.path / "control.sock"

    @property
    def stop_flag(self) -> Path:
        """The kill switch: it is on while such a file lies there."""
        return self.path / "STOPPED"

    def prepare(self) -> None:
        """Creates the folder for its owner alone; refuses one that others can enter, or whose path is too long."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.path.stat()
        except OSError as error:
            raise StateFolderRefused(f"cannot use the state folder {self.path}: {error.strerror}") from error
        if found.st_uid != os.geteuid():
            raise StateFolderRefused(
                f"the state folder {self.path} belongs to somebody else: run `chown $USER {self.path}`"
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise StateFolderRefused(f"the state folder {self.path} is open to others: run `chmod 700 {self.path}`")
        if len(str(self.socket.resolve())) > _SOCKET_PATH_MAX:
            raise StateFolderRefused(f"the path of the state folder {self.path} is too long for a control socket")
