"""`rules run`: what it refuses to start with, and how it ends."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.cli.calling import DEADLINE_S, call, call_beside, run_process
from tests.cli.running import running, settings_for, status_of
from tests.cli.written import BAD, GOOD, write_config, write_rules
from tests.daemon.house import BUY_AT_200, RULES_HEAD, House

SECRET = "tgram://123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr/987654321"


def test_without_a_configuration_it_says_what_to_do() -> None:
    answer = call("run")
    assert (answer.code, answer.out) == (78, "")
    assert "there is no config.yaml here" in answer.err
    assert "--config" in answer.err


def test_a_broken_configuration_is_located(folder: Path) -> None:
    write_config(folder, "mode: paper\ngateway: {prot: 4002}\nlimits: {max_order_quantity: lots}\n")
    answer = call("run")
    assert answer.code == 78
    assert "config.yaml:2:11" in answer.err
    assert "did you mean 'port'?" in answer.err
    assert "config.yaml:3:" in answer.err


def test_problems_in_the_rules_are_located_and_nothing_starts(folder: Path) -> None:
    write_config(folder, "mode: dry\n")
    write_rules(folder, BAD)
    answer = run_process("run", folder=folder)
    assert (answer.code, answer.out) == (1, "")
    assert "error[R201]: 'crosses over' is not a condition\n --> rules/rules.yaml:4:13\n" in answer.err
    assert "rules/rules.yaml:6:5" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_secrets_that_others_may_read_are_refused_with_the_remedy(folder: Path, mode: int) -> None:
    write_rules(folder, GOOD)
    write_config(folder, f"mode: dry\nchannels: {{phone: '{SECRET}'}}\n", mode)
    answer = call("run")
    assert answer.code == 78
    assert "error[R403]" in answer.err
    assert "config.yaml:2:" in answer.err
    assert "chmod 600 config.yaml" in answer.err
    assert "AAbbCC" not in answer.err


def test_a_file_that_only_says_where_its_secrets_are_may_be_read_by_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(folder, "mode: dry\nchannels: {phone: '${PHONE}'}\n", 0o644)
    monkeypatch.setenv("PHONE", "jsons://hooks.example.com/")
    answer = run_process("run", folder=folder)
    assert answer.code == 1, "it comes as far as the rules, which are not there"
    assert "error[R001]" in answer.err


def test_a_variable_that_is_not_set_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(folder, "mode: dry\nchannels: {phone: '${PHONE}'}\n")
    monkeypatch.delenv("PHONE", raising=False)
    answer = call("run")
    assert answer.code == 78
    assert "error[R401]" in answer.err
    assert "export PHONE=" in answer.err


def test_live_needs_its_third_word(folder: Path) -> None:
    write_rules(folder, GOOD)
    write_config(folder, "mode: live\naccount: U1234567\n")
    answer = run_process("run", folder=folder)
    assert answer.code == 78
    assert "rules run --live" in answer.err


def test_live_needs_the_account_in_full(folder: Path) -> None:
    write_rules(folder, GOOD)
    write_config(folder, "mode: live\n")
    answer = call("run", "--live")
    assert answer.code == 78
    assert "error[R404]" in answer.err


def test_a_state_folder_open_to_others_is_refused_with_the_remedy(folder: Path) -> None:
    write_rules(folder, GOOD)
    write_config(folder, "mode: dry\n")
    (folder / "var").mkdir(mode=0o755)
    answer = run_process("run", folder=folder)
    assert answer.code == 78
    assert "chmod 700 var" in answer.err


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_says_what_stays_alive_at_the_broker(house: House, with_signal: signal.Signals) -> None:
    house.write(BUY_AT_200)
    write_config(house.rules.parent, settings_for(house))
    async with running(house) as process:
        await house.until(lambda: [order.status for order in house.orders()] == ["PreSubmitted"], "the held order")
        process.send_signal(with_signal)
        _, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode == 0, err.decode()
    assert "Still alive at the broker:\nma-when-v-hits-200: buy 100 MA at market" in err.decode()
    assert "Traceback" not in err.decode()
    assert [order.status for order in house.orders()] == ["PreSubmitted"]
    assert await status_of(house) is None
    remembered = (await call_beside("status", "--json")).json
    assert [order["rule"] for order in remembered["orders"]] == ["ma-when-v-hits-200"]


async def test_a_second_engine_on_the_same_state_is_refused(house: House) -> None:
    house.write(BUY_AT_200)
    write_config(house.rules.parent, settings_for(house))
    async with running(house):
        answer = await asyncio.to_thread(run_process, "run", folder=house.rules.parent)
        assert answer.code != 0
        assert "another engine is using the journal" in answer.err
        assert "Traceback" not in answer.err
        assert await status_of(house), "the first one still answers"


async def test_rules_that_became_nonsense_are_shown_by_status_while_the_old_ones_run(house: House) -> None:
    house.write(BUY_AT_200)
    write_config(house.rules.parent, settings_for(house))
    async with running(house):
        (house.rules / "rules.yaml").write_text(RULES_HEAD + "  - name: x\n    when: V crosses over 200\n    do: fly\n")
        await house.until(lambda: house.told("not reloaded"), "the complaint")
        answer = await call_beside("status")
    assert answer.code == 0
    assert "not reloaded: rules/rules.yaml:5: 'crosses over' is not a condition" in answer.out
    assert "ma-when-v-hits-200" in answer.out
