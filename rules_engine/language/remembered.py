"""What was found out about files before, kept in the user's cache folder: an unchanged file is not asked again."""

import contextlib
import os
from functools import cache
from hashlib import sha256
from pathlib import Path

from rules_engine import __version__

KEPT_MAX = 1000
_FILE = "shapes"


def cache_folder() -> Path:
    """The folder, made for its user alone. Raises OSError or RuntimeError where there is none to be had."""
    kept = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(kept) if kept else Path.home() / ".cache") / "rules-engine"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def shape_key(schema: bytes, text: str) -> str:
    """Names a text under a schema, as this version of the program sees both."""
    return sha256(b"\0".join((__version__.encode(), schema, text.encode("utf-8", "replace")))).hexdigest()


def is_known_right(key: str) -> bool:
    """Whether the shape of this very text was found right before."""
    return key in _known()


def remember_right(key: str) -> None:
    """Keeps that, for the newest KEPT_MAX texts; without a folder to write in it is only forgotten."""
    known = _known()
    known[key] = None
    while len(known) > KEPT_MAX:
        del known[next(iter(known))]
    with contextlib.suppress(OSError, RuntimeError):
        file = cache_folder() / _FILE
        fresh = file.with_name(f"{_FILE}.{os.getpid()}")
        fresh.write_text("\n".join(known))
        fresh.replace(file)


@cache
def _known() -> dict[str, None]:
    try:
        return dict.fromkeys((cache_folder() / _FILE).read_text().split())
    except (OSError, RuntimeError, UnicodeDecodeError):
        return {}
