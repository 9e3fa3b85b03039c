"""The whole engine on a real socket: from the text of a rule to orders in the gateway and messages received."""

import asyncio
import contextlib
import shutil
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.daemon.control import CommandRefused
from rules_engine.execution.database import JournalLocked
from rules_engine.model.settings import GatewaySettings, Limits, Mode
from tests.daemon.house import BUY_AT_200, HERE_AT_200, ON_FALL, House, held


async def test_a_fall_within_the_window_that_history_filled_fires_here(house: House) -> None:
    async with house.engine(ON_FALL) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.orders(), "the sale")
        await house.until(lambda: house.told("bought 30 MA"), "the message")
    (order,) = house.orders()
    assert not order.form.conditions
    assert order.form.orderRef == house.intents()[0].intent.key


async def test_dry_sends_nothing_and_tells_what_it_would_send(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL, mode=Mode.DRY) as engine:
        await engine.until_state("buys-the-fall", "armed")
        await house.until(lambda: house.told("would place at IB", "buy 100 MA"), "the arming")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("would send", "buy 30 MA"), "the firing")
    assert house.orders() == []
    assert {row.intent.state.value for row in house.intents()} == {"dry"}


async def test_what_happened_in_dry_is_never_sent_in_paper(house: House) -> None:
    async with house.engine(ON_FALL, mode=Mode.DRY) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await engine.until_state("buys-the-fall", "done")
    async with house.engine() as engine:
        await house.until(lambda: house.told("engine started", "mode paper"), "the second start")
        status = await engine.until_state("buys-the-fall", "armed")
        assert status["state"] == "armed"
    assert house.orders() == []


async def test_a_live_account_is_refused_in_paper(house: House) -> None:
    async with house.engine(ON_FALL, account="U7654321") as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("the account is not of the kind"), "the refusal")
    assert house.orders() == []


async def test_a_sale_that_would_open_a_short_position_is_held_back(house: House) -> None:
    async with house.engine(ON_FALL.replace("buy 30 MA", "sell 30 MA")) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("allow_short", "0 MA held"), "the refusal")
    assert house.orders() == []


async def test_a_limit_holds_the_order_back_names_itself_and_leaves_once_unused(house: House) -> None:
    async with house.engine(ON_FALL, limits=Limits(max_order_value=Decimal(1000))) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("max_order_value"), "the refusal")
        await engine.until_state("buys-the-fall", "armed")
    assert house.orders() == []
    assert [fire.fate for fire in house.fires()] == ["held back"]


async def test_a_lost_connection_is_told_with_its_end_and_doubles_nothing(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.until_state("buys-the-fall", "armed")
        house.gateway.drop_connections()
        await house.until(lambda: house.told("Connection to IB lost"), "the loss")
        await house.until(lambda: house.told("Connection to IB is back"), "the return")
        await engine.until_state("ma-when-v-hits-200", "placed")
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("bought 30 MA"), "a firing after the return")
    assert [order.form.totalQuantity for order in house.orders()] == [100, 30]


async def test_a_rejected_order_is_told_and_does_not_use_up_once(house: House) -> None:
    rule = ON_FALL.replace("buys-the-fall", "buys-too-much").replace("buy 30 MA", "buy 90000000 MA")
    async with house.engine(rule) as engine:
        await engine.until_state("buys-too-much", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("IB rejected"), "the rejection")
        await engine.until_state("buys-too-much", "armed")
    assert [row.intent.state.value for row in house.intents()] == ["rejected"]


async def test_an_unknown_contract_breaks_only_its_rule_and_is_told_with_its_name(house: House) -> None:
    async with house.engine(ON_FALL, BUY_AT_200.replace("V crosses", "QQQQQ crosses")) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "QQQQQ" in str(entry["why"])
        await house.until(lambda: house.told("is broken", "QQQQQ"), "the message")
        await engine.until_state("buys-the-fall", "armed")


