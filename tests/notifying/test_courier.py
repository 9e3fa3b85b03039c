"""A plugin that stumbles is a failed attempt, never an attempt without an answer."""

import pytest

from rules_engine.notifying.courier import (
    ANSWER_S,
    CONNECT_S,
    DEADLINE_S,
    MAIL_ANSWER_S,
    Courier,
    Fate,
    load_service,
)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, DeprecationWarning], ids=lambda error: error.__name__)
async def test_whatever_a_plugin_raises_the_attempt_is_answered(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def stumble(self: Courier, title: str, text: str) -> None:
        raise error("https://bob:sesame@example.com/")

    monkeypatch.setattr(Courier, "_attempt", stumble)
    delivery = await Courier("json://127.0.0.1:9/", deadline_s=5.0).deliver("title", "text")
    assert (delivery.fate, delivery.error) == (Fate.FAILED, f"Apprise stumbled: {error.__name__}")


@pytest.mark.parametrize(
    ("url", "answer_s"),
    [("json://localhost", ANSWER_S), ("tgram://123456789:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/7", ANSWER_S)],
)
def test_a_service_has_time_to_say_that_it_took_the_message(url: str, answer_s: float) -> None:
    (plugin,) = load_service(url)
    assert plugin.request_timeout == (CONNECT_S, answer_s)
    assert CONNECT_S + answer_s < DEADLINE_S


def test_a_longer_wait_that_its_user_asks_for_stays() -> None:
    (plugin,) = load_service("json://localhost?rto=25")
    assert plugin.request_timeout == (CONNECT_S, 25.0)


@pytest.mark.parametrize("schema", ["mailto", "mailtos", "MAILTOS"])
def test_a_mail_server_may_look_through_a_mail_before_it_says_that_it_took_it(schema: str) -> None:
    (plugin,) = load_service(f"{schema}://bob:sesame@example.com")
    assert plugin.socket_connect_timeout == MAIL_ANSWER_S < DEADLINE_S
