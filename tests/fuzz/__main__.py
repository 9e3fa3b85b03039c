"""`python -m tests.fuzz --sentences 1000000 --reloads 10000`: what went wrong with so many texts, edits, damaged
connections, spoiled files and frames, and the figures."""

import argparse
import asyncio
import logging
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.connections import try_connections
from tests.fuzz.files import READERS, try_files
from tests.fuzz.frames import call_with_anything
from tests.fuzz.reloads import try_edits
from tests.fuzz.sentences import Findings, memory_of, try_texts
from tests.sim.disk import fast_folder

AT_A_TIME = 10_000
MEASURED = 2_000
TOLD_MAX = 500


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--sentences", type=int, default=0)
    parser.add_argument("--reloads", type=int, default=0)
    parser.add_argument("--connections", type=int, default=0)
    parser.add_argument("--files", type=int, default=0, help="of each kind")
    parser.add_argument("--frames", type=int, default=0, help="to the gateway")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable()
    broken = [
        *_sentences(options.sentences, options.seed),
        *_reloads(options.reloads, options.seed),
        *_connections(options.connections, options.seed),
        *_files(options.files, options.seed),
        *_frames(options.frames, options.seed),
    ]
    print("\n".join(words[:TOLD_MAX] for words in broken[:50]))
    return 1 if broken else 0


def _sentences(count: int, seed: int) -> list[str]:
    if not count:
        return []
    total = Findings()
    for part in range(0, count, AT_A_TIME):
        found = try_texts(min(AT_A_TIME, count - part), seed * 1_000_003 + part)
        total.texts += found.texts
        total.accepted += found.accepted
        total.codes.update(found.codes)
        total.seconds_max = max(total.seconds_max, found.seconds_max)
        total.slow += found.slow
        total.broken += found.broken
        if total.texts % (5 * AT_A_TIME) == 0:
            print(_told(total), flush=True)
    print(_told(total))
    print(f"{memory_of(MEASURED, seed) / 1e6:.1f} MB at most over {MEASURED} sentences")
    return total.slow + total.broken


def _told(found: Findings) -> str:
    return (
        f"{found.texts} sentences: {found.accepted} accepted, the rest refused with {len(found.codes)} codes;"
        f" {found.seconds_max * 1000:.1f} ms of processor at most, {len(found.slow)} too slow;"
        f" {len(found.broken)} promises broken"
    )


def _reloads(count: int, seed: int) -> list[str]:
    if not count:
        return []
    with TemporaryDirectory(prefix="fuzz-", dir=fast_folder()) as folder:
        found = asyncio.run(try_edits(Path(folder), count, seed))
    print(f"{found.edits} reloads: {found.taken} taken, {found.refused} refused; saves: {dict(found.kinds)}")
    print(
        f"{found.seconds_max * 1000:.0f} ms of processor at most, {len(found.slow)} too slow; {found.prices} prices,"
        f" {found.amid} of them while a reload was under way, {found.firings} firings of the rules that stay;"
        f" {len(found.broken)} promises broken"
    )
    return found.slow + found.broken


def _connections(count: int, seed: int) -> list[str]:
    if not count:
        return []
    found = asyncio.run(try_connections(count, seed))
    print(f"{count} connections with damaged bytes: {found.opened} opened, {found.refused} given up, {found.lost} lost")
    return found.broken


def _files(count: int, seed: int) -> list[str]:
    broken: list[str] = []
    for read in READERS if count else ():
        with TemporaryDirectory(prefix="fuzz-", dir=fast_folder()) as folder:
            found = try_files(read, count, seed, Path(folder))
        print(
            f"{found.files} spoiled files of {read.__name__}: {found.seconds_max * 1000:.0f} ms of processor at most,"
            f" {len(found.broken)} promises broken",
            flush=True,
        )
        broken += found.broken
    return broken


def _frames(count: int, seed: int) -> list[str]:
    if not count:
        return []
    try:
        asyncio.run(call_with_anything(count, seed))
    except Exception:
        return [traceback.format_exc()]
    print(f"{count} frames to the gateway: none crashed it, or was answered to somebody else")
    return []


if __name__ == "__main__":
    sys.exit(main())