async def test_a_paused_rule_is_deaf_and_gives_up_its_held_order(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.until_state("buys-the-fall", "armed")
        assert "cancelling what the broker holds for ma-when-v-hits-200" in str(await engine.ask("pause"))
        await engine.until_state("buys-the-fall", "paused")
        await house.until(lambda: not held(house), "the cancellation")
        house.quote("V", 187.0)
        await engine.ask("resume", rule="ma-when-v-hits-200")
        await engine.until_state("ma-when-v-hits-200", "placed")
        await house.until(lambda: held(house), "the new held order")
    assert 30 not in [order.form.totalQuantity for order in house.orders()]


async def test_commands_name_what_they_do_not_know(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        with pytest.raises(CommandRefused, match="known: ma-when-v-hits-200"):
            await engine.ask("pause", rule="nobody")
        with pytest.raises(CommandRefused, match="which rule"):
            await engine.ask("rearm")
        with pytest.raises(CommandRefused, match="no order re1"):
            await engine.ask("resolve", key="re1.x")


async def test_wrong_port_says_which_and_what_to_tick(house: House) -> None:
    async with house.engine(BUY_AT_200, gateway=GatewaySettings(port=1)) as engine:
        text = ""
        while "127.0.0.1:1" not in text:
            text = str((await engine.status())["link_text"]) if house.folder.socket.exists() else ""
            await asyncio.sleep(0.01)
        assert "Enable ActiveX and Socket Clients" in text


async def test_a_client_id_in_use_is_named_and_nothing_is_sent(house: House) -> None:
    house.gateway.refuse_client(17)
    async with house.engine(BUY_AT_200) as engine:
        text = ""
        while "client id 17 is in use" not in text:
            text = str((await engine.status())["link_text"]) if house.folder.socket.exists() else ""
            await asyncio.sleep(0.01)
        assert house.orders() == []
        house.gateway.refuse_client(17, refused=False)
        await house.until(lambda: held(house), "the connection after all")


async def test_a_copy_of_the_state_folder_under_another_client_id_fires_without_sending(
    house: House, tmp_path: Path
) -> None:
    async with house.engine(HERE_AT_200 + "    once: true\n") as engine:
        await engine.until_state("here-at-200", "armed")
    shutil.copytree(house.folder.path, tmp_path / "copy" / "var")
    shutil.copytree(house.rules, tmp_path / "copy" / "rules")
    copied = House(tmp_path / "copy", house.gateway, house.receiver, house.clock)
    under_18 = replace(copied.settings.gateway, client_id=18)
    async with house.engine() as engine, copied.engine(gateway=under_18) as other:
        for one in (engine, other):
            await one.until_state("here-at-200", "armed")
        await house.until(lambda: house.told("belongs to client id 17", "rules adopt"), "the alarm")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await house.until(lambda: copied.fires(), "the firing of the copy")
        assert "belongs to client id 17" in str((await other.status())["sending"])
        assert (await engine.status())["sending"] == "orders may leave"
    assert len(house.orders()) == 1


async def test_an_order_in_our_name_that_nobody_remembers_stops_all_sending_until_it_is_adopted(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    with contextlib.closing(sqlite3.connect(house.folder.journal)) as journal, journal:
        journal.execute("DELETE FROM intent")
    async with house.engine(HERE_AT_200) as engine:
        await house.until(lambda: house.told("the journal does not know", "rules adopt"), "the alarm")
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: house.fires(), "the firing")
        assert "the journal does not know" in str((await engine.status())["sending"])
        assert len(house.orders()) == 1
        await engine.ask("resume")
        assert "the journal does not know" in str((await engine.status())["sending"])
        assert "orders may leave once" in str(await engine.ask("adopt"))
        await house.until(lambda: len(house.orders()) == 2, "the order that waited")


async def test_a_second_engine_on_the_same_journal_does_not_start(house: House) -> None:
    async with house.engine(BUY_AT_200):
        with pytest.raises(JournalLocked, match="another engine"):
            async with house.engine():
                pass


async def test_without_an_answer_about_open_orders_nothing_is_sent(house: House) -> None:
    house.gateway.withhold("OpenOrderEnd")
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: house.fires(), "the firing")
        assert house.orders() == []
        assert "not known" in str((await engine.status())["sending"])
    assert house.orders() == []


async def test_rules_run_on_an_account_that_the_gateway_has(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        status = await engine.status()
        assert (status["account"], status["link"], status["sending"]) == ("DU1234567", "up", "orders may leave")


async def test_ib_cut_off_from_its_servers_is_one_message_and_its_return_another(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        for _ in range(5):
            house.gateway.send_code(1100)
        await engine.until_state("here-at-200", "unknown")
        house.gateway.send_code(1102)
        await house.until(lambda: house.told("is back"), "the return")
        await house.until(lambda: house.told("Connection to IB lost"), "the loss")
        assert (len(house.told("lost")), len(house.told("is back")), house.told("No data")) == (1, 1, [])


async def test_a_fill_or_kill_that_ib_calls_inactive_is_over_within_moments(house: House) -> None:
    async with house.engine(ON_FALL.replace("buy 30 MA", "buy 30 MA at limit 390 fill or kill")) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("not filled at once"), "the end")
    assert [row.intent.state.value for row in house.intents()] == ["rejected"]


async def test_nothing_leaves_while_trading_in_its_instrument_is_halted(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.gateway.halt("MA")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("trading in it is halted: MA"), "the refusal")
        house.gateway.halt("MA", False)
        house.quote("V", 199.0)
        house.quote("MA", 400.0)
        house.quote("V", 200.1)
        await house.until(lambda: house.orders(), "the order")
    assert len(house.orders()) == 1
