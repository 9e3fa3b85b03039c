"""The questions of a reconciliation, each asked explicitly; an answer may be long, but it must go on."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rules_engine.broker.clock_apart import ahead_at_least_s
from rules_engine.broker.library import ExecutionFilter
from rules_engine.broker.questions import Questions
from rules_engine.broker.session import Session
from rules_engine.model.clock import Clock
from rules_engine.model.errors import EvidenceIncomplete, LinkDown
from rules_engine.model.reports import ExecutionReport, OrderReport

Answer = TypeVar("Answer")

PROOF_EVERY_S = 0.4
"""So often at most the link is tried while prices come, so that orders find it tried within the last second."""
EVIDENCE_MAX_S = 100.0
"""All answers of one round must be in after so long, however well they go on: less than a link is watched for a sign of
life, and ten times what the lists of ten thousand open orders take beside five busy programs."""
OWED_MAX_S = 0.2
"""A question for the time that is not answered after so long takes the proof away that an older answer gave."""


@dataclass(frozen=True, slots=True)
class OrderAnswers:
    """One complete round. ``next_order_id`` is IB's own count for our client id."""

    ours: tuple[OrderReport, ...]
    everybody: tuple[OrderReport, ...]
    completed: tuple[OrderReport, ...]
    executions: tuple[ExecutionReport, ...]
    next_order_id: int


class Inquiry:
    """What was asked of IB in one connection and is not answered yet."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._asked_s: deque[float] = deque()
        self._proven_s = float("-inf")
        self.times: Questions[None] = Questions(self._part)
        self.order_ids: Questions[int] = Questions(self._part)
        self.open_orders: Questions[OrderReport] = Questions(self._part)
        self.completed: Questions[OrderReport] = Questions(self._part)
        self.positions: Questions[None] = Questions(self._part)
        self._positions_asked_s: deque[float] = deque()
        self._part_s = float("-inf")
        self._executions: dict[int, Questions[ExecutionReport]] = {}

    def is_answer(self, request_id: int) -> bool:
        """True when an execution answers a question, rather than happening now."""
        return request_id in self._executions

    def executed(self, request_id: int, report: ExecutionReport) -> None:
        """One execution of an answer."""
        self._executions[request_id].add(report)

    def executed_end(self, request_id: int) -> None:
        """All executions of an answer are in."""
        question = self._executions.pop(request_id, None)
        if question is not None:
            question.end()

    @property
    def spoilt(self) -> bool:
        """An earlier round is still unanswered, so that its late answers could pass for those of a new one."""
        return bool(self.open_orders.outstanding or self.completed.outstanding or self.positions.outstanding)

    async def time(self, deadline_s: float) -> None:
        """A round trip."""
        answer = self.ask_time()
        try:
            async with asyncio.timeout(deadline_s):
                await answer
        except TimeoutError:
            raise LinkDown(f"IB did not answer within {deadline_s:g} s") from None

    def time_told(self, ib_s: int) -> float:
        """IB has answered the oldest question for the time. Returns how far our clock is surely ahead of IB's."""
        self.times.end()
        if not self._asked_s:
            return 0.0
        self._proven_s = self._asked_s.popleft()
        return ahead_at_least_s(ib_s, self._proven_s, self._clock.now_s())

    def is_proven(self, within_s: float) -> bool:
        """Whether a round trip that began within the last so many seconds is over, and none takes suspiciously long."""
        now_s = self._clock.now_s()
        owed = bool(self._asked_s) and not 0.0 <= now_s - self._asked_s[0] <= OWED_MAX_S
        return not owed and 0.0 <= now_s - self._proven_s <= within_s

    def is_proof_due(self, now_s: float) -> bool:
        """Whether the last proof is PROOF_EVERY_S old, and no question is out."""
        return not self._asked_s and not 0.0 <= now_s - self._proven_s <= PROOF_EVERY_S

    def keep_proven(self) -> None:
        """Asks for the time if that is due, and waits for nothing."""
        if self.is_proof_due(self._clock.now_s()):
            # A connection that is gone is seen elsewhere.
            with contextlib.suppress(LinkDown):
                self.ask_time()

    def ask_time(self) -> asyncio.Future[tuple[None, ...]]:
        """Asks for the time; the answer is that it came."""
        answer = self.times.ask()
        self._asked_s.append(self._clock.now_s())
        self._send(self._session.client.reqCurrentTime)
        return answer

    def ask_positions(self) -> asyncio.Future[tuple[None, ...]]:
        """Positions stream from then on; the answer is that all are in."""
        answer = self.positions.ask()
        self._positions_asked_s.append(self._clock.now_s())
        self._send(self._session.client.reqPositions)
        return answer

    def positions_told(self) -> float | None:
        """All positions are in. Returns when IB was asked for them; None where it was not."""
        self.positions.end()
        return self._positions_asked_s.popleft() if self._positions_asked_s else None

    async def told(
        self, answer: asyncio.Future[tuple[Answer, ...]], what: str, quiet_s: float, until_s: float
    ) -> tuple[Answer, ...]:
        """Waits for an answer as long as parts of any come. Raises LinkDown when none has for ``quiet_s``, or at
        ``until_s`` by the loop's clock."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        while not answer.done():
            left_s = min(max(self._part_s, begun_s) + quiet_s, until_s) - loop.time()
            if left_s <= 0:
                late = loop.time() >= until_s
                raise LinkDown(f"IB did not tell {what}" + (f" within {EVIDENCE_MAX_S:g} s" if late else ""))
            await asyncio.wait({answer}, timeout=left_s)
        return answer.result()

    async def orders(self, quiet_s: float, until_s: float) -> OrderAnswers:
        """Asks all four questions at once. Raises EvidenceIncomplete.

        Orders move from open to completed, so the questions go out in this order: none can slip between two answers.
        """
        client = self._session.client
        try:
            ours, everybody = self.open_orders.ask(), self.open_orders.ask()
            self._send(client.reqOpenOrders)
            self._send(client.reqAllOpenOrders)
            completed = self.completed.ask()
            self._send(lambda: client.reqCompletedOrders(False))
            executions = self._ask_executions()
            next_id = self.order_ids.ask()
            self._send(lambda: client.reqIds(1))
            return OrderAnswers(
                ours=await self.told(ours, "our open orders", quiet_s, until_s),
                everybody=await self.told(everybody, "all open orders", quiet_s, until_s),
                completed=await self.told(completed, "the completed orders", quiet_s, until_s),
                executions=await self.told(executions, "the executions", quiet_s, until_s),
                next_order_id=(await self.told(next_id, "the next order id", quiet_s, until_s))[0],
            )
        except LinkDown as error:
            raise EvidenceIncomplete(str(error)) from error

    def fail(self, why: str) -> None:
        """The connection is gone: nothing will be answered."""
        self.times.fail(why)
        self.order_ids.fail(why)
        self.positions.fail(why)
        for question in (self.open_orders, self.completed):
            question.fail(why)
        for answer in self._executions.values():
            answer.fail(why)

    def _ask_executions(self) -> asyncio.Future[tuple[ExecutionReport, ...]]:
        request_id = self._session.client.getReqId()
        question: Questions[ExecutionReport] = Questions(self._part)
        self._executions[request_id] = question
        answer = question.ask()
        self._send(lambda: self._session.client.reqExecutions(request_id, ExecutionFilter()))
        return answer

    def _part(self) -> None:
        self._part_s = asyncio.get_running_loop().time()

    def _send(self, request: Callable[[], object]) -> None:
        try:
            request()
        except ConnectionError as error:
            raise LinkDown(f"not connected: {error}") from error
