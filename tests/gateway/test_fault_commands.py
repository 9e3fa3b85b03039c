"""One table of commands, and the three ways to give them: a script, a seed, the control port."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ib_insync import LimitOrder, MarketOrder

from rules_engine.gateway import Catalogue, Gateway, Market, MarketError
from rules_engine.gateway.faults.commands import COMMANDS, CommandError, arguments_of, call_of
from rules_engine.gateway.faults.control import LINE_BYTES_MAX
from rules_engine.gateway.faults.plan import Step
from rules_engine.gateway.faults.script import read_faults
from rules_engine.gateway.faults.seed import RISKS
from rules_engine.gateway.faults.staging import Staging
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import DEADLINE_S, NOON_S, Bench, Connect, echo, heard_by, hung_up, stock, until

DOC = Path(__file__).parent.parent.parent / "docs" / "gateway.md"


def public_methods() -> set[str]:
    return {name for name, _ in inspect.getmembers(Staging, inspect.isfunction) if not name.startswith("_")}


def test_every_method_that_stages_something_is_a_command() -> None:
    assert set(COMMANDS) == public_methods()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_what_ends_it_can_be_called_with_what_it_needs(name: str) -> None:
    samples = {str: "last", int: 1, float: 1.0, bool: True}
    chosen = {"reply": "OrderStatus", "request": "PlaceOrder", "message": "*", "farm": "usfarm", "kind": "zero"}
    arguments = {
        argument.name: chosen.get(argument.name, samples[argument.kinds[0]])
        for argument in arguments_of(name).values()
        if not argument.optional
    }
    call = call_of(name, arguments)
    if COMMANDS[name] is not None:
        ending = call.ending()
        assert call_of(ending.name, ending.arguments) == ending


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("explode", {}, "'explode' is no command; there are push"),
        ("freeze", {"hard": True}, "freeze has no argument 'hard'; it has none"),
        ("delay_orders", {}, "delay_orders needs 'delay_s'"),
        ("delay_orders", {"delay_s": "long"}, "delay_s: 'long' is not a number"),
        ("delay_orders", {"delay_s": float("nan")}, "delay_s: nan is not a number"),
        ("delay_orders", {"delay_s": True}, "delay_s: True is not a number"),
        ("lose_orders", {"count": 1.5}, "count: 1.5 is not a whole number"),
        ("refuse_client", {"client": 7, "refused": 1}, "refused: 1 is not true or false"),
        ("storm", {"count": 10**30}, f"count: {10**30} is beyond 2147483647"),
        ("break_farm", {"farm": "moon"}, "farm: 'moon' is unknown; there are cashfarm, eufarm"),
        ("drop", {"reply": "PlaceOrder"}, "reply: 'PlaceOrder' is unknown"),
        ("ignore", {"request": "OrderStatus"}, "request: 'OrderStatus' is unknown"),
        ("bad_print", {"instrument": "V", "kind": "nan"}, "kind: 'nan' is unknown; there are empty, hundredfold"),
    ],
)
def test_a_command_that_cannot_be_is_refused(name: str, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_of(name, arguments)  # type: ignore[arg-type]
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("push", {"instrument": "NOWHERE9", "price": 1.0}, "'NOWHERE9' is not listed"),
        ("push", {"instrument": 17, "price": 1.0}, "17 is not listed"),
        ("push", {"instrument": "V", "price": 0.0}, "0 is not above zero"),
        ("push", {"instrument": "V", "price": 1.0, "size": -5.0}, "-5 is not above zero"),
        ("push_quote", {"instrument": "V", "bid": -1.0, "ask": 2.0}, "-1 is not above zero"),
        ("halt", {"instrument": 17}, "17 is not listed"),
        ("cancel_in_tws", {"order": "last"}, "no order of today is 'last'"),
        ("fill_late", {"order": 17}, "no order of today is 17"),
        ("drop", {"count": 0}, "0 is below 1"),
        ("drop", {"probability": 1.5}, "probability 1.5 is not above 0"),
        ("reset_account", {"account": "DU9"}, "'DU9' is no account; there are DU1"),
        ("bad_print", {"instrument": "IBM", "kind": "zero"}, "there is no price yet"),
        ("step_to", {"time_s": 0.0}, "this gateway's clock runs by itself"),
        ("correct", {"execId": "x", "price": 1.0, "shares": 1.0}, "no execution of today"),
    ],
)
async def test_what_names_nothing_changes_nothing(
    gateway: Gateway, name: str, arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(CommandError) as refused:
        call_of(name, arguments).on(gateway)  # type: ignore[arg-type]
    assert said in str(refused.value)


# Scripts.

BAD_SCRIPTS = [
    ("version: 2\nfaults: []\n", 1, "version 2 is not known; this one reads version 1"),
    ("version: 1\n", 1, "a fault script needs 'faults:'"),
    ("faults: {do: freeze}\n", 1, "expected a list"),
    ("faults:\n  - {at: 1s}\n", 2, "a fault needs 'do', the command"),
    ("faults:\n  - {at: 1s, do: explode}\n", 2, "'explode' is no command"),
    ("faults:\n  - at: 1s\n    do: freeze\n    hard: yes\n", 3, "freeze has no argument 'hard'"),
    ("faults:\n  - {at: soon, do: freeze}\n", 2, "'soon' is not a duration"),
    ("faults:\n  - {every: 0s, do: freeze}\n", 2, "must be longer than nothing"),
    ("faults:\n  - {daily: '24:00', do: restart}\n", 2, "'24:00' is not a time of day"),
    ("faults:\n  - {at: 1s, daily: '23:45', do: restart}\n", 2, "a fault comes 'at' a moment"),
    ("faults:\n  - {at: 1s, do: storm, for: 5s}\n", 2, "storm has no end"),
    ("faults:\n  - {do: push, instrument: NOWHERE9, price: 1}\n", 2, "'NOWHERE9' is not listed"),
    ("faults:\n  - {do: push, instrument: V, price: much}\n", 2, "'much' is not a number"),
    ("faults:\n  - {do: lose_orders, count: 1.5}\n", 2, "count: 1.5 is not a whole number"),
    ("faults:\n  - {do: refuse_client, client: 7, refused: no}\n", 2, "refused: 'no' is not true or false"),
    ("faults:\n  - {do: step_to, time_s: 5}\n", 2, "'step_to' moves time"),
    ("faults: [\n", 2, "not YAML"),
]


@pytest.mark.parametrize(("text", "line", "said"), BAD_SCRIPTS)
def test_a_script_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(MarketError) as refused:
        read_faults(path, Market(Catalogue()))
    assert str(refused.value).startswith(f"{path}:{line}:")
    assert said in str(refused.value)


async def test_a_script_stages_faults_at_its_times_and_ends_them(
    bench: Bench, connect: Connect, clock: SteppedClock, tmp_path: Path
) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(
        "version: 1\n"
        "faults:\n"
        "  - {at: 10s, do: delay_orders, delay_s: 1m, for: 5s}\n"
        "  - {at: 20s, do: lose_orders}\n"
        "  - {every: 30s, do: send_code, code: 2107}\n"
        "  - {daily: '12:02', do: drop_connections}\n"
    )
    gateway = await bench.gateway(clock=clock, faults=read_faults(script, Market(Catalogue())))
    ib = await connect()
    heard, gone = heard_by(ib), hung_up(ib)
    v = await stock(ib, "V")
    gateway.step_to(NOON_S + 10)
    delayed = ib.placeOrder(v, MarketOrder("BUY", 1, tif="DAY"))
    await echo(ib)
    gateway.step_to(NOON_S + 15)
    prompt = ib.placeOrder(v, MarketOrder("BUY", 1, tif="DAY"))
    await until(ib, prompt.isDone)
    gateway.step_to(NOON_S + 20)
    lost = ib.placeOrder(v, MarketOrder("BUY", 1, tif="DAY"))
    await echo(ib)
    gateway.step_to(NOON_S + 90)
    await until(ib, delayed.isDone)
    assert lost.orderStatus.status == "PendingSubmit"
    assert [code for _, code in heard] == [2107, 2107, 2107]
    assert not gone.is_set()
    gateway.step_to(NOON_S + 120)
    await asyncio.wait_for(gone.wait(), DEADLINE_S)


async def test_a_frozen_gateway_is_thawed_by_its_script(
    bench: Bench, connect: Connect, clock: SteppedClock, tmp_path: Path
) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("faults:\n  - {at: 1s, do: freeze, for: 10s}\n")
    gateway = await bench.gateway(clock=clock, faults=read_faults(script, Market(Catalogue())))
    ib = await connect()
    gateway.step_to(NOON_S + 1)
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    await asyncio.sleep(0)
    gateway.step_to(NOON_S + 10)
    assert not asked.done()
    gateway.step_to(NOON_S + 11)
    await asyncio.wait_for(asked, DEADLINE_S)


async def test_a_fault_that_cannot_be_when_its_time_comes_is_said_and_left_out(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    said: list[str] = []
    steps = (Step(call_of("cancel_in_tws", {"order": "last"}), 1.0), Step(call_of("send_code", {"code": 2107}), 2.0))
    gateway = await bench.gateway(clock=clock, faults=steps, say=said.append)
    ib = await connect()
    heard = heard_by(ib)
    gateway.step_to(NOON_S + 3)
    await echo(ib)
    assert heard == [(-1, 2107)]
    assert len(said) == 1
    assert said[0].startswith("cancel_in_tws: no order of today is 'last'")


def example_script() -> str:
    """The fault script that the documentation shows."""
    text = DOC.read_text()
    return text.split("### Fault scripts", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0]


async def test_the_documented_script_can_be_played(
    bench: Bench, connect: Connect, clock: SteppedClock, tmp_path: Path
) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(example_script())
    said: list[str] = []
    gateway = await bench.gateway(clock=clock, faults=read_faults(script, Market(Catalogue())), say=said.append)
    gateway.step_to(NOON_S + 13 * 3600)
    assert said == []


def test_every_command_stands_in_the_documentation() -> None:
    text = DOC.read_text()
    assert [name for name in COMMANDS if f"`{name}" not in text] == []


# A seed.


async def what_a_seed_stages(bench: Bench, seed: int) -> list[str]:
    clock = SteppedClock(NOON_S)
    gateway = await bench.gateway(clock=clock, fault_seed=seed)
    staged: list[str] = []
    carry_out = gateway._plan.carry_out

    def noted(step: Step) -> None:
        staged.append(f"{clock.time_s:.0f} {gateway.now_s:.3f} {step}")
        carry_out(step)

    gateway._plan.carry_out = noted  # type: ignore[method-assign]
    gateway.step_to(NOON_S + 6 * 3600)
    return staged


async def test_a_seed_stages_the_same_faults_again_and_another_others(bench: Bench) -> None:
    first, again, other = [await what_a_seed_stages(bench, seed) for seed in (7, 7, 8)]
    assert first == again
    assert first != other
    assert {risk.name for risk in RISKS if risk.name in " ".join(first + other)} == {risk.name for risk in RISKS}


async def test_a_client_that_comes_back_sees_its_order_fill_through_a_day_of_misfortune(
    bench: Bench, clock: SteppedClock, connect: Connect
) -> None:
    gateway = await bench.gateway(clock=clock, fault_seed=3)
    ib = await connect(clientId=5)
    ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 1, 150.0, tif="GTC", orderRef="patient"))
    await echo(ib)
    gateway.step_to(NOON_S + 10 * 3600)
    gateway.push("V", 149.0)
    (order,) = gateway.orders
    assert (order.orderRef, order.filled) == ("patient", 1)


# The control port.


@dataclass
class Line:
    """A program at the control port."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, text: str | bytes) -> dict[str, object]:
        """The answer to one line."""
        self.writer.write((text if isinstance(text, bytes) else text.encode()) + b"\n")
        answer = json.loads(await asyncio.wait_for(self.reader.readline(), DEADLINE_S))
        assert isinstance(answer, dict)
        return answer

    async def do(self, name: str, **arguments: object) -> None:
        """A command that is obeyed."""
        assert await self.say(json.dumps({"do": name, **arguments})) == {"ok": True}

    async def ask(self, question: str) -> object:
        """The answer to a question."""
        return (await self.say(json.dumps({"ask": question})))["answer"]


