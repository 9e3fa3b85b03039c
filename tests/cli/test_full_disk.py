"""The disk takes nothing more: the engine halts before it sends, and tells by the channels that still work."""

import asyncio
import resource

import pytest

from rules_engine.execution.journal import Journal
from tests.cli.calling import DEADLINE_S, call
from tests.cli.running import running, settings_for, status_of
from tests.cli.written import write_config
from tests.daemon.house import HERE_AT_200, House


async def until_orders_may_leave(house: House) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not ((status := await status_of(house)) and status["sending"] == "orders may leave"):
            await asyncio.sleep(0.02)


async def test_a_disk_that_fills_up_under_a_running_engine(house: House) -> None:
    house.write(HERE_AT_200)
    write_config(house.rules.parent, settings_for(house))
    async with running(house) as process:
        await until_orders_may_leave(house)
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, most))
        house.quote("V", 201.0)
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        assert process.returncode == 1, "systemd starts it again"
    await house.until(lambda: house.told("Rules engine failed", "the journal failed"), "the last words")
    assert "JournalFailed" in err.decode()
    assert house.orders() == []
    async with running(house):
        await until_orders_may_leave(house)
    assert call("audit").code == 0


async def test_a_disk_that_fills_up_between_the_firing_and_its_order(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered = Journal.numbered

    def no_room(journal: Journal, *words: object) -> object:
        journal._database._connection.execute("PRAGMA query_only = ON")
        return numbered(journal, *words)

    monkeypatch.setattr(Journal, "numbered", no_room)
    with pytest.raises(ExceptionGroup) as failed:
        async with house.engine(HERE_AT_200) as engine:
            await until_orders_may_leave(house)
            house.quote("V", 201.0)
            await asyncio.wait_for(engine.ended(), DEADLINE_S)
    assert "the journal failed" in str(failed.value.exceptions)
    assert house.orders() == []
    assert all(row.intent.state == "intent" and row.intent.sent_s is None for row in house.intents())
