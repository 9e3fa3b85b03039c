"""The words behind `--data` into recordings."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from zoneinfo import ZoneInfo

import click

from rules_engine.language import Loaded
from rules_engine.language.moments import is_timezone
from rules_engine.recordings import Recording
from rules_engine.recordings.location import Location, of_instruments

_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.+)", re.ASCII)


def recordings_of(data: Sequence[str], loaded: Loaded, timezone: str, *, absolute: bool = False) -> list[Recording]:
    """One for each instrument, in the order of the words; those of a folder in that of their names.

    ``absolute``: paths that mean the same in another folder.
    """
    if not is_timezone(timezone):
        raise click.BadParameter(
            f"'{timezone}' is no time zone; write America/New_York or UTC", param_hint="--timezone"
        )
    found: dict[str, Recording] = {}
    for text in data:
        try:
            for name, files in _files(text, loaded):
                if name in found:
                    raise _wrong(f"{name} has two files; an instrument has one, or one folder")
                found[name] = Recording(
                    name, [file.absolute() if absolute else file for file in files], ZoneInfo(timezone)
                )
        except OSError as error:
            raise _wrong(f"{text}: {error.strerror or error}") from error
    return list(found.values())


def _files(text: str, loaded: Loaded) -> Iterator[tuple[str, Sequence[Location]]]:
    named = _NAMED.fullmatch(text)
    if named is not None:
        yield _known(named[1], loaded), _of_one(Location(named[2]))
        return
    folder = Location(text)
    if not folder.is_here and not folder.exists():
        raise _wrong(f"there is nothing at {text}")
    if not folder.is_folder():
        raise _wrong(f"'{text}' is neither NAME=FILE, such as V=visa.csv, nor a folder")
    try:
        found = of_instruments(folder, loaded.instruments)
    except ValueError as error:
        raise _wrong(str(error)) from error
    if not found:
        names = ", ".join(sorted(loaded.instruments)) or "none"
        raise _wrong(f"no file in {text} is named as an instrument of the rules ({names}), as V.parquet would be")
    yield from found.items()


def _of_one(at: Location) -> Sequence[Location]:
    if not at.is_folder():
        if not at.is_repeatable():
            raise _wrong(f"{at} is a pipe or a device, and prices are read twice: write them to a file first")
        return (at,)
    files = at.below()
    if not files:
        raise _wrong(f"no Parquet or CSV files in {at}")
    return files


def _known(name: str, loaded: Loaded) -> str:
    if name in loaded.instruments:
        return name
    near = get_close_matches(name.upper(), loaded.instruments, 1)
    known = f"did you mean {near[0]}?" if near else f"they name {', '.join(sorted(loaded.instruments)) or 'none'}"
    raise _wrong(f"the rules name no instrument {name}; {known}")


def _wrong(words: str) -> click.BadParameter:
    return click.BadParameter(words, param_hint="--data")
