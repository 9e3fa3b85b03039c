"""The commands that talk to a running engine over its socket, and read its journal when it has stopped."""

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.calling import Answer, call, call_beside
from tests.cli.written import write_config
from tests.daemon.house import BUY_AT_200, HERE_AT_200, ON_FALL, RULES_HEAD, House, Running, house_in


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    """Its state folder is the `var` that commands look in when nothing else is said."""
    async with house_in(folder) as house:
        yield house


def states(answer: Answer) -> dict[str, str]:
    assert answer.code == 0, answer.err
    return {rule["name"]: rule["state"] for rule in answer.json["rules"]}


async def buy(house: House, engine: Running) -> None:
    """The rule that waits here fires and its order fills."""
    await engine.until_state("here-at-200", "armed")
    house.quote("V", 200.1)
    await house.until(lambda: house.told("bought 100 MA"), "the purchase")


async def test_status_shows_the_connection_and_every_rule(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL) as engine:
        await engine.until_state("buys-the-fall", "armed")
        text = await call_beside("status")
        status = (await call_beside("status", "--json")).json
    assert text.code == 0
    assert "mode paper, account DU1234567" in text.out
    assert "IB up since" in text.out
    (row,) = [line for line in text.out.splitlines() if line.startswith("ma-when-v-hits-200")]
    assert "at broker" in row
    assert "V crosses above 200" in row
    assert (status["running"], status["mode"], status["link"]) == (True, "paper", "up")
    assert {rule["name"]: rule["where"] for rule in status["rules"]} == {
        "ma-when-v-hits-200": "at broker",
        "buys-the-fall": "here",
    }


async def test_what_stopped_is_read_from_the_journal(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL) as engine:
        await house.until(lambda: [order.status for order in house.orders()] == ["PreSubmitted"], "the held order")
        await engine.until_state("ma-when-v-hits-200", "placed")
    text, status = await call_beside("status"), (await call_beside("status", "--json")).json
    assert text.code == 0
    assert "the engine is not running; the journal remembers:\nfirings: none\n" in text.out
    assert "ma-when-v-hits-200" in text.out
    assert (status["running"], status["sending"]) == (False, "")
    (order,) = status["orders"]
    assert order["rule"] == "ma-when-v-hits-200"
    assert order["key"] == house.orders()[0].form.orderRef
    assert (await call_beside("stop", "--keep-orders")).code == 0
    stopped = await call_beside("status")
    assert "the journal remembers:\nthe kill switch is on\nfirings: none\n" in stopped.out


