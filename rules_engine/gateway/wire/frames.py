"""Turns a stream of bytes into frames of text fields, and fields into frames."""

import re
from collections.abc import Iterator, Sequence

FRAME_BYTES_MAX = 16 * 1024 * 1024
VERSION_MIN = 157
VERSION_MAX = 178

_PREFIX = b"API\0"
_LENGTH_BYTES = 4
_OFFER = re.compile(rb"v(\d{1,6})\.\.(\d{1,6})(?: (.*))?", re.DOTALL)


class BrokenFrame(Exception):
    """The bytes cannot be a client of this protocol; the session that sent them is reset, and no other."""


def frame(fields: Sequence[str]) -> bytes:
    """One frame of these fields."""
    return sealed("\0".join(fields) + "\0")


def sealed(text: str) -> bytes:
    """One frame: the length in four bytes, then the fields, each with its closing NUL."""
    payload = text.encode()
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + payload


def agreed_version(offer: bytes, version_max: int = VERSION_MAX) -> int:
    """The server version, at most `version_max`, for a client that offers a range such as `v157..176`."""
    match = _OFFER.fullmatch(offer)
    if match is None:
        raise BrokenFrame("the hello holds no version range")
    lowest, highest = int(match[1]), int(match[2])
    if lowest > version_max or highest < VERSION_MIN:
        raise BrokenFrame(f"versions {lowest} to {highest} are outside {VERSION_MIN} to {version_max}")
    return min(highest, version_max)


class FrameReader:
    """Collects bytes as they arrive, split or glued anywhere, and gives back whole payloads."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._at = 0
        self._greeted = False

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        if self._at:
            del self._bytes[: self._at]
            self._at = 0
        self._bytes += data

    def payloads(self) -> Iterator[bytes]:
        """Every complete payload so far; the first is the version offer of the hello."""
        while (payload := self._next()) is not None:
            yield payload

    def _next(self) -> bytes | None:
        if not self._greeted:
            return self._hello()
        return self._frame(self._at)

    def _hello(self) -> bytes | None:
        if not _PREFIX.startswith(self._bytes[: len(_PREFIX)]):
            raise BrokenFrame("the first bytes are not 'API'")
        payload = self._frame(len(_PREFIX))
        self._greeted = payload is not None
        return payload

    def _frame(self, start: int) -> bytes | None:
        """The frame that begins here, once it is complete. What was given back is dropped with the next bytes."""
        head = start + _LENGTH_BYTES
        if len(self._bytes) < head:
            return None
        end = head + int.from_bytes(self._bytes[start:head], "big")
        if end - head > FRAME_BYTES_MAX:
            raise BrokenFrame(f"a frame of {end - head} bytes is longer than {FRAME_BYTES_MAX}")
        if len(self._bytes) < end:
            return None
        self._at = end
        return bytes(self._bytes[head:end])


def fields_of(payload: bytes) -> list[str]:
    """The text fields of a payload, each of which must close with a NUL."""
    if not payload.endswith(b"\0"):
        raise BrokenFrame("the last field is not closed")
    try:
        return payload[:-1].decode().split("\0")
    except UnicodeDecodeError as error:
        raise BrokenFrame("a field is not UTF-8") from error
