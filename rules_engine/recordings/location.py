"""Where a file of prices is: a path here, or an address that fsspec knows. Alone imports fsspec."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import SEEK_SET, BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from fsspec import AbstractFileSystem

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
_FILES = frozenset({".parquet", ".pq", ".csv"})
_DIGITS = re.compile(r"(\d+)", re.ASCII)


_READ_AT_ONCE = 1 << 20


class Unreachable(OSError):
    """What would read such addresses is not installed, or cannot read this one; the words say what is missing."""


@dataclass(frozen=True, slots=True)
class Location:
    """`data/V.parquet`, `s3://bucket/V.parquet`: a file, or a folder."""

    text: str
    known_size: int | None = field(default=None, compare=False)
    """In bytes, where a store has said it already."""

    @property
    def is_here(self) -> bool:
        """Whether it is a path of this machine."""
        return _ADDRESS.match(self.text) is None

    @property
    def suffix(self) -> str:
        """How its name ends, in lower case: `.csv`."""
        return PurePosixPath(self.text).suffix.lower()

    def open(self) -> BinaryIO:
        """The bytes. Raises OSError."""
        if self.is_here:
            return Path(self.text).open("rb")
        files, path = self._files()
        with _reaching():
            return BufferedReader(_Remote(files.open(path, "rb")), _READ_AT_ONCE)

    def is_folder(self) -> bool:
        """Whether files may lie in it. Raises OSError."""
        if self.is_here:
            return Path(self.text).is_dir()
        files, path = self._files()
        with _reaching():
            return bool(files.isdir(path))

    def size(self) -> int:
        """In bytes; 0 where nobody knows it."""
        if self.known_size is not None:
            return self.known_size
        try:
            if self.is_here:
                return Path(self.text).stat().st_size
            files, path = self._files()
            with _reaching():
                return int(files.size(path) or 0)
        except OSError:
            return 0

    def exists(self) -> bool:
        """Whether there is anything, a file or a folder. Raises OSError."""
        if self.is_here:
            return Path(self.text).exists()
        files, path = self._files()
        with _reaching():
            return bool(files.exists(path))

    def is_repeatable(self) -> bool:
        """Whether what is there can be read again, as from a pipe it cannot. Raises OSError."""
        return not self.is_here or not self.exists() or Path(self.text).is_file()

    def below(self) -> Sequence["Location"]:
        """Every Parquet and CSV file in it and in its folders, in the order of their paths, numbers by what they count.

        Raises OSError.
        """
        if self.is_here:
            found = [Location(str(file)) for file in _files_below(Path(self.text))]
        else:
            files, path = self._files()
            with _reaching():
                listed = files.find(path, detail=True).items()
                found = [Location(files.unstrip_protocol(file), about.get("size")) for file, about in listed]
        return sorted((at for at in found if at.suffix in _FILES), key=lambda at: _counted(at.text))

    def absolute(self) -> "Location":
        """The same from whatever folder."""
        return Location(str(Path(self.text).resolve())) if self.is_here else self

    def _files(self) -> "tuple[AbstractFileSystem, str]":
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise Unreachable("addresses need fsspec: pip install fsspec") from None
        with _reaching():
            found: tuple[AbstractFileSystem, str] = url_to_fs(self.text)
        return found

    def __str__(self) -> str:
        return self.text


@contextmanager
def _reaching() -> Iterator[None]:
    """Around every word to a store. Raises Unreachable for what it cannot do."""
    try:
        yield
    except FileNotFoundError as error:
        raise Unreachable("there is no such file") from error
    except OSError:
        raise
    except Exception as error:
        # Anybody may add a kind of store to fsspec; errors of botocore, aiohttp, google-auth, paramiko and others share
        # no base, and nobody has a list of them.
        raise Unreachable(str(error) or type(error).__name__) from error


class _Remote(RawIOBase):
    """A file of a store whose errors, also those in the middle of it, are OSErrors."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        with _reaching():
            found = self._file.read(len(room))
        room[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        with _reaching():
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def of_instruments(folder: Location, names: Iterable[str]) -> dict[str, list[Location]]:
    """The files in the folder by instrument, each instrument's in the order in which its prices are read.

    A file is of the instrument that its name or one of its folders names: `V.parquet`, `V/2030-01-02.parquet`,
    `2030-01-02/V.parquet`, `symbol=V/date=2030-01-02/part-0.parquet`. Others are left alone. Raises OSError, and
    ValueError when a path names two.
    """
    wanted = sorted(names)
    found: dict[str, list[Location]] = {}
    for file in folder.below():
        words = PurePosixPath(
            file.text[len(folder.text.rstrip("/")) :].removesuffix(PurePosixPath(file.text).suffix)
        ).parts
        said = {word.partition("=")[2] or word for word in words} & set(wanted)
        if len(said) > 1:
            raise ValueError(f"{file} is of {' and '.join(sorted(said))}; a path names one instrument")
        for name in said:
            found.setdefault(name, []).append(file)
    return {name: found[name] for name in wanted if name in found}


def _files_below(folder: Path, within: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Also those in folders that are links, but for links to a folder that they lie in themselves."""
    real = folder.resolve()
    if real in within:
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files_below(entry, within | {real})
        else:
            yield entry


def _counted(text: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else -1, part) for part in _DIGITS.split(text)]