@asynccontextmanager
async def controlled(bench: Bench, clock: SteppedClock | None = None) -> AsyncIterator[tuple[Gateway, Line]]:
    gateway = await bench.gateway(clock=clock, control_port=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.control_port)
    try:
        yield gateway, Line(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_another_program_stages_faults_and_moves_time(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    async with controlled(bench, clock) as (_, line):
        ib = await connect(clientId=4)
        v = await stock(ib, "V")
        await line.do("delay_orders", delay_s=30)
        trade = ib.placeOrder(v, MarketOrder("BUY", 1, orderRef="slow"))
        await echo(ib)
        assert await line.ask("orders") == []
        await line.do("step_to", time_s=NOON_S + 30)
        await until(ib, trade.isDone)
        assert await line.ask("clients") == [4]
        (order,) = await line.ask("orders")  # type: ignore[misc]
        assert (order["orderRef"], order["status"], order["filled"]) == ("slow", "Filled", 1)
        (execution,) = await line.ask("executions")  # type: ignore[misc]
        assert (execution["orderRef"], execution["shares"], execution["time_s"]) == ("slow", 1, NOON_S + 30)
        assert await line.ask("time") == {"time": "20260701 12:00:30 US/Eastern", "time_s": NOON_S + 30}


async def test_a_fault_given_for_a_while_ends_by_itself(bench: Bench, clock: SteppedClock) -> None:
    async with controlled(bench, clock) as (gateway, line):
        await line.do("refuse_client", client=7, for_s=90)
        assert gateway._faults.refused_clients == {7}
        await line.do("step_to", time_s=NOON_S + 90)
        assert gateway._faults.refused_clients == set()


async def test_a_quote_pushed_over_the_port_has_an_ask_and_is_no_question(
    bench: Bench, connect: Connect, clock: SteppedClock
) -> None:
    async with controlled(bench, clock) as (_, line):
        ib = await connect(clientId=4)
        ticker = ib.reqMktData(await stock(ib, "V"))
        await line.do("push_quote", instrument="V", bid=196.98, ask=197.02)
        await until(ib, lambda: (ticker.bid, ticker.ask) == (196.98, 197.02))


async def test_the_port_tells_which_commands_there_are(bench: Bench) -> None:
    async with controlled(bench) as (_, line):
        commands = await line.ask("commands")
        assert isinstance(commands, dict)
        assert set(commands) == set(COMMANDS)
        assert commands["delay"] == ["by_s", "reply", "count", "client", "probability"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"do": "explode"}', "'explode' is no command"),
        ('{"do": "freeze", "for_s": "long"}', "for_s: 'long' is not a number of seconds"),
        ('{"do": "freeze", "for_s": 0}', "for_s: 0 is not a number of seconds above zero"),
        ('{"do": "storm", "for_s": 5}', "storm has no end"),
        ('{"do": "push", "instrument": "V"}', "push needs 'price'"),
        ('{"do": "push", "instrument": "V", "price": [1]}', "price: [1] is not a number"),
        ('{"do": "lose_orders", "count": -1}', "-1 is below 0"),
        ('{"ask": "fortune"}', "'ask' is one of time, clients"),
        ('{"ask": "time", "do": "freeze"}', "and stands alone"),
        ("{}", "a line has 'do', a command, or 'ask', a question"),
    ],
)
async def test_what_the_port_cannot_do_it_says_and_goes_on(bench: Bench, line: str, said: str) -> None:
    async with controlled(bench) as (_, control):
        answer = await control.say(line)
        assert answer["ok"] is False
        assert said in str(answer["error"])
        assert await control.ask("clients") == []


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"[1]", b"\xff\xfe", b"null", b"x" * (LINE_BYTES_MAX + 10)])
async def test_who_speaks_no_json_is_told_once_and_hung_up_on(bench: Bench, line: bytes) -> None:
    async with controlled(bench) as (_, control):
        answer = await control.say(line + b'\n{"do": "freeze"}')
        assert answer["ok"] is False
        assert await asyncio.wait_for(control.reader.read(), DEADLINE_S) == b""


async def test_the_port_is_closed_with_the_gateway(bench: Bench) -> None:
    async with controlled(bench) as (gateway, control):
        port = gateway.control_port
        await gateway.stop()
        bench.running.clear()
        assert await asyncio.wait_for(control.reader.read(), DEADLINE_S) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
