"""Every client gets an answer to what surrounds trading, be it that there is none."""

from tests.clients.process import Session


def test_exchanges_with_depth_and_those_behind_smart_routing_are_told(session: Session) -> None:
    assert {"NYSE", "ISLAND", "CME"} <= set(session.ask("depth_exchanges"))
    assert {"NYSE", "NASDAQ"} <= set(session.ask("smart_components", exchange="9c0001"))


def test_there_is_no_news(session: Session) -> None:
    assert session.ask("news_providers") == []


def test_a_scan_is_refused_with_the_code_that_ends_the_wait(session: Session) -> None:
    assert session.ask("scan", code="TOP_PERC_GAIN") == []
    assert session.codes() == [162]
