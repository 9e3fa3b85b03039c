"""More prices than anybody takes: folded in slices, while others arrive and some are taken."""

import asyncio
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count, islice
from random import Random
from types import FrameType
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.broker.folding import Folded, Turns, folding
from rules_engine.broker.inbox import DIVIDES, Inbox, Item, Report
from rules_engine.broker.session import READ_BYTES_MAX
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedDown, FeedUp, PositionsTold
from rules_engine.model.slices import Slices
from rules_engine.model.tick import Tick
from tests.broker.conftest import DEADLINE_S
from tests.broker.plain_folding import Choose, always, ends, folded_plainly, turns

_SERIES = st.sampled_from(
    [("V", Field.LAST), ("V", Field.BID), ("V", Field.ASK), ("V", Field.CLOSE), ("MA", Field.LAST)]
)
_PRICES = st.lists(st.tuples(_SERIES, st.one_of(st.integers(1, 9).map(float), st.none())), max_size=40)
_REPORTS = st.sampled_from([FeedDown, FeedUp, PositionsTold])
_TAKES = st.one_of(st.integers(0, 60), st.just(1000))
_DEEDS = st.lists(st.one_of(_PRICES, _PRICES, _REPORTS, _TAKES), max_size=40)


class Twin:
    """An inbox beside a plain list, in which each stretch is folded plainly and at once, when the inbox is done."""

    def __init__(self, choose: Choose, ticks_max: int, reports_max: int) -> None:
        self.inbox = Inbox(ticks_max, reports_max)
        self.waiting: list[Item] = []
        self.went = 0
        self._newly: set[str] = set()
        self._choose = choose
        self._reports_max = reports_max
        self._numbers = count()

    def tick(self, series: tuple[str, Field], value: float | None) -> None:
        tick = Tick(series[0], float(next(self._numbers)), series[1], value, 1.0)
        self.waiting.append(tick)
        with patch("rules_engine.broker.inbox.folding", self._folding):
            self.inbox.tick(tick)

    def report(self, kind: Callable[[float], Report]) -> None:
        report = kind(float(next(self._numbers)))
        is_full = sum(not isinstance(item, Tick) for item in self.waiting) >= self._reports_max
        assert self.inbox.report(report) is not is_full
        assert self.inbox.holds(report) is not is_full
        if not is_full:
            self.waiting.append(report)

    def take(self, most: int) -> None:
        taken = list(islice(self.inbox.take(), most))
        expected, self.waiting = self.waiting[:most], self.waiting[most:]
        assert [id(item) for item in taken] == [id(item) for item in expected]

    def took_folded(self) -> set[str]:
        newly, self._newly = self._newly, set()
        return newly

    def _folding(self, items: Sequence[Item], divides: tuple[type, ...], turns_max: int) -> Slices[Folded[Report]]:
        stretch = list(items)
        folded = yield from always(self._choose)(items, divides, turns_max)
        assert list(folded.items) == folded_plainly(stretch, self._choose)
        start = next(place for place, item in enumerate(self.waiting) if item is stretch[0])
        assert list(map(id, self.waiting[start : start + len(stretch)])) == list(map(id, stretch))
        self.waiting[start : start + len(stretch)] = folded.items
        stayed = set(map(id, folded.items))
        self._newly |= {item.instrument for item in stretch if isinstance(item, Tick) and id(item) not in stayed}
        self.went += len(stretch) - len(folded.items)
        return folded


@pytest.mark.parametrize("choose", [turns, ends])
@given(_DEEDS, st.integers(1, 6))
def test_nothing_is_lost_doubled_or_out_of_place_whoever_takes_when(
    choose: Choose,
    deeds: list[list[tuple[tuple[str, Field], float | None]] | Callable[[float], Report] | int],
    looks: int,
) -> None:
    twin = Twin(choose, ticks_max=30, reports_max=4)
    with patch("rules_engine.broker.folding.LOOKS", looks):
        for deed in deeds:
            if isinstance(deed, list):
                for series, value in deed:
                    twin.tick(series, value)
            elif isinstance(deed, int):
                twin.take(deed)
            else:
                twin.report(deed)
            assert len(twin.inbox) == len(twin.waiting)
            assert twin.inbox.folded == twin.went
            assert twin.inbox.take_folded() == twin.took_folded()
    twin.take(10_000)
    assert len(twin.inbox) == 0


def _folded() -> Inbox:
    """One of which some ticks have just gone."""
    inbox, ticks = Inbox(ticks_max=300, reports_max=4), _walk(1)
    while not inbox.folded:
        inbox.tick(next(ticks))
    return inbox


async def test_whoever_waits_after_folding_is_woken_by_the_next_tick() -> None:
    inbox = _folded()
    list(inbox.take())
    waiting = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.tick(next(_walk(1)))
    async with asyncio.timeout(DEADLINE_S):
        await waiting


async def test_nobody_waits_while_only_the_oldest_part_is_taken() -> None:
    inbox, ticks = Inbox(ticks_max=300), _walk(1)
    for tick in islice(ticks, 301):
        inbox.tick(tick)
    while len(inbox):
        async with asyncio.timeout(DEADLINE_S):
            await inbox.wait()
        next(inbox.take())


def test_after_folding_as_many_reports_wait_as_before() -> None:
    inbox = _folded()
    assert [inbox.report(PositionsTold(0.0)) for _ in range(6)] == [True] * 4 + [False] * 2


