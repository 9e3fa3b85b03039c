"""The kill switch: a file beside the journal. While it lies there nothing is sent, whoever starts or runs."""

import os
from pathlib import Path

_KEEP = "keep orders\n"


class KillSwitch:
    """Looked at before every order. It outlives engines, and can be pulled without one: any file of that name does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unwritten: bool | None = None
        """Pulled where the folder takes no file: on for this process, and whether orders are to be kept."""

    @property
    def is_on(self) -> bool:
        """Whether nothing may be sent; also when it cannot be told."""
        if self._unwritten is not None:
            return True
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    @property
    def keeps_orders(self) -> bool:
        """Whether what is at IB already may stay there; only a file that says so keeps it."""
        if self._unwritten is not None:
            return self._unwritten
        try:
            return self.path.read_text() == _KEEP
        except (OSError, UnicodeDecodeError):
            return False

    def pull(self, *, keep_orders: bool = False) -> None:
        """On, on disk when it returns. Raises OSError where there is no room: it is on in this process only."""
        self._unwritten = keep_orders
        self._write(keep_orders=keep_orders)
        self._unwritten = None

    def release(self) -> bool:
        """Off; False when it was off."""
        was_unwritten, self._unwritten = self._unwritten is not None, None
        try:
            self.path.unlink()
        except FileNotFoundError:
            return was_unwritten
        return True

    def _write(self, *, keep_orders: bool) -> None:
        # Under its name only once it is whole: an engine may look in between, and what says nothing keeps nothing.
        beside = self.path.with_name(f"{self.path.name}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, _KEEP.encode() if keep_orders else b"")
            os.fsync(handle)
        finally:
            os.close(handle)
        beside.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
