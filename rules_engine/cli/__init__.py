"""The `rules` command: how it starts, and how it ends."""

import errno
import gc
import os
import sys

EXIT_PROBLEMS = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_UNWRITTEN = 74
EXIT_CONFIGURATION = 78
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def main() -> None:
    """Runs the command line; Python versions that the dependencies do not support are refused in words."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"rules-engine needs Python 3.11, 3.12 or 3.13; this is {sys.version.split()[0]}")
    gc.disable()
    # Imported here, where the version is known to be one that will do, and where importing no longer collects garbage.
    from rules_engine.cli.group import group

    try:
        group(prog_name="rules")
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        # What could not be written is not tried again as Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"rules: could not write: {error.strerror}", file=sys.stderr)
        sys.exit(EXIT_UNWRITTEN)
    finally:
        if not gc.isenabled():
            # Python searches everything for garbage once more as it ends: a tenth of a small check, and for nothing.
            gc.freeze()