def _walk(instruments: int, seed: int = 1) -> Iterator[Tick]:
    """Trades and quotes, each of which rises or falls as it may."""
    random, prices = Random(seed), dict[tuple[str, Field], int]()
    for number in count():
        name, field = f"S{random.randrange(instruments)}", random.choice((Field.LAST, Field.BID, Field.ASK))
        prices[name, field] = prices.get((name, field), 1000) + random.choice((-1, 0, 1))
        yield Tick(name, float(number), field, float(prices[name, field]))


def _zigzag() -> Iterator[Tick]:
    return (Tick("V", float(number), Field.LAST, 1.0 + number % 2) for number in count())


def _opposed() -> Iterator[Tick]:
    """One side goes up and down, the other rises faster than that: its ticks go, and stand there as unknown."""
    for number in count():
        yield Tick("V", float(number), Field.BID, 100.0 + number % 2)
        yield Tick("V", float(number), Field.ASK, 200.0 + 2 * number)


@pytest.mark.parametrize("stream", [partial(_walk, 1), partial(_walk, 20), _zigzag, _opposed])
@pytest.mark.parametrize("taken_of_ten", [0, 3, 9])
def test_no_more_than_twice_the_bound_waits_where_less_is_taken_than_comes(
    stream: Callable[[], Iterator[Tick]], taken_of_ten: int
) -> None:
    inbox, ticks = Inbox(ticks_max=2000), stream()
    for _ in range(5000):
        for tick in islice(ticks, 10):
            inbox.tick(tick)
        list(islice(inbox.take(), taken_of_ten))
        assert len(inbox) <= 4000
    assert inbox.folded > 0


def test_of_more_series_than_the_bound_a_few_times_what_cannot_go_waits() -> None:
    inbox = Inbox(ticks_max=300)
    for number in range(50_000):
        inbox.tick(Tick(f"S{number % 1000}", float(number), Field.LAST, float(number // 1000 % 7)))
        assert len(inbox) <= 5 * 3 * 1000
    assert inbox.folded > 0


@pytest.mark.parametrize("take", [20, 40])
def test_whoever_catches_up_with_what_is_being_folded_takes_it_as_it_is(take: int) -> None:
    inbox, ticks = Inbox(ticks_max=300), _walk(3)
    waiting = list(islice(ticks, 310))
    for tick in waiting:
        inbox.tick(tick)
    while waiting:
        came = list(islice(ticks, 10))
        waiting += came
        for tick in came:
            inbox.tick(tick)
        taken = list(islice(inbox.take(), take))
        assert list(map(id, taken)) == list(map(id, waiting[: len(taken)]))
        del waiting[: len(taken)]
        assert len(inbox) == len(waiting)
    assert (inbox.folded, inbox.take_folded()) == (0, frozenset())


def _calls(call: Callable[[], object]) -> int:
    """Functions that are called, ours and those written in C: a number that no other program changes."""
    called = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return called


def _longest(ticks: Iterable[Tick], ticks_max: int) -> int:
    inbox = Inbox(ticks_max)
    longest = max(_calls(lambda tick=tick: inbox.tick(tick)) for tick in ticks)  # type: ignore[misc]
    assert inbox.folded > ticks_max // 3
    return longest


@pytest.mark.parametrize("instruments", [1, 30])
def test_one_tick_that_arrives_takes_a_few_looks_however_many_wait(instruments: int) -> None:
    """Copies of a row of references aside, which are one call each."""
    assert _longest(islice(_walk(instruments), 4000), 1000) < 200
    assert _longest(islice(_walk(instruments), 16_000), 4000) < 200


_QUOTES = READ_BYTES_MAX // 27
"""So many are read in one callback: each takes some 27 bytes."""
_STEPS_MAX = 2000
"""With each that arrives: six are looked at, at some 250 steps where hardly two are of one instrument."""


def _steps(inbox: Inbox, ticks: Iterable[Tick]) -> int:
    """Steps of the interpreter while these arrive: a number that no other program changes."""
    done = 0

    def step(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal done
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        done += event == "opcode"
        return step

    before = sys.gettrace()
    # Python 3.12 looks only here whether steps are wanted at all.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(step)
    try:
        for tick in ticks:
            inbox.tick(tick)
    finally:
        sys.settrace(before)
    return done


@pytest.mark.parametrize("instruments", [1, 100, 5000])
def test_a_callback_that_reads_all_it_may_takes_few_steps_of_however_many_instruments(instruments: int) -> None:
    inbox, ticks = Inbox(ticks_max=20_000), _walk(instruments)
    for tick in islice(ticks, 20_000 - 1):
        inbox.tick(tick)
    taken = list[int]()
    while not inbox.folded:
        taken.append(_steps(inbox, list(islice(ticks, _QUOTES))))
    assert len(taken) > 2
    assert max(taken) < _STEPS_MAX * _QUOTES


def test_nothing_is_remembered_of_all_other_instruments_while_one_is_folded() -> None:
    """What is far apart in memory takes its time, which no steps show."""
    alive = weakref.WeakSet["Noted"]()

    class Noted(Turns):
        def __init__(self, stays: bytearray) -> None:
            super().__init__(stays)
            alive.add(self)

    made = list(islice(_walk(1000), 10_000))
    with patch("rules_engine.broker.folding.Turns", Noted):
        most = max(len(alive) for _ in folding(made, DIVIDES, len(made)))
    assert 0 < most <= 2 * 4
