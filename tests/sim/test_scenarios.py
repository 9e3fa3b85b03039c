"""Troubles staged one by one under the real engine and the real gateway: what must come of each."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.settings import Limits
from tests.sim.house import ACCOUNT, House
from tests.sim.staged import DAY_S, RULES, only, show, staged, states, told

FELL = "  - {name: fell, when: V moves down 40% in 5m, do: buy 5 MA, run: here}\n"
HELD = RULES + "  - {name: held, when: AAPL crosses above 160, do: buy 5 AAPL}\n"


def test_a_gateway_that_freezes_right_after_an_order_left_gets_it_once(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gate.on_sent = lambda sent: house.gateway.freeze()
        await show(house, V=201.0)
        await asyncio.sleep(40.0)
        assert states(house, "rests") == ["sending"] and house.ours() == []
        house.gateway.thaw()
        await asyncio.sleep(90.0)

    house = staged(tmp_path, script)
    assert only(house).live and states(house, "rests") == ["working"]


def test_fills_that_nobody_told_during_an_outage_of_ib_are_recovered_from_the_executions(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.lose_link()
        await show(house, MA=389.0)
        await asyncio.sleep(10.0)
        assert states(house, "rests") == ["working"]
        house.gateway.restore_link(data_lost=False)
        await asyncio.sleep(5.0)

    house = staged(tmp_path, script)
    assert states(house, "rests") == ["filled"]
    assert told(house, "bought 10 MA") == 1


def test_lost_data_is_subscribed_again_and_rules_fire_on_it(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.lose_link()
        await asyncio.sleep(20.0)
        house.gateway.restore_link(data_lost=True)
        await asyncio.sleep(5.0)
        await show(house, AAPL=149.0)
        await show(house, AAPL=151.0)

    assert told(staged(tmp_path, script), "tells fired") == 1


def test_a_client_id_in_use_for_long_is_told_within_two_minutes_and_never_evaded(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.refuse_client(17)
        house.gateway.drop_connections()
        await show(house, V=201.0)
        await asyncio.sleep(119.0)
        assert told(house, "Connection to IB") == 1
        await asyncio.sleep(180.0)
        assert house.gate.sent == 0 and house.gateway.connected_clients == ()
        house.gateway.refuse_client(17, False)
        await asyncio.sleep(60.0)
        assert house.gateway.connected_clients == (17,)

    staged(tmp_path, script)


BURST = 60
BURST_RULES = "version: 1\ntimezone: America/New_York\nrules:\n" + "".join(
    f"  - {{name: burst-{number}, when: V crosses above 200, do: buy {number + 1} MA, run: here}}\n"
    for number in range(BURST)
)


def test_a_socket_that_drops_in_a_burst_doubles_nothing_and_loses_nothing_silently(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.drop_after("PlaceOrder", 27)
        await show(house, V=201.0)
        await asyncio.sleep(90.0)

    house = staged(tmp_path, script, BURST_RULES, Limits(max_orders_per_second=50))
    references = [order.orderRef for order in house.ours()]
    assert len(references) == len(set(references)) >= 26
    counts = [state for number in range(BURST) for state in states(house, f"burst-{number}")]
    assert len(counts) == BURST and set(counts) <= {"filled", "unknown", "expired"}
    assert counts.count("filled") == len(references)


def test_a_burst_stays_below_the_gateway_s_pace(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.limit_rate(50)
        await show(house, V=201.0)
        for _ in range(15):
            await show(house, MA=400.0)

    house = staged(tmp_path, script, BURST_RULES)
    assert house.gate.sent == BURST and 100 not in house.watcher.codes


def test_a_line_too_many_silences_its_rules_and_no_other(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.refuse_data("V", 101)
        await show(house, V=201.0, AAPL=151.0)

    house = staged(tmp_path, script)
    assert told(house, "V", "(101)") == 1
    assert told(house, "tells fired") == 1 and house.ours() == []


def test_what_is_left_of_an_order_is_found_the_next_day_by_its_reference(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.push_quote("MA", 399.98, 400.02)
        await show(house, V=206.0)
        house.gateway.push_quote("MA", 389.9, 390.0, bid_size=3, ask_size=3)
        await asyncio.sleep(2.0)
        assert 0 < house.ours()[-1].filled < 11
        house.gateway.push_quote("MA", 399.98, 400.02)
        house.kill()
        await asyncio.sleep(DAY_S)
        house.start()
        await asyncio.sleep(60.0)

    house = staged(tmp_path, script, RULES.replace("at limit 390, run", "at limit 381, run"))
    [order] = [order for order in house.ours() if order.live]
    assert house.rows("SELECT state, filled FROM intent WHERE key = ?", order.orderRef)[0]["state"] == "partial"


def test_an_order_that_filled_while_the_engine_was_away_for_days_is_unknown_and_told(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await asyncio.sleep(5.0)
        assert only(house).live
        house.kill()
        await asyncio.sleep(60.0)
        await show(house, AAPL=161.0)
        assert house.position("AAPL") == 5
        await asyncio.sleep(3 * DAY_S)
        house.start()
        await asyncio.sleep(120.0)

    house = staged(tmp_path, script, HELD)
    assert states(house, "held") == ["unknown"]
    assert told(house, "cannot tell", "rules resolve") >= 1
    assert house.gate.sent == 1


def test_what_the_user_changes_in_tws_is_left_as_it_is(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.gateway.modify_in_tws(only(house).orderRef, price=391.0)
        await asyncio.sleep(1_000.0)

    house = staged(tmp_path, script)
    assert only(house).live and only(house).form.lmtPrice == 391.0
    assert house.gate.sent == 1 and states(house, "rests") == ["working"]


def test_another_login_gets_no_order_and_is_named(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.log_in_as("U7654321")
        house.gateway.drop_connections()
        await asyncio.sleep(20.0)
        await show(house, V=199.0, MA=400.0)
        await show(house, V=201.0)
        await asyncio.sleep(70.0)

    house = staged(tmp_path, script)
    assert house.gate.sent == 0 and house.ours() == []
    assert told(house, f"the login has no account {ACCOUNT}") + told(house, "not sent") + told(house, "held back") >= 1


@pytest.mark.parametrize("kind", ["empty", "zero", "old", "hundredfold", "hundredth"])
def test_a_print_that_never_was_sends_nothing(tmp_path: Path, kind: str) -> None:
    async def script(house: House) -> None:
        house.gateway.bad_print("V", kind)
        await show(house, V=199.0, MA=400.0)
        await show(house, V=198.5, MA=400.0)

    assert staged(tmp_path, script, RULES + FELL).gate.sent == 0


def test_a_real_jump_counts_as_soon_as_the_quotes_follow(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.bad_print("V", "hundredfold")
        await show(house, MA=400.0)
        assert house.gate.sent == 0
        await show(house, V=19_900.0, MA=400.0)

    assert states(staged(tmp_path, script), "rests") == ["working"]


def test_an_order_on_its_way_finishes_under_the_old_rules_and_the_next_is_of_the_new_ones(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.delay_orders(5.0)
        await show(house, V=201.0)
        assert states(house, "rests") == ["sending"]
        house.write_rules(RULES.replace("buy 10 MA at limit 390, run", "buy 7 MA at limit 389, run"))
        assert (await house.ask("reload"))["ok"]
        house.gateway.delay_orders(0.0)
        await asyncio.sleep(10.0)
        assert states(house, "rests") == ["working"]
        await show(house, V=199.0)
        await show(house, V=201.0)

    house = staged(tmp_path, script)
    assert [order.form.totalQuantity for order in house.ours()] == [10, 7]


def test_a_disk_that_takes_no_commit_sends_nothing_and_ends_the_engine(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.disk.fails_at = "sending"
        await show(house, V=201.0)
        await asyncio.sleep(5.0)
        assert not house.is_running and house.gate.sent == 0
        house.checks.violations.clear()  # That the engine ended is what is asked for.
        house.disk.fails_at = ""
        await asyncio.sleep(40.0)

    house = staged(tmp_path, script)
    assert house.gate.sent == 1 and only(house).live, "a later engine sends what is still in time"


def test_the_kill_switch_finds_an_order_on_its_way_and_cancels_it(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.delay_orders(3.0)
        await show(house, V=201.0)
        assert states(house, "rests") == ["sending"]
        await house.stop_trading()
        await asyncio.sleep(30.0)

    house = staged(tmp_path, script)
    assert states(house, "rests") == ["cancelled"]
    assert not only(house).live


def test_without_an_engine_the_kill_switch_cancels_and_holds_until_it_is_lifted(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=201.0)
        house.kill()
        await house.stop_trading()
        assert not only(house).live
        house.start()
        await asyncio.sleep(5.0)
        await show(house, V=199.0, MA=400.0)
        await show(house, V=201.0)
        assert house.gate.sent == 1
        await house.lift()
        await show(house, V=199.0, MA=400.0)
        await show(house, V=201.0)
        assert house.gate.sent == 2

    staged(tmp_path, script)


@pytest.mark.parametrize("data", [b"", None, b"rules: [", RULES[:200].encode(), b"\xff\xfe\x00"])
def test_a_spoiled_rule_file_changes_nothing_and_is_told(tmp_path: Path, data: bytes | None) -> None:
    async def script(house: House) -> None:
        assert not house.save_rules(data)
        assert not (await house.ask("reload"))["ok"]
        await show(house, V=201.0)

    house = staged(tmp_path, script)
    assert only(house).live and told(house, "Rules not reloaded") == 1


def test_a_pause_outlives_a_kill_in_the_very_moment_of_its_answer(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        assert (await house.ask("pause", rule="tells"))["ok"]
        house.kill()
        house.start()
        await asyncio.sleep(2.0)
        await show(house, AAPL=149.0)
        await show(house, AAPL=151.0)

    assert told(staged(tmp_path, script), "tells fired") == 0


def test_positions_beyond_a_limit_are_held_back_however_fills_and_reports_come(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        house.gateway.delay(5.0, "Position")
        await show(house, V=211.0)
        await show(house, V=209.0)
        await show(house, V=211.0)
        await asyncio.sleep(20.0)

    house = staged(tmp_path, script, limits=Limits(max_position_value=Decimal(6_000)))
    assert house.position("MA") <= 15


def test_an_account_that_was_reset_meanwhile_gets_no_order_before_somebody_has_looked(tmp_path: Path) -> None:
    async def script(house: House) -> None:
        await show(house, V=211.0)
        await asyncio.sleep(1_000.0)
        assert states(house, "fills") == ["filled"]
        house.gateway.drop_connections()
        house.gateway.reset_account(ACCOUNT)
        await asyncio.sleep(60.0)
        await show(house, V=199.0, MA=400.0)
        await show(house, V=201.0)
        sent = house.gate.sent
        await asyncio.sleep(20.0)
        assert house.gate.sent == sent
        await house.ask("resume")
        await show(house, V=199.0)
        await show(house, V=201.0)
        await asyncio.sleep(2.0)
        assert house.gate.sent > sent

    house = staged(tmp_path, script)
    assert told(house, "all positions of the account are gone", "MA", "rules resume") == 1
