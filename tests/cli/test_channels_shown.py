"""Messages that did not arrive are shown, and what the addresses of channels hold is shown nowhere."""

import asyncio
import os
import signal
from pathlib import Path

from rules_engine.daemon.control import CommandRefused, NotRunning, ask
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import SteppedClock
from rules_engine.model.notice import Notice, NoticeKind
from tests.cli.calling import COMMAND, DEADLINE_S, call
from tests.cli.written import GOOD, write_config, write_rules

CANARY = "c4n4ry"


def test_status_names_the_channel_that_fails_and_why(folder: Path) -> None:
    write_config(folder, "mode: dry\n")
    journal = Journal(folder / "var" / "journal.db", SteppedClock(100.0))
    for text in ("one", "two"):
        journal.tell(Notice(NoticeKind.FILLED, text, text, 100.0, ("phone", "desk"), rule="r"))
    one, two = journal.outbox.waiting("phone", 2)
    journal.outbox.give_up(one.id, "chat not found")
    journal.outbox.retry(two.id, 200.0, "no route")
    journal.close()
    answer = call("status")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("channel ")]
    assert line.startswith("channel phone: 1 message waiting, the oldest since ")
    assert line.endswith("; 1 message given up: no route")
    assert [health["dead"] for health in call("status", "--json").json["channels"]] == [0, 1]


async def test_no_failure_on_the_way_out_shows_an_address(folder: Path) -> None:
    """Every secret of the settings is a canary; gateway, services and watchdog are all unreachable."""
    write_rules(folder, GOOD)
    secret = folder / "beat.url"
    secret.touch(0o600)
    secret.write_text(f"http://127.0.0.1:9/{CANARY}-beat?token={CANARY}-token")
    write_config(
        folder,
        "gateway: {host: 127.0.0.1, port: 9, client_id: 17}\nmode: dry\n"
        f"channels:\n  phone: ${{PHONE}}\n  desk: 'json://{CANARY}-user:{CANARY}-word@127.0.0.1:9/{CANARY}-path'\n"
        "local_webhooks: true\n"
        "heartbeat: {url: file:beat.url, every: 1s}\n",
    )
    environment = {**os.environ, "PHONE": f"json://127.0.0.1:9/{CANARY}-phone/"}
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "run"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    shown = ""
    log = folder / "var" / "engine.log"
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not all(word in shown for word in ("heartbeat", "channel phone", "channel desk", "IB")):
                assert process.returncode is None
                await asyncio.sleep(0.05)
                shown = log.read_text() if log.exists() else ""
        shown += str(await _status(folder))
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    shown += out.decode() + err.decode() + call("status").out + call("status", "--json").out
    assert CANARY not in shown
    assert [file.name for file in (folder / "var").iterdir() if CANARY.encode() in _content(file)] == []


async def _status(folder: Path) -> object:
    try:
        return await asyncio.to_thread(ask, folder / "var" / "control.sock", "status")
    except (NotRunning, CommandRefused):
        return None


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""
