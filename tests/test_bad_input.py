"""Bytes that went wrong, from seeds: every reader accepts or answers with problems, quickly."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_engine.cli.group import group
from rules_engine.gateway import Market, MarketError, parse_market
from rules_engine.language import Source, load, parse_condition
from rules_engine.language.settings_file import load_settings
from rules_engine.model.place import RulesError
from rules_engine.recordings import Recording, RecordingError
from tests.language.test_hostile import hostile_folder
from tests.recordings.written import NEW_YORK

ROOT = Path(__file__).parent.parent
SEEDS = range(4)
ROUNDS = 50
SECONDS_MAX = 2.0
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


def spoiled(data: bytes, dice: random.Random) -> bytes:
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


def each_spoiled(seed: int, originals: list[bytes], read: Callable[[bytes], None]) -> None:
    dice = random.Random(seed)
    for number in range(ROUNDS):
        data = spoiled(dice.choice(originals), dice)
        began_s = time.process_time()
        read(data)
        assert time.process_time() - began_s < SECONDS_MAX, (seed, number, data[:200])


@pytest.mark.parametrize("seed", SEEDS)
def test_rule_files(seed: int) -> None:
    def read(data: bytes) -> None:
        loaded = load([Source("a.yaml", data)], now_s=0.0)
        assert loaded.ok or not loaded.rules
        assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in loaded.problems)

    each_spoiled(seed, RULES, read)


@pytest.mark.parametrize("seed", SEEDS)
def test_sentences(seed: int) -> None:
    def read(data: bytes) -> None:
        try:
            parse_condition(data.decode("utf-8", "replace"))
        except RulesError as refused:
            assert refused.problems

    each_spoiled(seed, [sentence.encode() for sentence in SENTENCES], read)


@pytest.mark.parametrize("seed", SEEDS)
def test_settings(seed: int, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        settings, problems = load_settings(data, "config.yaml", {}, tmp_path)
        assert settings is not None or problems

    each_spoiled(seed, [CONFIG], read)


@pytest.mark.parametrize("seed", SEEDS)
def test_recorded_prices(seed: int, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        path = tmp_path / "v.csv"
        path.write_bytes(data)
        try:
            Recording("V", path, NEW_YORK).survey()
        except RecordingError as refused:
            assert refused.problems

    each_spoiled(seed, [CSV], read)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gateway_s_markets(seed: int, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        for name, spec in (("m.yaml", "{}"), ("v.csv", "V={}")):
            path = tmp_path / name
            path.write_bytes(data)
            try:
                assert isinstance(parse_market([spec.format(path)]), Market)
            except MarketError as refused:
                assert str(refused)

    each_spoiled(seed, [SCRIPT, CSV], read)


def test_hostile_files_through_the_commands() -> None:
    """The corpus as rule files and as prices: an answer and an exit code, never a traceback."""
    folder = hostile_folder()
    if not folder.is_dir():
        pytest.skip(f"the corpus of hostile files is not at {folder}")
    files = sorted([*(folder / "yaml").iterdir(), *(folder / "expr").iterdir()])
    good = str(next((ROOT / "rules").rglob("*.yaml")))
    for file in files:
        for words in (("check", str(file)), ("explain", str(file)), ("backtest", good, "--data", f"V={file}")):
            result = CliRunner().invoke(group, words, prog_name="rules")
            assert result.exit_code in (0, 1, 2, 78), (file.name, words, result.output[-500:])
            assert result.exception is None or isinstance(result.exception, SystemExit), (file.name, words)
