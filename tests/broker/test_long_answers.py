"""How long an answer may take: as long as it goes on, within bounds."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from rules_engine.broker.feeds import Feeds
from rules_engine.broker.hearing import Hearing
from rules_engine.broker.inbox import Inbox
from rules_engine.broker.inquiry import EVIDENCE_MAX_S, Inquiry
from rules_engine.broker.subscriptions import every_field
from rules_engine.model.clock import SteppedClock
from rules_engine.model.errors import LinkDown
from tests.sim.virtual_loop import VirtualLoop

QUIET_S = 10.0


def waited(come_s: Sequence[float], ends_s: float | None, part: Callable[[Inquiry], object]) -> tuple[str, float]:
    """What came of waiting for positions of which parts come at these moments: how many, or why none; and when."""

    async def wait() -> tuple[str, float]:
        clock = SteppedClock(1000.0)
        inbox = Inbox()
        inquiry = Hearing(inbox, Feeds(inbox, clock), clock, every_field).inquiry
        loop, answer = asyncio.get_running_loop(), inquiry.positions.ask()
        for moment_s in come_s:
            loop.call_at(moment_s, part, inquiry)
        if ends_s is not None:
            loop.call_at(ends_s, inquiry.positions.end)
        try:
            told = len(await inquiry.told(answer, "the positions", QUIET_S, EVIDENCE_MAX_S))
        except LinkDown as error:
            return str(error), round(loop.time())
        return f"{told} parts", round(loop.time())

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(wait())


def of_it(inquiry: Inquiry) -> None:
    inquiry.positions.add(None)


def of_another_question(inquiry: Inquiry) -> None:
    inquiry.order_ids.ask()
    inquiry.order_ids.add(5)


def unasked(inquiry: Inquiry) -> None:
    inquiry.times.add(None)


@pytest.mark.parametrize(
    ("come_s", "ends_s", "part", "outcome"),
    [
        ([], 9.0, of_it, ("0 parts", 9)),
        ([], None, of_it, ("IB did not tell the positions", 10)),
        (range(9, 90, 9), 90.0, of_it, ("9 parts", 90)),
        ([3, 6], None, of_it, ("IB did not tell the positions", 16)),
        ([3, 6], 17.0, of_it, ("IB did not tell the positions", 16)),
        ([3, 6], None, of_another_question, ("IB did not tell the positions", 16)),
        ([3, 6], None, unasked, ("IB did not tell the positions", 10)),
        (range(0, 200, 2), None, of_it, ("IB did not tell the positions within 100 s", 100)),
    ],
)
def test_an_answer_is_missing_when_nothing_of_it_has_come_for_long_or_it_does_not_end(
    come_s: Sequence[float], ends_s: float | None, part: Callable[[Inquiry], object], outcome: tuple[str, float]
) -> None:
    assert waited(come_s, ends_s, part) == outcome
