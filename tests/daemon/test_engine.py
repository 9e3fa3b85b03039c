"""The whole engine on a real socket: from the text of a rule to orders in the gateway and messages received."""

import asyncio
import contextlib
import sqlite3

import pytest

from rules_engine.daemon.control import CommandRefused
from rules_engine.daemon.endings import Endings
from rules_engine.execution.database import JournalLocked
from rules_engine.model.settings import GatewaySettings, Limits, Mode
from tests.daemon.house import BUY_AT_200, HERE_AT_200, ON_FALL, RULES_HEAD, House, Running


def held(house: House) -> bool:
    return any(order.form.conditions and order.status == "PreSubmitted" for order in house.orders())


async def test_a_crossing_is_held_at_the_broker_and_its_fill_is_told_once(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the message")
        assert len(house.orders()) == 1
    assert len(house.told("bought 100 MA")) == 1
    assert [fire.fate for fire in house.fires()] == ["placed"]


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
    async with house.engine(ON_FALL, limits=Limits(max_order_value=1000)) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("max_order_value"), "the refusal")
        await engine.until_state("buys-the-fall", "armed")
    assert house.orders() == []
    assert [fire.fate for fire in house.fires()] == ["held back"]


async def test_nonsense_while_running_keeps_the_old_rules_and_tells(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        (house.rules / "rules.yaml").write_text(RULES_HEAD + "  - name: x\n    when: V crosses over 200\n    do: fly\n")
        await house.until(lambda: house.told("not reloaded", "crosses over"), "the complaint")
        status = await engine.status()
        assert [rule["name"] for rule in status["rules"]] == ["ma-when-v-hits-200"]
        assert len(status["reload"]["problems"]) == 2
        with pytest.raises(CommandRefused, match="nothing was changed"):
            await engine.ask("reload")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the old rule's fill")


async def test_an_edit_is_taken_over_and_the_difference_is_shown_first(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        file = house.rules / "rules.yaml"
        edited = RULES_HEAD + BUY_AT_200.replace("above 200", "above 205") + ON_FALL
        hidden = file.with_suffix(".new")
        hidden.write_text(edited)
        hidden.replace(file)
        await house.until(lambda: house.told("Rules reloaded", "buys-the-fall added"), "the reload")
        await house.until(
            lambda: [order.status for order in house.orders()] == ["Cancelled", "PreSubmitted"], "the new level"
        )
        assert house.orders()[1].form.conditions[0].price == 205
        assert "nothing changed" in str(await engine.ask("reload", dry=True))


NAMED = """\
version: 1
defaults: {{notify: phone}}
instruments:
  X: {{stock: {symbol}}}
rules:
  - name: crossed
    when: X crosses below {level}
    do: buy 1 MA
    run: here
  - name: fell
    when: X moves down 5% in 5m
    do: buy 2 MA
    run: here
"""


async def quoted(house: House, engine: Running, symbol: str, price: float) -> None:
    """The next price of X, which is that symbol."""
    house.quote(symbol, price)
    await house.until(lambda: engine.price("X") == price, "the price")


async def test_from_one_contract_to_another_of_the_same_name_no_price_moves(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        file = house.rules / "rules.yaml"
        for symbol, price in (("MA", 400.0), ("V", 196.0)):
            file.write_text(NAMED.format(symbol=symbol, level=300))
            await engine.ask("reload")
            for cents in range(3):
                await quoted(house, engine, symbol, price + cents / 100)
        assert house.fires() == []
        house.quote("V", 170.0)
        await house.until(lambda: [fire.rule for fire in house.fires()] == ["fell"], "the fall")


async def test_changing_only_the_action_of_a_held_rule_replaces_its_order(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
        house.write(BUY_AT_200.replace("100 MA", "50 MA"))
        await house.until(
            lambda: (
                [(order.status, order.form.totalQuantity) for order in house.orders()]
                == [("Cancelled", 100), ("PreSubmitted", 50)]
            ),
            "the replacement",
        )


async def test_a_deleted_rule_takes_its_order_from_the_broker_and_a_dry_reload_says_so(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL) as engine:
        await house.until(lambda: held(house), "the held order")
        file = house.rules / "rules.yaml"
        text = RULES_HEAD + ON_FALL
        preview = asyncio.create_task(engine.ask("reload", dry=True))
        await preview
        file.write_text(text)
        await house.until(lambda: house.told("its order held at the broker is cancelled"), "the reload")
        await house.until(lambda: [order.status for order in house.orders()] == ["Cancelled"], "the cancellation")


async def test_a_rule_deleted_while_the_engine_was_down_loses_its_order_at_the_start(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    async with house.engine(ON_FALL):
        await house.until(lambda: [order.status for order in house.orders()] == ["Cancelled"], "the cancellation")


async def test_a_clean_restart_keeps_the_held_order_and_sends_no_second(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    assert house.told("engine stopped", "Still alive at the broker", "buy 100 MA")
    async with house.engine() as engine:
        await house.until(lambda: house.told("engine started"), "the second start")
        await engine.until_state("ma-when-v-hits-200", "placed")
        house.quote("V", 199.0)
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await engine.until_state("ma-when-v-hits-200", "done")
    assert len(house.orders()) == 1


async def test_a_fill_while_the_engine_was_down_is_told_once(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    house.quote("V", 200.1)
    await house.until(lambda: house.orders()[0].status == "Filled", "the fill")
    for _ in range(2):
        async with house.engine() as engine:
            await engine.until_state("ma-when-v-hits-200", "done")
            await house.until(lambda: house.told("bought 100 MA", "while"), "the news")
    assert len(house.told("bought 100 MA")) == 1
    assert len(house.orders()) == 1


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


async def test_a_held_order_that_ib_rejects_breaks_the_rule_until_it_is_rearmed(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("100 MA", "90000000 MA")) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "rejected" in str(entry["why"])
        await house.until(lambda: house.told("is broken", "rules rearm"), "the message")
        house.write(BUY_AT_200.replace("100 MA", "50 MA"))
        await house.until(lambda: house.told("Rules reloaded"), "the reload")
        await engine.ask("rearm", rule="ma-when-v-hits-200")
        await engine.until_state("ma-when-v-hits-200", "placed")


async def test_a_rule_whose_order_waits_at_the_broker_is_not_rearmed_into_a_second_order(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        with pytest.raises(CommandRefused, match=r"is placed .* done or broken"):
            await engine.ask("rearm", rule="ma-when-v-hits-200")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await engine.until_state("ma-when-v-hits-200", "done")
    assert len(house.orders()) == 1


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


async def test_a_held_order_that_our_limits_refuse_breaks_the_rule_and_is_told_once(house: House) -> None:
    async with house.engine(BUY_AT_200, limits=Limits(max_order_quantity=10)) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "max_order_quantity is 10" in str(entry["why"])
        await house.until(lambda: house.told("is broken", "max_order_quantity", "rules rearm"), "the message")
        house.quote("V", 198.0)
        house.quote("V", 199.0)
    assert [row.intent.state.value for row in house.intents()] == ["blocked"]
    assert len(house.told("max_order_quantity")) == 1


async def test_a_held_order_waits_for_a_price_to_check_it_against(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("100 MA", "100 AAPL")) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "placed")
        assert "still to be sent" in str(entry["why"])
        house.quote("AAPL", 250.0)
        await house.until(lambda: held(house), "the held order")


async def test_one_crossing_buys_once_although_the_fill_is_told_before_the_print(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("    once: true\n", "")) as engine:
        await house.until(lambda: held(house), "the held order")
        house.quote("V", 199.0)
        house.quote("V", 201.0)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await engine.until_state("ma-when-v-hits-200", "armed")
        house.quote("V", 199.0)
        await engine.until_state("ma-when-v-hits-200", "placed")
        await house.until(lambda: len(house.orders()) == 2, "the next held order")
    assert len(house.told("bought 100 MA")) == 1


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


BRACKET_AT_200 = """\
  - name: guarded
    when: V crosses above 200
    do: {buy: 10 MA, at: market, stop: 380}
"""


async def test_what_guards_a_position_outlives_its_rule_and_does_not_keep_it_from_arming_again(house: House) -> None:
    async with house.engine(BRACKET_AT_200, ON_FALL) as engine:
        await house.until(lambda: len(house.orders()) == 2, "the held bracket")
        house.quote("V", 201.0)
        await house.until(lambda: house.told("bought 10 MA"), "the entry's fill")
        house.quote("V", 199.0)
        await house.until(lambda: len(house.orders()) == 4, "the next held bracket")
        await engine.until_state("guarded", "placed")
        house.write(ON_FALL)
        await house.until(lambda: house.told("Rules reloaded", "guarded removed"), "the reload")
        await house.until(lambda: not house.orders()[2].live, "the cancellation of what was not triggered")
    assert [order.live for order in house.orders()] == [False, True, False, False]
    async with house.engine() as engine:
        await engine.until_state("buys-the-fall", "armed")
    assert [order.live for order in house.orders("SELL")] == [True, False]


async def test_an_arming_that_never_became_an_order_is_made_up_for_after_a_restart(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("100 MA", "100 AAPL")) as engine:
        await engine.until_state("ma-when-v-hits-200", "placed")
    assert house.intents() == []
    house.quote("AAPL", 250.0)
    async with house.engine():
        await house.until(lambda: held(house), "the held order")


async def test_an_end_that_was_not_taken_in_before_a_crash_is_taken_in_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(Endings, "ended", lambda self, end: None)
        async with house.engine(BUY_AT_200):
            await house.until(lambda: held(house), "the held order")
            house.quote("V", 201.0)
            await house.until(lambda: house.told("bought 100 MA"), "the fill")
    async with house.engine() as engine:
        await engine.until_state("ma-when-v-hits-200", "done")
    assert len(house.told("bought 100 MA")) == 1


async def test_a_fill_or_kill_that_ib_calls_inactive_is_over_within_moments(house: House) -> None:
    async with house.engine(ON_FALL.replace("buy 30 MA", "buy 30 MA at limit 390 fill or kill")) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.quote("V", 187.0)
        await house.until(lambda: house.told("not filled at once"), "the end")
    assert [row.intent.state.value for row in house.intents()] == ["rejected"]


async def test_a_held_order_that_a_rule_cancels_stays_cancelled_until_the_user_rearms(house: House) -> None:
    cancels = (
        "  - name: cancels\n    when: V crosses above 198\n    do: cancel orders of ma-when-v-hits-200\n    run: here\n"
    )
    async with house.engine(BUY_AT_200, cancels) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.until_state("cancels", "armed")
        house.quote("V", 198.5)
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "a rule asked" in str(entry["why"])
        house.quote("V", 197.0)
        house.quote("V", 200.1)
        await engine.ask("rearm", rule="ma-when-v-hits-200")
        house.quote("V", 199.0)
        await engine.until_state("ma-when-v-hits-200", "placed")
    assert [order.status for order in house.orders()] == ["Cancelled", "PreSubmitted"]


AAPL_AT_200 = HERE_AT_200.replace("100 MA", "100 AAPL")


async def test_a_firing_before_the_first_price_of_what_it_orders_waits_for_that_price(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await engine.until_state("here-at-200", "armed")
        assert house.fires() == []
        house.quote("AAPL", 250.0)
        await house.until(lambda: house.told("bought 100 AAPL"), "the purchase")
    assert [fire.fate for fire in house.fires()] == ["placed"]


async def test_a_firing_that_gets_no_price_is_held_back_and_told(house: House) -> None:
    async with house.engine(AAPL_AT_200, limits=Limits(price_wait_s=0.2)) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("held back", "no fresh price"), "the message")
    assert [fire.fate for fire in house.fires()] == ["held back"]


async def test_an_engine_that_stops_while_a_firing_waits_for_a_price_tells(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        house.quote("V", 199.0)
        house.quote("V", 200.2)
        await house.until(lambda: engine.waits_for_price("here-at-200", behind=1), "both firings")
    assert len(house.told("held back", "no fresh price")) == 2
    assert [fire.fate for fire in house.fires()] == ["held back"] * 2


async def test_a_rule_that_changes_while_its_firing_waits_for_a_price_holds_it_back(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: engine.waits_for_price("here-at-200"), "the firing")
        house.write(ON_FALL)
        await house.until(lambda: house.told("held back", "its rule changed"), "the message")
        house.quote("AAPL", 250.0)
    assert house.orders() == []


@pytest.mark.parametrize("new", [ON_FALL, HERE_AT_200.replace("above 200", "above 500").replace("100 MA", "7 MA")])
async def test_what_fired_behind_it_is_held_back_with_it_and_never_sent_as_the_new_rule_says(
    house: House, new: str
) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("MA", 400.0)
        for price in (200.1, 199.0, 200.2):
            house.quote("V", price)
        await house.until(lambda: engine.waits_for_price("here-at-200", behind=1), "both firings")
        house.write(new)
        await house.until(lambda: len(house.told("held back", "its rule changed")) == 2, "the messages")
    assert [fire.fate for fire in house.fires()] == ["held back"] * 2
    assert house.orders() == []


async def test_a_crash_while_a_firing_waits_for_a_price_leaves_the_rule_as_before_it(house: House) -> None:
    async with house.engine(AAPL_AT_200 + "    once: true\n") as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: engine.waits_for_price("here-at-200"), "the firing")
        engine.save()
        assert not engine.remembers_done("here-at-200")


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
