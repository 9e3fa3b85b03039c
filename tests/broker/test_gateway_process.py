"""Which process serves a connection: the same one is recognised, another one never taken for it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rules_engine.broker import gateway_process
from rules_engine.broker.gateway_process import serving_process

SERVER = (
    "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True);"
    " held = []\n"
    "while True: held.append(s.accept()[0]); held[-1].send(b'x')"
)


@contextmanager
def server() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def serving(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert connection.recv(1) == b"x"
        return serving_process(connection.getsockname(), connection.getpeername())


@pytest.fixture
def python_is_a_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_process, "PROGRAMS", {Path(sys.executable).resolve().name})


@pytest.mark.usefixtures("python_is_a_gateway")
def test_two_connections_to_one_process_are_known_to_be_that_and_to_another_one_not() -> None:
    with server() as port:
        first, second = serving(port), serving(port)
    with server() as port:
        other = serving(port)
    assert first == second != "" and other not in ("", first)


def test_a_program_that_may_only_pass_bytes_on_vouches_for_nothing() -> None:
    with server() as port:
        assert serving(port) == ""


OURS, THEIRS = ("127.0.0.1", 50000), ("127.0.0.1", 7497)
LINE = "   0: {there} {here} {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0 20 4 30 10 -1"
HERE, THERE = "0100007F:C350", "0100007F:1D49"
MAPPED_HERE, MAPPED_THERE = "0000000000000000FFFF00000100007F:C350", "0000000000000000FFFF00000100007F:1D49"


def machine(folder: Path, line: str, table: str = "tcp", program: str = "java", holders: int = 1) -> Path:
    """A folder that looks like /proc of a machine with such a connection."""
    (folder / "net").mkdir()
    (folder / "net" / table).write_text(f"  sl  local_address rem_address\n{line}\n")
    (folder / "sys/kernel/random").mkdir(parents=True)
    (folder / "sys/kernel/random/boot_id").write_text("a-b-c\n")
    (folder / "self").mkdir()
    for number in range(holders):
        (process := folder / str(4242 + number)).mkdir()
        (process / "fd").mkdir()
        (process / "fd" / "3").symlink_to("/dev/null")
        (process / "fd" / "7").symlink_to("socket:[777]")
        (process / "exe").symlink_to(f"/opt/{program}")
        (process / "stat").write_text("4242 (java (TWS) x) S " + " ".join(str(field) for field in range(4, 53)))
    return folder


def line(here: str = HERE, there: str = THERE, state: str = "01", inode: str = "777") -> str:
    return LINE.format(here=here, there=there, state=state, inode=inode)


@pytest.mark.parametrize(("table", "entry"), [("tcp", line()), ("tcp6", line(MAPPED_HERE, MAPPED_THERE))])
def test_java_s_sockets_for_both_kinds_of_address_are_read(tmp_path: Path, table: str, entry: str) -> None:
    found = serving_process(OURS, THEIRS, machine(tmp_path, entry, table))
    assert found == "process 4242 started 22 on a-b-c"


@pytest.mark.parametrize(
    ("entry", "given"),
    [
        (line(inode="778"), {}),
        (line(state="06"), {}),
        (line(here=THERE, there=HERE), {}),
        (line(there="0200007F:1D49"), {}),
        ("nonsense", {}),
        (line(), {"program": "socat"}),
        (line(), {"program": "docker-proxy"}),
        (line(), {"holders": 0}),
        (line(), {"holders": 2}),
    ],
)
def test_in_doubt_nothing_is_known(tmp_path: Path, entry: str, given: dict[str, object]) -> None:
    assert serving_process(OURS, THEIRS, machine(tmp_path, entry, **given)) == ""  # type: ignore[arg-type]


def test_without_a_system_to_ask_nothing_is_known(tmp_path: Path) -> None:
    assert serving_process(OURS, THEIRS, tmp_path) == ""
