"""`python -m tests.notifying.flood 100000`: so many messages to services that fail, by a sender that is killed again
and again; what was lost, what came twice, what came out of order."""

import argparse
import asyncio
import contextlib
import json
import re
import signal
import ssl
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session
from apprise.plugins.email.base import NotifyEmail

from rules_engine.execution.journal import Journal
from rules_engine.model.clock import SystemClock
from rules_engine.model.notice import Notice, NoticeKind
from rules_engine.notifying import sender as sender_module
from rules_engine.notifying.sender import Sender

BATCH = 40
OPEN_MAX = 2_000
"""So many messages wait at most: the flood is as fast as its slowest service."""
RULES = 7
WEBS = tuple(f"web {number}" for number in range(8))
SHARES = (*((name, 0.9 / len(WEBS)) for name in WEBS), ("safe web", 0.08), ("mail", 0.02))
"""Of the messages, by channel: an encrypted one costs ten times as much processor time as a plain one."""
POLL_S = 0.02
BACKOFF_MAX_S = 2.0
"""Five minutes in life; here the services are in a bad mood for a second."""
MOODS = ("fine", "fine", "fine", "fine", "fine", "gone", "busy", "broken")
MOOD_S = (0.2, 1.0)
NUMBER = re.compile(r"\bn(\d{7})\b")


@dataclass
class Service:
    """Takes letters when it is in the mood; ``letters`` are the numbers in each, in order of arrival."""

    random: Random
    letters: list[list[int]] = field(default_factory=list)
    arrived: int = 0
    refused: int = 0
    mood: str = "fine"
    at_peace: bool = False

    async def change(self) -> None:
        """Another mood again and again, until it is told to be at peace."""
        while not self.at_peace:
            await asyncio.sleep(self.random.uniform(*MOOD_S))
            self.mood = "fine" if self.at_peace else self.random.choice(MOODS)

    def take(self, text: str) -> None:
        """It counts as taken from here on: the answer is still to be given."""
        self.letters.append([int(number) for number in NUMBER.findall(text)])
        self.arrived += len(self.letters[-1])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.mood != "gone":
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                status = self._answer(json.loads(await reader.readexactly(length))["message"])
                writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        writer.close()

    def _answer(self, text: str) -> int:
        if self.mood in ("busy", "broken"):
            return {"busy": 429, "broken": 503}[self.mood]
        if "<" in text:
            self.refused += 1
            return 400
        self.take(text)
        return 200

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.mood != "fine":
            return "451 not now"
        assert isinstance(envelope.content, bytes)
        self.take(envelope.content.decode())
        return "250 OK"


