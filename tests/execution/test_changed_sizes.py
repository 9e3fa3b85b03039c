"""Orders of which somebody changes the quantity in TWS: what is counted, what is told, what the kill switch takes."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.order import OrderKind
from rules_engine.model.reports import BrokerStatus, OrderReport
from tests.execution.bench import Bench, limits
from tests.execution.doubles import decision, draft

State = IntentState
LOW = draft(kind=OrderKind.LIMIT, limit=Decimal(390))


async def working(bench: Bench) -> str:
    """An order that rests at IB."""
    bench.accepting(await bench.connect())
    key = bench.record(decision(LOW))
    await bench.desk.dispatch()
    return key


def resize(bench: Bench, key: str, total: int) -> OrderReport:
    """Somebody changes the size in TWS; nobody hears of it yet."""
    order = bench.ib.orders[key]
    bench.ib.orders[key] = replace(order, remaining=total - order.filled)
    return bench.ib.orders[key]


async def test_a_larger_size_is_told_kept_over_a_restart_and_counts_until_all_of_it_filled(bench: Bench) -> None:
    key = await working(bench)
    bench.desk.on_report(resize(bench, key, 300))
    assert bench.told() == [NoticeKind.ALARM]
    assert "larger in TWS: buy 100 MA at limit 390 day is for 300 now" in bench.texts()[0]
    bench.restart()
    await bench.connect()
    bench.desk.on_report(bench.ib.fill(key, "100", "390"))
    assert (bench.state(key), bench.intent(key).remaining) == (State.PARTIAL, Decimal(200))
    bench.desk.on_report(bench.ib.fill(key, "200", "390"))
    assert (bench.state(key), bench.told()) == (State.FILLED, [NoticeKind.ALARM, NoticeKind.FILLED])
    assert bench.texts()[1] == "r: bought 300 MA at 390"


async def test_a_size_that_changes_twice_is_told_twice_and_once_more_never(bench: Bench) -> None:
    key = await working(bench)
    for total in (300, 500, 500):
        bench.desk.on_report(resize(bench, key, total))
    assert [text.split(" is for ")[1].split()[0] for text in bench.texts()] == ["300", "500"]


async def test_the_kill_switch_takes_what_was_made_larger_and_has_filled_as_it_was_sent(bench: Bench) -> None:
    key = await working(bench)
    resize(bench, key, 300)
    bench.desk.on_report(bench.ib.fill(key, "100", "390"))
    assert bench.state(key) is State.FILLED, "nobody has said otherwise yet"
    bench.desk.on_report(bench.ib.orders[key])
    assert bench.state(key) is State.PARTIAL
    assert bench.told() == [NoticeKind.FILLED, NoticeKind.ALARM]
    assert bench.desk.stop_trading() != []
    assert bench.ib.cancels == [bench.intent(key).order_id]
    bench.desk.on_report(bench.ib.end(key))
    assert "bought 100 of 300 MA at 390" in bench.texts()[-1]


async def test_more_filled_than_was_sent_is_told_and_makes_us_ask_what_else_there_is(bench: Bench) -> None:
    key = await working(bench)
    resize(bench, key, 300)
    bench.desk.on_report(bench.ib.fill(key, "100", "390"))
    bench.desk.on_report(bench.ib.fill(key, "50", "390"))
    assert bench.texts()[1:] == ["r: bought 150 MA at 390, more than was sent"]
    await bench.later(0)
    assert (bench.state(key), bench.intent(key).remaining) == (State.PARTIAL, Decimal(150))
    assert bench.told()[2:] == [NoticeKind.ALARM]


async def test_a_smaller_size_is_over_with_what_ib_filled_of_it(bench: Bench) -> None:
    key = await working(bench)
    bench.desk.on_report(resize(bench, key, 40))
    bench.desk.on_report(bench.ib.fill(key, "40", "390"))
    bench.desk.on_report(replace(bench.ib.completed[key], order_id=bench.intent(key).order_id or 0))
    assert (bench.state(key), bench.intent(key).filled) == (State.FILLED, Decimal(40))
    assert bench.texts() == ["r: bought 40 of 100 MA at 390: IB calls that filled"]
    bench.ib.positions["MA"] = Decimal(40)
    await bench.desk.reconcile()
    [held] = bench.journal.ledger.holdings()
    assert [held.ours, held.newest] == [40, 40]
    [end] = bench.ears.ends
    assert (end.state, end.used) == (State.FILLED, True)


async def test_a_smaller_size_that_filled_while_nobody_listened_is_found_in_the_completed_orders(bench: Bench) -> None:
    key = await working(bench)
    bench.desk.detach()
    resize(bench, key, 40)
    bench.ib.fill(key, "40", "390")
    await bench.connect()
    assert (bench.state(key), bench.intent(key).filled) == (State.FILLED, Decimal(40))


async def test_a_larger_size_counts_against_the_limits(tmp_path: Path) -> None:
    roomy = Bench(tmp_path, limits(max_open_value=100_000.0))
    key = await working(roomy)
    beside = roomy.record(decision(replace(LOW, limit=Decimal(389)), rule="b"))
    await roomy.desk.dispatch()
    assert roomy.state(beside) is State.WORKING
    roomy.desk.on_report(resize(roomy, key, 200))
    late = roomy.record(decision(replace(LOW, limit=Decimal(388), quantity=Decimal(50)), rule="c"))
    await roomy.desk.dispatch()
    assert roomy.state(late) is State.BLOCKED
    assert "max_open_value" in roomy.texts()[-1]


@pytest.mark.parametrize("status", [BrokerStatus.HELD, BrokerStatus.WORKING])
async def test_a_repeated_report_of_an_order_as_it_was_sent_tells_nothing(bench: Bench, status: BrokerStatus) -> None:
    key = await working(bench)
    for _ in range(3):
        bench.desk.on_report(replace(bench.ib.orders[key], status=status))
    assert (bench.told(), bench.intent(key).quantity) == ([], Decimal(100))


@pytest.mark.parametrize("heard", [True, False])
async def test_an_entry_that_ends_with_less_than_its_exits_are_for_says_so(bench: Bench, heard: bool) -> None:
    """Whether IB makes the exits smaller by itself is not documented."""
    stop = replace(draft(), side=draft().side.opposite, kind=OrderKind.STOP, stop=Decimal(380), parent=0)
    bench.accepting(await bench.connect())
    key = bench.record(decision(LOW, stop))
    await bench.desk.dispatch()
    bench.desk.on_report(bench.ib.fill(key, "40", "390"))
    ended = bench.ib.end(key)
    if heard:
        bench.desk.on_report(ended)
    else:
        await bench.desk.reconcile()
    [text] = [text for text in bench.texts() if "cancelled" in text]
    assert "its exits at IB were sent for 100: see in TWS that they are for 40" in text


async def test_what_grows_while_the_kill_switch_is_on_is_cancelled_at_once_and_told(bench: Bench) -> None:
    key = await working(bench)
    resize(bench, key, 300)
    bench.desk.on_report(bench.ib.fill(key, "100", "390"))
    bench.stopped = True
    assert bench.desk.stop_trading() == []
    bench.desk.on_report(bench.ib.orders[key])
    assert bench.ib.cancels == [bench.intent(key).order_id]
    assert bench.told("desk") == [NoticeKind.ALARM]
    assert "the kill switch is on: cancelling buy 100 MA at limit 390 day, which works again" in bench.texts("desk")[0]
    bench.desk.on_report(bench.ib.end(key))
    assert (bench.state(key), bench.intent(key).filled) == (State.CANCELLED, Decimal(100))


@pytest.mark.parametrize("known", [True, False])
async def test_a_fill_beyond_what_was_sent_shows_it_too_also_to_an_engine_that_starts_with_the_switch_on(
    bench: Bench, known: bool
) -> None:
    key = await working(bench)
    resize(bench, key, 300)
    bench.desk.on_report(bench.ib.fill(key, "100", "390"))
    bench.stopped = True
    if known:
        bench.desk.stop_trading()
        bench.desk.on_report(bench.ib.fill(key, "50", "390"))
        await bench.later(0)
    else:
        bench.restart()
        bench.desk.stop_trading()
        await bench.connect()
    assert bench.ib.cancels == [bench.intent(key).order_id]
    assert bench.told("desk") == [NoticeKind.ALARM]


async def test_each_growth_is_told_and_cancelled_anew_as_other_cancellations_are_repeated(bench: Bench) -> None:
    key = await working(bench)
    resize(bench, key, 300)
    bench.desk.on_report(bench.ib.fill(key, "100", "390"))
    bench.stopped = True
    bench.desk.stop_trading()
    bench.desk.on_report(bench.ib.orders[key])
    for total in (400, 500):
        bench.desk.on_report(resize(bench, key, total))
    assert [text.split(" is for ")[1] for text in bench.texts() if " is for " in text] == [
        "300 now, and works on",
        "400 now, and is being cancelled",
        "500 now, and is being cancelled",
    ]
    assert len(bench.ib.cancels) == 1, "the first is still on its way"
    for _ in range(20):
        await bench.later(30)
    assert len(bench.ib.cancels) == 3 + 9, "a minute apart once two did not help"
    assert "asked twice to cancel" in bench.texts("desk")[-1]


async def test_what_grows_stays_where_orders_are_to_be_kept_or_the_switch_was_lifted(bench: Bench) -> None:
    key = await working(bench)
    bench.stopped = True
    bench.desk.stop_trading(keep_orders=True)
    bench.desk.on_report(resize(bench, key, 300))
    assert bench.ib.cancels == []
    bench.desk.on_report(bench.ib.fill(key, "300", "390"))
    bench.desk.stop_trading()
    bench.stopped = False
    bench.desk.trade_again()
    bench.stopped = True
    late = replace(bench.ib.completed[key], status=BrokerStatus.WORKING, remaining=Decimal(100), completed=False)
    bench.desk.on_report(late)
    assert (bench.state(key), bench.ib.cancels) == (State.PARTIAL, []), "nobody has said yet whether orders may stay"
    bench.desk.stop_trading()
    assert bench.ib.cancels == [bench.intent(key).order_id]
