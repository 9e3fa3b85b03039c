"""`rules stop`: beside a running engine, without one, and when the engine hangs."""

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rules_engine.daemon.start import run_engine
from rules_engine.execution.database import Database, JournalFailed
from rules_engine.notifying.messages import TO_LIFT
from tests.cli.calling import call, call_beside
from tests.cli.written import write_config
from tests.daemon.house import ACCOUNT, BUY_AT_200, House, house_in


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    """A house whose settings the command finds as a user would have written them."""
    async with house_in(folder) as house:
        write_config(folder, f"gateway: {{port: {house.gateway.port}}}\nmode: paper\naccount: {ACCOUNT}\n")
        yield house


def statuses(house: House) -> list[str]:
    return [order.status for order in house.orders()]


async def test_a_running_engine_is_stopped_and_says_what_it_cancels(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
        answer = await call_beside("stop")
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith("Nothing more is sent. Cancelling:\nma-when-v-hits-200: buy 100 MA at market")
        await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation")
        assert (await call_beside("stop")).out == f"it was stopped already\n{TO_LIFT}\n"
        assert (await engine.status())["sending"] == "the kill switch is on"
        assert (await call_beside("stop", "--lift")).out == "orders may leave again\n"
        assert (await engine.status())["sending"] == "orders may leave"
        assert (await call_beside("stop", "--lift")).out == "the kill switch was off\n"


async def test_orders_at_the_broker_may_be_kept(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
        assert "stays there" in (await call_beside("stop", "--keep-orders")).out
        assert "Cancelling" in (await call_beside("stop")).out
        await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation after all")


async def test_without_an_engine_it_goes_to_the_broker_itself(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    answer = await call_beside("stop")
    assert (answer.code, answer.err) == (0, "")
    assert "No engine runs.\ncancelled: ma-when-v-hits-200: buy 100 MA" in answer.out
    assert statuses(house) == ["Cancelled"]
    assert "No order of ours is at the broker" in (await call_beside("stop")).out


def channel_of(house: House) -> str:
    return f"channels: {{phone: '{house.settings.channels['phone']}'}}\nlocal_webhooks: true\n"


@pytest.mark.parametrize("keep", [False, True])
async def test_without_an_engine_the_channels_are_told_all_the_same(house: House, folder: Path, keep: bool) -> None:
    config = (folder / "config.yaml").read_text()
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    write_config(folder, config + channel_of(house))
    assert (await call_beside("stop", *["--keep-orders"] * keep)).code == 0
    what = "stays there" if keep else "cancelled: ma-when-v-hits-200: buy 100 MA"
    await house.until(lambda: house.told("Kill switch is on", "No engine runs", what), "the message")
    assert statuses(house) == (["PreSubmitted"] if keep else ["Cancelled"])


async def test_a_secret_that_cannot_be_read_holds_up_no_cancellation_and_the_next_engine_tells(
    house: House, folder: Path
) -> None:
    config = (folder / "config.yaml").read_text()
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    write_config(folder, config + "channels: {phone: file:gone.url}\n")
    answer = await call_beside("stop")
    assert (answer.code, statuses(house)) == (0, ["Cancelled"])
    assert "gone.url" in answer.err
    assert house.told("Kill switch is on") == []
    async with house.engine():
        await house.until(lambda: house.told("Kill switch is on", "cancelled: ma-when-v-hits-200"), "the message")


async def test_an_engine_that_hangs_does_not_keep_the_channels_from_being_told(house: House, folder: Path) -> None:
    config = (folder / "config.yaml").read_text()
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    write_config(folder, config + channel_of(house))
    hanging = Database(house.folder.journal)
    try:
        assert (await call_beside("stop")).code == 3
        await house.until(lambda: house.told("Kill switch is on", "nothing was cancelled"), "the message")
    finally:
        hanging.close()


async def test_without_a_gateway_it_says_that_nothing_was_cancelled_and_stays_on(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    await house.gateway.stop()
    answer = await call_beside("stop")
    assert answer.code == 3
    assert "Nothing more is sent, but nothing was cancelled: nothing listens at" in answer.err
    assert house.folder.stop_flag.exists()


async def test_an_engine_that_does_not_answer_is_stopped_all_the_same(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    hanging = Database(house.folder.journal)
    try:
        answer = await call_beside("stop")
    finally:
        hanging.close()
    assert answer.code == 3
    assert "holds the journal" in answer.err
    assert house.folder.stop_flag.exists()


def test_where_nothing_ever_ran_it_is_on_before_the_first_start(folder: Path) -> None:
    assert call("stop").out == f"Nothing more is sent. No engine runs.\n{TO_LIFT}\n"
    assert (folder / "var" / "STOPPED").exists()
    assert call("stop", "--lift", "--json").json == {"command": "stop", "answer": "orders may leave again"}


async def test_the_signal_pulls_it_too(house: House) -> None:
    house.write(BUY_AT_200)
    running = asyncio.create_task(run_engine(house.settings, lambda text: None, live=False))
    await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    os.kill(os.getpid(), signal.SIGUSR1)
    await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation")
    assert house.folder.stop_flag.exists()
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(running, 30) == 0


def no_room(*words: object, **named: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def no_journal(*words: object, **named: object) -> None:
    raise JournalFailed("the journal failed: database or disk is full")


async def test_a_journal_that_takes_nothing_does_not_keep_our_orders_at_the_broker(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    [row] = house.intents()
    (folder / "config.yaml").write_text((folder / "config.yaml").read_text() + channel_of(house))
    monkeypatch.setattr("rules_engine.cli.stop_alone.Journal", no_journal)
    answer = await call_beside("stop")
    assert (answer.code, statuses(house)) == (1, ["Cancelled"])
    assert f"database or disk is full; what IB shows of ours is cancelled without it.\ncancelled: {row.intent.key}" in (
        answer.err
    )
    await house.until(lambda: house.told("Kill switch is on", "cancelled without it"), "the message")
    assert "No order of ours is at the broker" in (await call_beside("stop")).err


async def test_with_such_a_journal_orders_are_kept_where_that_is_asked_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
    monkeypatch.setattr("rules_engine.cli.stop_alone.Journal", no_journal)
    assert (await call_beside("stop", "--keep-orders")).code == 1
    assert statuses(house) == ["PreSubmitted"]


@pytest.mark.parametrize("runs", [False, True])
async def test_a_disk_that_takes_no_file_does_not_keep_our_orders_at_the_broker(
    house: House, monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: statuses(house) == ["PreSubmitted"], "the held order")
        if runs:
            monkeypatch.setattr("rules_engine.execution.kill_switch.KillSwitch._write", no_room)
            answer = await call_beside("stop")
            assert "Cancelling" in answer.out and "it holds until this engine ends" in answer.out
            await house.until(lambda: statuses(house) == ["Cancelled"], "the cancellation")
            assert (await engine.status())["sending"] == "the kill switch is on"
    if not runs:
        monkeypatch.setattr("rules_engine.execution.kill_switch.KillSwitch._write", no_room)
        answer = await call_beside("stop")
    assert answer.code != 0 and "the kill switch could not be set" in answer.err
    assert statuses(house) == ["Cancelled"]
