"""One message for a trouble and one for its end, however often IB repeats itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rules_engine.daemon.incidents import CLOCK_APART_S, NEVER_CONNECTED_S, PAUSED_AGAIN_S, Incidents
from rules_engine.execution.journal import Journal
from rules_engine.model.clock import SteppedClock
from rules_engine.model.reports import ClockCompared, FeedDown, FeedUp, LinkChange

NOW_S = 1_900_000_000.0
COMPETING, NOT_SUBSCRIBED = 10197, 354


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.db", SteppedClock(NOW_S))
    yield journal
    journal.close()


def titles(journal: Journal) -> list[str]:
    return [message.title for message in journal.outbox.waiting("phone", 100)]


def down(name: str, code: int, after_s: float = 0.0) -> FeedDown:
    return FeedDown(NOW_S + after_s, name, code, "no data")


def up(name: str, after_s: float) -> FeedUp:
    return FeedUp(NOW_S + after_s, name)


def test_a_storm_of_refusals_is_one_message_and_its_end_one_more(journal: Journal) -> None:
    incidents = Incidents(journal, ["phone"])
    for name in ("V", "MA", "AAPL"):
        for second in range(7):
            incidents.data_paused(down(name, COMPETING, second))
    for second, name in enumerate(("V", "MA", "AAPL")):
        incidents.data_back(up(name, 60 + second))
    assert titles(journal) == ["No data for any instrument", "Data is back"]


def test_each_farm_that_breaks_is_one_message_that_names_it_and_ends_with_the_last_of_its_instruments(
    journal: Journal,
) -> None:
    incidents = Incidents(journal, ["phone"])
    for name, farm in (("V", "usfarm"), ("MA", "usfarm"), ("EUR", "cashfarm")):
        text = f"Market data farm connection is broken:{farm}"
        incidents.data_paused(FeedDown(NOW_S, name, 2103, text))
    for second, name in enumerate(("V", "EUR", "MA")):
        incidents.data_back(up(name, 60 + second))
    incidents.data_paused(down("V", 2103, 100))
    assert titles(journal) == [
        "No data for what usfarm serves",
        "No data for what cashfarm serves",
        "Data for what cashfarm serves is back",
        "Data for what usfarm serves is back",
        "No data for any instrument",
    ]


def test_each_instrument_that_is_not_subscribed_has_its_own_beginning_and_end(journal: Journal) -> None:
    incidents = Incidents(journal, ["phone"])
    incidents.data_paused(down("V", NOT_SUBSCRIBED))
    incidents.data_paused(down("MA", NOT_SUBSCRIBED))
    incidents.data_back(up("V", 5))
    incidents.data_back(up("AAPL", 6))
    assert titles(journal) == ["No data for V", "No data for MA", "Data for V is back"]


def test_what_comes_and_goes_is_told_at_most_each_quarter_of_an_hour(journal: Journal) -> None:
    incidents = Incidents(journal, ["phone"])
    for after_s in (0.0, 60.0, 120.0, PAUSED_AGAIN_S):
        incidents.data_paused(down("V", NOT_SUBSCRIBED, after_s))
        incidents.data_back(up("V", after_s + 1))
    assert titles(journal) == ["No data for V", "Data for V is back"] * 2


def test_the_silence_of_a_lost_connection_has_no_message_of_its_own(journal: Journal) -> None:
    incidents = Incidents(journal, ["phone"])
    for code in (0, 1100):
        incidents.data_paused(down("V", code))
    incidents.data_back(up("V", 5))
    assert titles(journal) == []


def test_an_engine_that_never_connects_is_told_once_and_its_connection_too(journal: Journal) -> None:
    incidents = Incidents(journal, ["phone"])
    incidents.link_changed(LinkChange(NOW_S, "down", text="client id 17 is in use"))
    for after_s in (0.0, NEVER_CONNECTED_S - 1):
        incidents.look(NOW_S + after_s)
    assert titles(journal) == []
    for after_s in (NEVER_CONNECTED_S, NEVER_CONNECTED_S + 500):
        incidents.look(NOW_S + after_s)
    incidents.link_changed(LinkChange(NOW_S + 900, "up"))
    assert titles(journal) == ["Connection to IB lost", "Connection to IB is back"]
    assert "client id 17 is in use" in journal.outbox.waiting("phone", 1)[0].text


@pytest.mark.parametrize(("why", "told"), [("client id 17 is in use", 2), ("connection reset by peer", 1)])
def test_what_keeps_a_lost_connection_from_coming_back_is_told_once_where_it_is_another_thing(
    journal: Journal, why: str, told: int
) -> None:
    incidents = Incidents(journal, ["phone"])
    incidents.link_changed(LinkChange(NOW_S, "up"))
    incidents.link_changed(LinkChange(NOW_S + 1, "down", text="connection reset by peer"))
    for after_s in (2.0, 60.0, NEVER_CONNECTED_S, NEVER_CONNECTED_S + 1, NEVER_CONNECTED_S + 600):
        incidents.link_changed(LinkChange(NOW_S + after_s, "down", text=why))
        incidents.look(NOW_S + after_s)
    incidents.link_changed(LinkChange(NOW_S + 900, "up"))
    assert titles(journal) == ["Connection to IB lost"] * told + ["Connection to IB is back"]
    assert [why in message.text for message in journal.outbox.waiting("phone", told)][-1]


def test_an_engine_that_connects_in_time_has_nothing_to_tell(journal: Journal) -> None:
    incidents = Incidents(journal, ["phone"])
    incidents.look(NOW_S)
    incidents.link_changed(LinkChange(NOW_S + 5, "up"))
    incidents.look(NOW_S + 1000)
    assert titles(journal) == []


AHEAD, BEHIND, AGAIN = "ahead of IB's by 2m", "behind IB's by 2m", "agrees with IB's again"


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        ([(0, 0.0), (100, 0.0)], []),
        ([(0, 120.0), (59, 120.0), (61, 0.0)], []),
        ([(0, 120.0), (60, 120.0), (70, 120.0), (4000, 120.0)], [AHEAD]),
        ([(0, -120.0), (60, -120.0), (100, 0.0), (110, 0.0)], [BEHIND, AGAIN]),
        ([(0, 120.0), (59, 120.0), (60, 0.0), (61, 120.0), (90, 120.0)], []),
        ([(0, 120.0), (60, 120.0), (90, 0.0), (100, 120.0), (160, 120.0)], [AHEAD, AGAIN, AHEAD]),
        ([(0, 120.0), (60, 120.0), (-3600, 0.0)], [AHEAD, AGAIN]),
    ],
)
def test_a_clock_that_stays_apart_from_ib_s_is_told_once_with_its_end(
    journal: Journal, heard: list[tuple[float, float]], told: list[str]
) -> None:
    assert CLOCK_APART_S == 60
    incidents = Incidents(journal, ["phone"])
    for after_s, ahead_s in heard:
        incidents.clock_compared(ClockCompared(NOW_S + after_s, ahead_s))
    assert titles(journal) == [f"This computer's clock {'' if words is AGAIN else 'is '}{words}" for words in told]
