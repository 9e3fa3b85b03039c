"""A rule that is halted over two orders for one intent goes on when it is named, and not with all others."""

import contextlib
import sqlite3

from tests.daemon.house import HERE_AT_200, House

NAME = "here-at-200"


async def test_resume_without_a_name_lifts_no_halt_of_a_rule_and_says_which_stay(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state(NAME, "armed")
    with contextlib.closing(sqlite3.connect(house.folder.journal)) as journal, journal:
        journal.execute("INSERT INTO kv VALUES ('halted rules', ?)", (f'{{"{NAME}": "IB has two orders"}}',))
    async with house.engine() as engine:
        await engine.until_state(NAME, "armed")
        answer = str(await engine.ask("resume"))
        assert f"still halted: {NAME} (IB has two orders); look in TWS, then: rules resume NAME" in answer
        assert "orders may leave again" not in answer
        assert "orders may leave again although IB has two orders" in str(await engine.ask("resume", rule=NAME))
        assert "halted" not in str(await engine.ask("resume"))
