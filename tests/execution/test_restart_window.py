"""Around the gateway's restart nothing is sent, and whoever waits is told until when."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules_engine.execution.restart_window import RestartWindow
from rules_engine.model.intent import IntentState
from rules_engine.model.notice import NoticeKind
from rules_engine.model.settings import NightlyRestart
from tests.execution.bench import SETTINGS, Bench
from tests.execution.doubles import V, decision, draft

State = IntentState
BERLIN = NightlyRestart(timezone="Europe/Berlin")
ENDS = "23:48"


def at_s(text: str, zone: str = "Europe/Berlin") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("restart", "moment", "end"),
    [
        (BERLIN, "2030-11-22 23:41:59", None),
        (BERLIN, "2030-11-22 23:42:00", "2030-11-22 23:48:00"),
        (BERLIN, "2030-11-22 23:47:59", "2030-11-22 23:48:00"),
        (BERLIN, "2030-11-22 23:48:00", None),
        (replace(BERLIN, hour=0, minute=1), "2030-11-22 23:58:00", "2030-11-23 00:04:00"),
        (replace(BERLIN, hour=0, minute=1), "2030-11-23 00:03:59", "2030-11-23 00:04:00"),
        (replace(BERLIN, hour=23, minute=59), "2030-11-23 00:01:59", "2030-11-23 00:02:00"),
        # The nights in which summer time begins and ends.
        (BERLIN, "2030-03-30 23:45:00", "2030-03-30 23:48:00"),
        (BERLIN, "2030-03-31 23:45:00", "2030-03-31 23:48:00"),
        (BERLIN, "2030-10-27 23:45:00", "2030-10-27 23:48:00"),
        (None, "2030-11-22 23:45:00", None),
    ],
)
def test_the_window_lies_around_a_time_of_the_gateway_s_clock(
    restart: NightlyRestart | None, moment: str, end: str | None
) -> None:
    assert RestartWindow(restart).end_s(at_s(moment)) == (None if end is None else at_s(end))


def night(folder: Path, moment: str = "2030-11-22 23:43:00") -> Bench:
    bench = Bench(folder, replace(SETTINGS, restart=BERLIN))
    bench.clock.time_s = at_s(moment)
    return bench


async def test_an_order_waits_for_the_end_of_the_window_and_is_then_sent_once(tmp_path: Path) -> None:
    bench = night(tmp_path)
    bench.accepting(await bench.connect())
    first, second = bench.record(), bench.record(decision(draft(instrument=V), rule="other"))
    await bench.desk.step()
    await bench.later(60)
    assert (bench.ib.wire, bench.state(first), bench.state(second)) == ([], State.INTENT, State.INTENT)
    assert ENDS in bench.desk.waiting_for and bench.desk.is_restart_near
    assert bench.desk.due_s() <= at_s("2030-11-22 23:48:00")
    bench.clock.time_s = at_s("2030-11-22 23:48:00")
    await bench.desk.step()
    assert [placed.key for placed in bench.ib.wire] == [first, second]
    assert bench.desk.waiting_for == ""


async def test_waiting_is_told_once_a_night_to_everyone_with_its_end(tmp_path: Path) -> None:
    bench = night(tmp_path)
    await bench.connect()
    bench.record(decision(rule="quiet"))
    for _ in range(3):
        await bench.later(20)
    bench.restart()
    await bench.connect()
    await bench.desk.step()
    assert bench.told("phone") == bench.told("desk") == [NoticeKind.ORDERS_WAIT]
    assert ENDS in bench.texts()[0] and "quiet: buy 100 MA at market day" in bench.texts()[0]


async def test_a_night_without_orders_tells_nothing(tmp_path: Path) -> None:
    bench = night(tmp_path)
    await bench.connect()
    await bench.later(30)
    assert bench.told() == []


async def test_what_runs_out_of_time_meanwhile_expires_and_says_why(tmp_path: Path) -> None:
    bench = night(tmp_path)
    await bench.connect()
    key = bench.record(decision(expires_s=bench.clock.now_s() + 60))
    await bench.desk.step()
    await bench.later(61)
    assert (bench.state(key), bench.ib.wire) == (State.EXPIRED, [])
    assert bench.told() == [NoticeKind.ORDERS_WAIT, NoticeKind.EXPIRED]
    assert ENDS in bench.texts()[1]


async def test_cancellations_are_not_held_up(tmp_path: Path) -> None:
    bench = night(tmp_path, "2030-11-22 23:41:00")
    bench.accepting(await bench.connect())
    key = bench.record()
    await bench.desk.step()
    bench.clock.time_s = at_s("2030-11-22 23:45:00")
    bench.desk.stop_trading()
    assert bench.ib.cancels == [bench.intent(key).order_id]


async def test_the_window_may_begin_while_ib_is_being_asked(tmp_path: Path) -> None:
    bench = night(tmp_path, "2030-11-22 23:41:59")
    link = bench.accepting(await bench.connect())

    async def slowly(deadline_s: float = 1.0) -> None:
        bench.clock.time_s += 1

    link.probe = slowly  # type: ignore[method-assign]  # The answer comes after the window began.
    bench.record()
    await bench.desk.dispatch()
    assert bench.ib.wire == []
