"""Which process on this machine serves a connection, so that a later connection can be known to meet the same one."""

import contextlib
import ipaddress
from collections.abc import Callable
from pathlib import Path

PROGRAMS = frozenset({"java"})
"""What TWS and IB Gateway run as. Any other program at the other end, such as `socat`, `ssh` or a container's proxy,
only passes bytes on: it lives through restarts of the gateway behind it, and vouches for nothing."""

_ESTABLISHED = "01"

Address = tuple[str, int]
Witness = Callable[[Address, Address], str]
"""From our end and the other one of a connection to the process at the other end; empty when it cannot be told."""


def serving_process(ours: Address, theirs: Address, proc: Path = Path("/proc")) -> str:
    """The process that holds the other end of a TCP connection: its number, its start and the machine's.

    Empty when it cannot be told: another machine, another user's process, no Linux, or not a program of IB's.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        inode = _inode(ours, theirs, proc)
        if inode and (folder := _holder(inode, proc)) is not None and _program(folder) in PROGRAMS:
            # Field 22, in clock ticks since the machine started; the name before it may hold spaces and brackets.
            started = (folder / "stat").read_text().rpartition(")")[2].split()[19]
            machine = (proc / "sys/kernel/random/boot_id").read_text().strip()
            return f"process {folder.name} started {started} on {machine}"
    return ""


def _inode(ours: Address, theirs: Address, proc: Path) -> str:
    """The socket at the other end, from that end's point of view."""
    wanted = (_plain(theirs), _plain(ours))
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _ESTABLISHED and (_address(fields[1]), _address(fields[2])) == wanted:
                    return fields[9]
    return ""


def _holder(inode: str, proc: Path) -> Path | None:
    """The only process with that socket open; None when there are several, or it belongs to somebody else."""
    found = [folder for folder in proc.iterdir() if folder.name.isdecimal() and _has_open(folder, f"socket:[{inode}]")]
    return found[0] if len(found) == 1 else None


def _has_open(folder: Path, target: str) -> bool:
    with contextlib.suppress(OSError):
        for handle in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                if str(handle.readlink()) == target:
                    return True
    return False


def _program(folder: Path) -> str:
    return (folder / "exe").readlink().name


def _address(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """`0100007F:1D49` is 127.0.0.1:7497; each four bytes are in the order of a little-endian machine."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    packed = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return _unmapped(ipaddress.ip_address(packed)), int(port, 16)


def _plain(address: Address) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    return _unmapped(ipaddress.ip_address(address[0])), address[1]


def _unmapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
