"""A path into the bytes of an ordinary file, without ever waiting for a pipe or reading a device without end."""

import errno
import io
import os
import stat
from pathlib import Path


def read_ordinary(path: Path, size_max: int) -> bytes:
    """What the file holds, ``size_max`` bytes at most. Raises OSError, also for what is no ordinary file."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no ordinary file")
    with io.FileIO(handle) as opened:
        return opened.read(size_max)
