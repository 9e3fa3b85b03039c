"""Files that went wrong on their way, from dice: every reader takes them or answers with problems, quickly."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rules_engine.gateway import Market, MarketError, parse_market
from rules_engine.language import Source, load, parse_condition
from rules_engine.language.settings_file import load_settings
from rules_engine.model.place import RulesError
from rules_engine.recordings import Recording, RecordingError
from tests.recordings.written import NEW_YORK

ROOT = Path(__file__).parents[2]
PIECES = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xe2\x80\xae",
        b"\xf0\x9f\x98\x80",
        b"\t",
        b"\r",
        b"\n\n",
        b"&a ",
        b"*a ",
        b"!!python/x ",
        b"%YAML",
    ),
    *(
        b"{" * 300,
        b"[" * 300,
        b"(" * 300,
        b"- " * 300,
        b"9" * 400,
        b"1e999",
        b"nan",
        b"-0",
        b".inf",
        b"NO",
        b"12:30",
        b"0x10",
    ),
    *(
        b"'",
        b'"',
        b"`",
        b"#",
        b"|",
        b">",
        b"<<: ",
        b"? ",
        b"---\n",
        b",",
        b",,,,",
        b";",
        b"__class__",
        b"**",
        b" and ",
        b" not ",
    ),
)
RULES = [path.read_bytes() for path in sorted((ROOT / "rules").rglob("*.yaml"))]
SENTENCES = (
    "V crosses above 200",
    "V moves up 5% in 5m and not MA > 3 * avg(MA, 1h)",
    "time is between 09:45 and 15:30",
)
CONFIG = (
    b"rules: rules/\nstate: var/\ngateway: {host: 127.0.0.1, port: 7497, client_id: 17}\nmode: paper\n"
    b"account: DU1234567\n"
    b"channels: {phone: 'tgram://1:c4n4ry/2'}\nlimits: {max_order_value: 50000, price_collar: 2%}\n"
)
CSV = b"timestamp,open,high,low,close,volume\n" + b"".join(
    b"2030-01-03 15:%02d:00Z,100.5,101,99.25,100.75,%d\n" % (at, 10 * at) for at in range(30)
)
SCRIPT = (
    b"version: 1\nsymbols:\n  V:\n    close: 195.8\n    play:\n"
    b"      - {at: 0s, price: 197}\n      - {to: 201, over: 30s, every: 1s}\n"
)


@dataclass
class Read:
    """What came of the files. ``broken`` are those at which a reader fell over or said nothing."""

    files: int = 0
    seconds_max: float = 0.0
    """Of processor time for one file."""
    broken: list[str] = field(default_factory=list)


def spoiled(data: bytes, dice: Random) -> bytes:
    """The bytes after a few accidents: cut, doubled, overwritten, mixed with what does not belong there."""
    for _ in range(dice.choice((1, 1, 2, 5))):
        at, until = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        match dice.randrange(5):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + data[until:]
            case 2:
                data = data[:until] + data[at:]
            case 3:
                data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
            case _:
                data = data[:at] + dice.choice(PIECES) + data[at:]
    return data


def rules(data: bytes, folder: Path) -> None:
    loaded = load([Source("a.yaml", data)], now_s=0.0)
    assert loaded.ok or not loaded.rules
    assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in loaded.problems)


def sentence(data: bytes, folder: Path) -> None:
    try:
        parse_condition(data.decode("utf-8", "replace"))
    except RulesError as refused:
        assert refused.problems


def settings(data: bytes, folder: Path) -> None:
    found, problems = load_settings(data, "config.yaml", {}, folder)
    assert found is not None or problems


def prices(data: bytes, folder: Path) -> None:
    path = folder / "v.csv"
    path.write_bytes(data)
    try:
        Recording("V", path, NEW_YORK).survey()
    except RecordingError as refused:
        assert refused.problems


def market(data: bytes, folder: Path) -> None:
    for name, spec in (("m.yaml", "{}"), ("v.csv", "V={}")):
        path = folder / name
        path.write_bytes(data)
        try:
            assert isinstance(parse_market([spec.format(path)]), Market)
        except MarketError as refused:
            assert str(refused)


READERS: dict[Callable[[bytes, Path], None], list[bytes]] = {
    rules: RULES,
    sentence: [text.encode() for text in SENTENCES],
    settings: [CONFIG],
    prices: [CSV],
    market: [SCRIPT, CSV],
}
"""Each reader with good files of its kind."""


def try_files(read: Callable[[bytes, Path], None], count: int, seed: int, folder: Path) -> Read:
    """Lets one reader read so many spoiled files; it may write into the folder."""
    dice, found = Random(seed), Read()
    for number in range(count):
        data = spoiled(dice.choice(READERS[read]), dice)
        began_s = time.process_time()
        try:
            read(data, folder)
        except Exception as stray:
            found.broken.append(f"{read.__name__} {seed}:{number}: {stray!r}: {data[:200]!r}")
        found.files += 1
        found.seconds_max = max(found.seconds_max, time.process_time() - began_s)
    return found