@asynccontextmanager
async def services(folder: Path, seed: int) -> AsyncIterator[tuple[dict[str, Service], dict[str, str]]]:
    """Web services, one of them over TLS, and a mail server; and the addresses of their channels."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    here = {name: Service(Random(f"{seed}:{name}")) for name, _ in SHARES}
    loop = asyncio.get_running_loop()
    servers = {
        **{name: await asyncio.start_server(here[name].serve, "127.0.0.1") for name in WEBS},
        "safe web": await asyncio.start_server(here["safe web"].serve, "127.0.0.1", ssl=context),
        "mail": await loop.create_server(lambda: SMTP(here["mail"], hostname="localhost"), "127.0.0.1"),
    }
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    addresses = {
        **{name: f"json://127.0.0.1:{ports[name]}/" for name in WEBS},
        "safe web": f"jsons://127.0.0.1:{ports['safe web']}/",
        "mail": f"mailto://127.0.0.1:{ports['mail']}?smtp=127.0.0.1&mode=insecure&from=engine@example.com&to=desk@example.com",
    }
    moods = [asyncio.create_task(service.change()) for service in here.values()]
    try:
        yield here, addresses
    finally:
        for task in moods:
            task.cancel()
        for server in servers.values():
            server.close()


# The process that is killed.


async def send(folder: Path, count: int) -> None:
    """Tells every message that was not told before, and returns when nothing waits any more."""
    NotifyEmail.request_rate_per_sec = 0.0
    sender_module.BACKOFF_MAX_S = BACKOFF_MAX_S
    clock = SystemClock()
    journal = Journal(folder / "journal.db", clock)
    sender = Sender(journal.outbox, json.loads((folder / "channels.json").read_text()), clock)
    sending = asyncio.create_task(sender.run())
    told = int(journal.get("told") or 0)
    while told < count:
        if _open(journal) < OPEN_MAX:
            with journal.transaction():
                for number in range(told, min(told + BATCH, count)):
                    journal.tell(message(number, clock.now_s()))
                told = min(told + BATCH, count)
                journal.put("told", str(told))
            sender.wake()
        await asyncio.sleep(0.01)
    await sender.drained()
    sending.cancel()
    journal.close()


def message(number: int, now_s: float) -> Notice:
    """Every other hundred is old news, as after an outage; now and then there is mark-up that a service refuses."""
    mark = " <b>" if number % 97 == 0 else ""
    return Notice(
        NoticeKind.FILLED,
        f"n{number:07}{mark}",
        dedup=str(number),
        at_s=now_s - (300.0 if number // 100 % 2 else 0.0),
        channels=(channel_of(number),),
        rule=rule_of(number),
        key=f"re1.a.b.rule.{number}.0",
    )


def channel_of(number: int) -> str:
    share = Random(number).random()
    for name, part in SHARES:
        share -= part
        if share < 0:
            return name
    return SHARES[0][0]


def rule_of(number: int) -> str:
    return f"r{number % RULES}"


def _open(journal: Journal) -> int:
    return sum(len(journal.outbox.waiting(name, OPEN_MAX)) for name, _ in SHARES)


# The process that kills and judges.


@dataclass(frozen=True, slots=True)
class Report:
    """``copies``: for each channel the letters of which something had arrived before."""

    letters: int
    refused: int
    crashes: int
    lost: tuple[int, ...]
    copies: Counter[str]
    overtaken: tuple[str, ...]
    dead: int


async def flood(folder: Path, count: int, crashes: int, seed: int) -> Report:
    """Kills the sender so often, then lets it finish."""
    random = Random(seed)
    async with services(folder, seed) as (here, addresses):
        (folder / "channels.json").write_text(json.dumps(addresses))
        for share in sorted(random.random() for _ in range(crashes)):
            process = await _start(folder, count)
            while _arrived(here) < share * count and process.returncode is None:
                await asyncio.sleep(POLL_S)
            await asyncio.sleep(random.random() * POLL_S)
            process.kill()
            assert await process.wait() == -signal.SIGKILL
        for service in here.values():
            service.at_peace = True
        process = await _start(folder, count)
        assert await process.wait() == 0
    journal = Journal(folder / "journal.db", SystemClock())
    dead = sum(channel.dead for channel in journal.ledger.channels())
    journal.close()
    arrived: set[int] = set()
    copies: Counter[str] = Counter()
    overtaken: list[str] = []
    for name, service in here.items():
        newest: dict[str, int] = {}
        for letter in service.letters:
            copies[name] += any(number in arrived for number in letter)
            for number in (number for number in letter if number not in arrived):
                arrived.add(number)
                if number < newest.get(rule_of(number), -1):
                    overtaken.append(f"{name}: n{number} came after n{newest[rule_of(number)]}")
                newest[rule_of(number)] = number
    return Report(
        letters=sum(len(service.letters) for service in here.values()),
        refused=sum(service.refused for service in here.values()),
        crashes=crashes,
        lost=tuple(number for number in range(count) if number not in arrived),
        copies=copies,
        overtaken=tuple(overtaken),
        dead=dead,
    )


def _arrived(here: Mapping[str, Service]) -> int:
    return sum(service.arrived for service in here.values())


async def _start(folder: Path, count: int) -> asyncio.subprocess.Process:
    words = ("-m", "tests.notifying.flood", str(count), "--send", str(folder))
    environment = {"REQUESTS_CA_BUNDLE": str(folder / "authority.pem"), "PYTHONPATH": ":".join(filter(None, sys.path))}
    return await asyncio.create_subprocess_exec(sys.executable, *words, env=environment)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.notifying.flood", description=__doc__)
    parser.add_argument("messages", type=int)
    parser.add_argument("--crashes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--send", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        asyncio.run(send(options.send, options.messages))
        return 0
    began_s = time.monotonic()
    with TemporaryDirectory(prefix="flood-") as folder:
        report = asyncio.run(flood(Path(folder), options.messages, options.crashes, options.seed))
    took_s = time.monotonic() - began_s
    print(f"seed {options.seed}: {options.messages} messages in {took_s:.0f} s, {report.crashes} crashes")
    print(f"{report.letters} letters, {report.refused} refused for their mark-up, {report.dead} given up")
    print(
        f"{len(report.lost)} lost, {len(report.overtaken)} out of order, letters that came twice: {dict(report.copies)}"
    )
    print("\n".join(report.overtaken[:20]), end="")
    broken = report.lost or report.overtaken or report.dead or max(report.copies.values()) > report.crashes
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
