"""What clients say about orders and what everybody hears, to the message and in order."""

from pathlib import Path

import pytest

from rules_engine.gateway import Gateway
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Dial
from tests.gateway.conversations import Conversation, matches, play, read

CASES = [case for path in sorted(Path(__file__).parent.glob("conversations/*.txt")) for case in read(path)]
MASTER = 9
NIGHT_S = NOON_S - 10 * 3600.0


async def a_gateway(bench: Bench, closed: bool) -> Gateway:
    """V stands at 199 and MA at 300; client 9 is the master client."""
    clock = SteppedClock(NIGHT_S if closed else NOON_S)
    return await bench.gateway(clock=clock, sessions=closed, accounts=("DU1", "DU2"), master_client=MASTER)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
async def test_a_conversation_goes_as_it_is_written(case: Conversation, bench: Bench, dial: Dial) -> None:
    heard = await play(case, await a_gateway(bench, case.market_closed), dial)
    for exchange, texts in zip(case.exchanges, heard, strict=True):
        same = len(texts) == len(exchange.heard) and all(map(matches, exchange.heard, texts))
        assert same, f"line {exchange.line}: {exchange.does}\n" + "\n".join(texts)


def test_names_of_conversations_are_told_apart() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 40