async def test_fires_are_the_same_while_the_engine_runs_and_after(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await buy(house, engine)
        during = await call_beside("fires", "--json")
    after = await call_beside("fires", "--json")
    assert during == after
    (fire,) = after.json
    assert (fire["rule"], fire["fate"], fire["mode"]) == ("here-at-200", "placed", "paper")
    assert fire["actions"] == ["buy 100 MA at market"]
    assert fire["keys"] == [house.orders()[0].form.orderRef]
    text = await call_beside("fires")
    assert "here-at-200  placed  buy 100 MA at market" in text.out


async def test_orders_show_what_was_sent_and_filled(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await buy(house, engine)
        during = await call_beside("orders", "--json")
    (order,) = (await call_beside("orders", "--json")).json
    assert during.json == [order]
    assert (order["rule"], order["state"], order["filled"]) == ("here-at-200", "filled", "100")
    assert order["perm_id"] == house.orders()[0].permId
    assert (await call_beside("orders", "--open", "--json")).json == []
    assert (await call_beside("orders", "--open")).out == "no orders\n"
    assert "buy 100 MA at market" in (await call_beside("orders")).out


async def test_fires_and_orders_of_one_rule(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await buy(house, engine)
    assert len((await call_beside("fires", "here-at-200", "--count", "1", "--json")).json) == 1
    assert (await call_beside("fires", "other", "--json")).json == []
    assert (await call_beside("fires", "other")).out == "nothing has fired\n"
    assert (await call_beside("orders", "other", "--json")).json == []


async def test_a_paused_rule_is_deaf_until_it_is_resumed(house: House) -> None:
    async with house.engine(HERE_AT_200, ON_FALL) as engine:
        await engine.until_state("here-at-200", "armed")
        answer = await call_beside("pause", "here-at-200")
        assert (answer.code, answer.out) == (0, "paused: here-at-200\n")
        paused = states(await call_beside("status", "--json"))
        assert (paused["here-at-200"], paused["buys-the-fall"] == "paused") == ("paused", False)
        assert (await call_beside("resume", "here-at-200")).out == "listening again: here-at-200\n"
        assert states(await call_beside("status", "--json"))["here-at-200"] != "paused"


async def test_answers_are_json_when_asked_for(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        answer = await call_beside("pause", "here-at-200", "--json")
        assert answer.json == {"command": "pause", "answer": "paused: here-at-200"}
        answer = await call_beside("reload", "--dry", "--json")
        assert answer.json == {"command": "reload", "answer": "nothing changed"}


async def test_without_a_name_all_rules_are_paused_and_resumed(house: House) -> None:
    async with house.engine(HERE_AT_200, ON_FALL) as engine:
        await engine.until_state("here-at-200", "armed")
        assert (await call_beside("pause")).out == "paused: here-at-200, buys-the-fall\n"
        assert set(states(await call_beside("status", "--json")).values()) == {"paused"}
        assert (await call_beside("resume")).out == "listening again: here-at-200, buys-the-fall\n"
        assert "paused" not in states(await call_beside("status", "--json")).values()


async def test_pausing_a_rule_that_the_broker_holds_takes_its_order_back(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await engine.until_state("ma-when-v-hits-200", "placed")
        await house.until(lambda: [order.status for order in house.orders()] == ["PreSubmitted"], "the held order")
        assert "cancelling what the broker holds for ma-when-v-hits-200" in (await call_beside("pause")).out
        await house.until(lambda: [order.status for order in house.orders()] == ["Cancelled"], "the cancellation")


async def test_a_rule_that_is_done_is_armed_again(house: House) -> None:
    async with house.engine(HERE_AT_200 + "    once: true\n") as engine:
        await buy(house, engine)
        await engine.until_state("here-at-200", "done")
        assert (await call_beside("rearm", "here-at-200")).out == "armed: here-at-200\n"
        assert states(await call_beside("status", "--json"))["here-at-200"] != "done"


async def test_reload_shows_first_and_then_takes_over(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.write(HERE_AT_200, ON_FALL)
        # The folder is watched too: whoever comes first, the set ends up the same.
        dry = await call_beside("reload", "--dry")
        assert dry.out in ("would change:\n+ buys-the-fall added\n", "nothing changed\n")
        done = await call_beside("reload")
        assert done.out in ("changed:\n+ buys-the-fall added\n", "nothing changed\n")
        assert set(states(await call_beside("status", "--json"))) == {"here-at-200", "buys-the-fall"}
        assert (await call_beside("reload", "--dry")).out == "nothing changed\n"


async def test_nonsense_is_not_taken_over_and_located(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        (house.rules / "rules.yaml").write_text(RULES_HEAD + "  - name: x\n    when: V crosses over 200\n    do: fly\n")
        for words in (("reload", "--dry"), ("reload",)):
            answer = await call_beside(*words)
            assert (answer.code, answer.out) == (1, "")
            assert answer.err.startswith("nothing was changed\nerror[R201]: 'crosses over' is not a condition\n")
        assert set(states(await call_beside("status", "--json"))) == {"here-at-200"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pause", "ma-when"), "there is no rule 'ma-when'; known: here-at-200"),
        (("resume", "ma-when"), "there is no rule 'ma-when'; known: here-at-200"),
        (("rearm", "ma-when"), "there is no rule 'ma-when'; known: here-at-200"),
        (("adopt",), "there is nothing to adopt: IB has shown nothing that the journal does not know"),
        (("resolve", "re1.x.y.z.1.0", "placed"), "there is no order re1.x.y.z.1.0 whose fate is unknown"),
    ],
)
async def test_what_the_engine_refuses_it_refuses_in_words(house: House, words: tuple[str, ...], said: str) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        answer = await call_beside(*words)
    assert (answer.code, answer.out, answer.err) == (1, "", f"{said}\n")


@pytest.mark.parametrize(
    "words", [("pause",), ("resume", "a"), ("rearm", "a"), ("reload",), ("reload", "--dry"), ("resolve", "k", "placed")]
)
def test_without_an_engine_what_needs_one_says_how_to_start_it(words: tuple[str, ...]) -> None:
    answer = call(*words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "no engine is running on var; start it with `rules run`\n"


@pytest.mark.parametrize("words", [("status",), ("fires",), ("orders",), ("status", "--json"), ("orders", "--json")])
def test_without_engine_and_journal_nothing_can_be_read(words: tuple[str, ...]) -> None:
    answer = call(*words)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("cannot read the journal var/journal.db")
    assert "has `rules run` been started here?" in answer.err


@pytest.mark.parametrize("words", [("status",), ("fires",), ("orders",)])
def test_a_damaged_journal_is_said(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "var").mkdir(mode=0o700)
    (folder / "var" / "journal.db").write_text("not a database " * 100)
    answer = call(*words)
    assert (answer.code, answer.out) == (3, "")
    assert "file is not a database" in answer.err


def test_a_count_below_one_is_wrong_usage() -> None:
    assert call("fires", "--count", "0").code == 2
    assert call("orders", "--count", "-1").code == 2


async def test_the_state_folder_of_a_named_configuration_is_used(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = house.rules.parent
    write_config(folder, "state: var\n")
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        (folder / "elsewhere").mkdir()
        monkeypatch.chdir(folder / "elsewhere")
        assert (await call_beside("status")).code == 3
        started_s = (await call_beside("status", "--json", "--config", str(folder / "config.yaml"))).json["started_s"]
    assert abs(started_s - time.time()) < 60


async def test_an_audit_of_a_journal_without_firings_says_so(house: House) -> None:
    async with house.engine(HERE_AT_200):
        found = await call_beside("audit")
    assert (found.code, found.out) == (0, "nothing has fired\nno event was changed or removed\n")


async def test_an_audit_counts_every_firing_and_finds_what_was_changed(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await buy(house, engine)
        during = await call_beside("audit")
    assert (during.code, during.out) == (0, "1 fired = 1 placed\nno event was changed or removed\n")
    with contextlib.closing(sqlite3.connect(house.folder.journal)) as journal, journal:
        journal.execute("UPDATE event SET entry = replace(entry, 'sending', 'nothing') WHERE seq = 2")
        journal.execute("UPDATE intent SET filled = '60'")
    after = await call_beside("audit")
    assert after.code == 1
    assert "event 2 was changed or removed" in after.out
    assert "the fills of re1." in after.out
    found = (await call_beside("audit", "--json")).json
    assert (found["fired"], found["broken_event"], len(found["misfilled"])) == (1, 2, 1)
