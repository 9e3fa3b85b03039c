"""IB's answers are compared with the journal in slices: whatever comes between two of them ends as if it had come
before IB was asked or after the last one, and whoever is killed between two concludes the same at the next start."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from rules_engine.execution import reconciler
from rules_engine.model.intent import IntentState
from rules_engine.model.reports import BrokerStatus, LinkChange, OrderError, OrderReport
from rules_engine.model.slices import Result, Slices
from tests.execution.bench import Bench
from tests.execution.doubles import NOW_S, FakeLink, Killed, decision, draft

State = IntentState
RULES = ("works", "fills", "ends", "is lost", "is late", "was refused", "rose")
FOREIGN = OrderReport("somebody", 77, 0, 3, BrokerStatus.WORKING, Decimal(0), Decimal(5), None, contract_id=7)
News = Callable[[Bench], object]
LEFT_OUT: dict[str, OrderReport] = {}
EVERY = 7
"""Each kind of news comes before every seventh slice, and each slice has news of several kinds before it."""
BEFORE, AFTER = -1, -2


def key(bench: Bench, rule: str) -> str:
    return next(row.intent.key for row in bench.journal.ledger.orders() if row.intent.rule == rule)


async def world(folder: Path) -> Bench:
    """An engine that was away while this became of its orders: one works on, one has filled in part, one was cancelled,
    two arrived nowhere, one was refused and IB shows it no more, and one that was over works again."""
    bench = Bench(folder)
    bench.ib.positions["MA"] = Decimal(300)
    bench.accepting(await bench.connect())
    bench.record(*(decision(draft(quantity=Decimal(100 + number)), rule=rule) for number, rule in enumerate(RULES)))
    await bench.desk.dispatch()
    rose = bench.ib.orders[key(bench, "rose")]
    bench.desk.on_report(bench.ib.end(rose.order_ref))
    bench.restart()
    bench.clock.time_s += 20
    bench.ib.fill(key(bench, "fills"), "40", "400")
    bench.ib.positions["MA"] = Decimal(340)
    bench.ib.end(key(bench, "ends"))
    for rule in ("is lost", "is late", "was refused"):
        LEFT_OUT[rule] = bench.ib.orders.pop(key(bench, rule))
    bench.ib.orders[rose.order_ref] = rose
    del bench.ib.completed[rose.order_ref]
    bench.ib.orders["somebody"] = FOREIGN
    bench.desk.on_report(OrderError(bench.intent(key(bench, "was refused")).order_id or 0, 201, "no"))
    return bench


def heard(change: Callable[[Bench], object]) -> News:
    def come(bench: Bench) -> None:
        report = change(bench)
        bench.desk.on_report(report)  # type: ignore[arg-type]  # Whatever IB says of it.

    return come


def filled(rule: str, quantity: str = "") -> News:
    def come(bench: Bench) -> None:
        amount = quantity or str(bench.ib.orders[key(bench, rule)].remaining)
        bench.desk.on_report(bench.ib.fill(key(bench, rule), amount, "402"))
        bench.ib.positions["MA"] += Decimal(amount)

    return come


def enlarged(bench: Bench) -> OrderReport:
    order = bench.ib.orders[key(bench, "works")]
    bench.ib.orders[order.order_ref] = replace(order, remaining=Decimal(150))
    return bench.ib.orders[order.order_ref]


def arrived(bench: Bench) -> OrderReport:
    """IB shows again what it had left out of its answers."""
    order = bench.ib.orders[key(bench, "is late")] = LEFT_OUT["is late"]
    return order


def of_another(status: BrokerStatus, perm_id: int) -> News:
    def come(bench: Bench) -> None:
        report = replace(FOREIGN, perm_id=perm_id, status=status)
        bench.ib.orders.pop("somebody" if status is BrokerStatus.CANCELLED else "", None)
        if status.is_alive:
            bench.ib.orders["another"] = report
        bench.desk.on_report(report)

    return come


def cut(bench: Bench) -> None:
    bench.desk.detach()
    bench.desk.attach(FakeLink(bench.ib))


def gone(bench: Bench) -> None:
    bench.desk.detach()


def blinked(bench: Bench) -> None:
    bench.desk.on_report(LinkChange(NOW_S, "degraded", 1100, "lost"))
    bench.desk.attach(FakeLink(bench.ib))


def stopped(bench: Bench) -> None:
    bench.stopped = True
    bench.desk.stop_trading()


NEWS: dict[str, News] = {
    "it fills in part": filled("works", "30"),
    "it fills whole": filled("works"),
    "what had filled in part fills whole": filled("fills"),
    "somebody cancels it": heard(lambda bench: bench.ib.end(key(bench, "works"))),
    "somebody makes it larger": heard(enlarged),
    "what IB had not shown arrives": heard(arrived),
    "what rose ends": heard(lambda bench: bench.ib.end(key(bench, "rose"))),
    "an order of another comes": of_another(BrokerStatus.WORKING, 78),
    "an order of another goes": of_another(BrokerStatus.CANCELLED, 77),
    "its user cancels it": lambda bench: bench.desk.cancel_ours(rule="works"),
    "its user cancels what is late": lambda bench: bench.desk.cancel_ours(rule="is late"),
    "a rule fires": lambda bench: bench.record(decision(draft(quantity=Decimal(1)), rule="new")),
    "the connection is another one": cut,
    "IB's own link is lost and back": blinked,
}


class Stepping:
    """Drives the slices of comparisons, and has something happen before one slice of one of them."""

    def __init__(self, comparison: int, at: int, news: Callable[[], object]) -> None:
        self._comparison, self._at, self._news = comparison, at, news
        self.slices: list[int] = []
        """How many each comparison had."""

    async def __call__(self, work: Slices[Result]) -> Result:
        is_it, slices = len(self.slices) == self._comparison, 0
        self.slices.append(0)
        while True:
            if is_it and slices == self._at:
                self._news()
            self.slices[-1] = slices = slices + 1
            try:
                next(work)
            except StopIteration as done:
                result: Result = done.value
                return result


def ending(patch: pytest.MonkeyPatch, comparison: int, news: News, at: int) -> tuple[object, int]:
    """What there is once the news came before that slice of that comparison, or after its last one, and everything had
    its time; and how many slices it had."""

    async def run(folder: Path) -> tuple[object, int]:
        bench = await world(folder)
        stepping = Stepping(comparison, at, lambda: news(bench))
        patch.setattr(reconciler, "in_slices", stepping)
        for number in range(5):
            if at == BEFORE and number == comparison:
                news(bench)
            await (bench.later(20) if number else bench.connect())
            if at == AFTER and number == comparison:
                news(bench)
        found = shown(bench)
        bench.kill()
        return found, stepping.slices[comparison]

    with TemporaryDirectory() as folder:
        return asyncio.run(run(Path(folder)))


def shown(bench: Bench) -> object:
    orders = [
        (one.rule, one.state, one.filled, one.average_price, one.quantity, one.cancel_wanted)
        for one in (row.intent for row in bench.journal.ledger.orders())
    ]
    session = bench.desk._session
    assert session is not None and session.reconciled and session.news is None
    held = bench.journal._database.rows("SELECT instrument, ours, first, newest FROM holding")
    return {
        "orders": sorted(orders, key=str),
        "told": sorted(bench.texts("desk")),
        "wire": sorted(placed.key for placed in bench.ib.wire),
        "cancels": set(bench.ib.cancels),
        "others": sorted(session.others),
        "risen": sorted(session.risen),
        "absent": sorted(session.absent_since_s),
        "holdings": [tuple(row) for row in held],
        "view": bench.journal.get("positions of paper DU1"),
        "waits for": bench.desk.waiting_for,
    }


@pytest.mark.parametrize("comparison", [0, 1])
@pytest.mark.parametrize("what", NEWS)
def test_news_between_two_slices_ends_as_if_it_had_come_before_the_first_or_after_the_last_one(
    monkeypatch: pytest.MonkeyPatch, what: str, comparison: int
) -> None:
    after, slices = ending(monkeypatch, comparison, NEWS[what], AFTER)
    before, _ = ending(monkeypatch, comparison, NEWS[what], BEFORE)
    for at in range(1 + list(NEWS).index(what) % EVERY, slices, EVERY):
        assert ending(monkeypatch, comparison, NEWS[what], at)[0] in (after, before), f"before slice {at}"


async def test_the_kill_switch_between_two_slices_reaches_all_that_ib_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(1, 26, 4):
        bench = await world(tmp_path / str(at))
        with monkeypatch.context() as patch:
            patch.setattr(reconciler, "in_slices", Stepping(0, at, partial(stopped, bench)))
            bench.record(decision(draft(quantity=Decimal(1)), rule="new"))
            sent = len(bench.ib.wire)
            await bench.connect()
            await bench.desk.step()
        held = {order.order_id for order in bench.ib.orders.values() if order.client_id == 17}
        assert set(bench.ib.cancels) >= held and len(bench.ib.wire) == sent
        bench.kill()


async def test_a_link_that_is_lost_between_two_slices_ends_the_comparison_and_nothing_more_is_concluded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for change in (gone, blinked):
        for at in range(1, 26, 6):
            bench = await world(tmp_path / f"{change.__name__} {at}")
            with monkeypatch.context() as patch:
                patch.setattr(reconciler, "in_slices", stepping := Stepping(0, at, partial(change, bench)))
                await bench.connect()
            assert stepping.slices == [at + 1]
            assert bench.desk.waiting_for and not bench.ib.cancels
            bench.kill()


async def test_a_kill_between_two_slices_is_repaired_by_the_next_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise Killed

    async def rest(bench: Bench) -> object:
        await bench.connect()
        for _ in range(4):
            await bench.later(20)
        found = shown(bench)
        bench.kill()
        return found

    expected = await rest(await world(tmp_path / "not killed"))
    for at in range(1, 28, 2):
        bench = await world(tmp_path / str(at))
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(reconciler, "in_slices", Stepping(0, at, die))
            await bench.connect()
            raise Killed
        bench.restart()
        assert await rest(bench) == expected, f"before slice {at}"


async def test_ib_is_asked_at_once_where_news_between_two_slices_call_for_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.accepting(await bench.connect())
    order = bench.record()
    await bench.desk.dispatch()
    inactive = replace(bench.ib.orders[order], status=BrokerStatus.INACTIVE)
    monkeypatch.setattr(reconciler, "in_slices", Stepping(0, 3, lambda: bench.desk.on_report(inactive)))
    await bench.desk.reconcile()
    assert bench.desk.due_s() <= bench.clock.now_s()


async def test_a_second_order_that_shows_itself_between_two_slices_is_asked_about_before_anything_leaves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.accepting(await bench.connect())
    order = bench.record()
    await bench.desk.dispatch()
    twin = replace(bench.ib.orders[order], perm_id=777, order_id=99)
    monkeypatch.setattr(reconciler, "in_slices", Stepping(0, 3, lambda: bench.desk.on_report(twin)))
    await bench.desk.reconcile()
    assert bench.desk.waiting_for == "IB shows a second order for one intent"
    await bench.desk.step()
    assert bench.desk.waiting_for == ""


@pytest.mark.parametrize(
    ("what", "others", "risen"),
    [
        ("an order of another comes", {77, 78}, {"rose"}),
        ("an order of another goes", set(), {"rose"}),
        ("what rose ends", {77}, set()),
    ],
)
async def test_what_came_between_two_slices_is_known_as_soon_as_the_comparison_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, others: set[int], risen: set[str]
) -> None:
    bench = await world(tmp_path)
    monkeypatch.setattr(reconciler, "in_slices", Stepping(0, 3, partial(NEWS[what], bench)))
    await bench.connect()
    session = bench.desk._session
    assert session is not None and session.reconciled
    assert set(session.others) == others
    assert set(session.risen) == {key(bench, rule) for rule in risen}
    bench.kill()


async def test_what_arrives_between_two_slices_is_not_called_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await world(tmp_path)
    monkeypatch.setattr(reconciler, "in_slices", Stepping(1, 3, partial(heard(arrived), bench)))
    await bench.connect()
    await bench.later(20)
    assert bench.state(key(bench, "is lost")) is State.UNKNOWN
    assert bench.state(key(bench, "is late")) is State.WORKING
    bench.kill()
