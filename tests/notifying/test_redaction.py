"""No secret gets past the filter, wherever in a record it hides."""

import io
import logging
from collections.abc import Iterator

import pytest

from rules_engine.notifying.redaction import Redaction, cap_loggers, install_redaction, secrets_in

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a root handler writes, with one secret known."""
    written, handler, root = io.StringIO(), None, logging.getLogger()
    handler = logging.StreamHandler(written)
    root.addHandler(handler)
    install_redaction({"hunter22", "hunter"})
    yield written
    root.removeHandler(handler)


def test_known_secrets_go_from_messages_and_their_arguments(log: io.StringIO) -> None:
    logging.getLogger("some.library").warning("login %s with hunter22", {"password": "hunter"})
    assert log.getvalue() == "login {'password': '***'} with ***\n"


def test_known_secrets_go_from_tracebacks_and_their_causes(log: io.StringIO) -> None:
    try:
        try:
            raise ValueError("hunter22")
        except ValueError as error:
            raise RuntimeError("https://bob:sesame@example.com/x") from error
    except RuntimeError:
        logging.getLogger("x").exception("went wrong", stack_info=True)
    assert "RuntimeError: https://***@example.com/x" in log.getvalue()
    assert "Traceback" in log.getvalue()
    assert "hunter" not in log.getvalue().replace('ValueError("hunter22")', ""), "our own source line is no secret"


def test_a_logger_that_is_quieter_already_stays_so() -> None:
    logger = logging.getLogger("apprise")
    before = logger.level
    try:
        logger.setLevel(logging.WARNING)
        cap_loggers()
        assert logger.level == logging.WARNING
        logger.setLevel(logging.DEBUG)
        cap_loggers()
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)


@pytest.mark.parametrize(
    "said",
    [
        f"POST https://api.telegram.org/bot{TOKEN}/sendMessage",
        f"Max retries exceeded with url: /bot{TOKEN}/sendMessage (Caused by x)",
        f"Telegram Bot Token specified ({TOKEN}) is invalid",
        f"tgram://{TOKEN}/1",
        "mailto://bob:AAHdqTcvCH1v@example.com",
        "proxy http://bob:AAHdqTcvCH1v@10.0.0.1:3128 refused",
        "odd password bob://a:AAHdqTcvCH1v@x@host/",
    ],
)
def test_what_is_shaped_like_a_secret_goes_though_nobody_named_it(said: str, log: io.StringIO) -> None:
    logging.getLogger("x").error(said)
    assert "AAHdqTcvCH1v" not in log.getvalue()
    assert "***" in log.getvalue()


def test_records_that_cannot_be_formatted_are_masked_too(log: io.StringIO) -> None:
    logging.getLogger("x").error("%d %d", "hunter22")
    assert log.getvalue() == "%d %d ('***',)\n"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "10:30:05 rule r: V 200.10 at 127.0.0.1:4002, order re1.ab12.x7q.9f3a01bc.7.1, see https://example.com/a:b"
    assert Redaction({"hunter22"}).redact(text) == text


def test_installing_again_replaces_what_was_known(log: io.StringIO) -> None:
    install_redaction({"sesame"})
    logging.getLogger("x").error("hunter22 sesame")
    assert log.getvalue() == "hunter22 ***\n"


def test_apprise_and_what_it_sends_with_do_not_speak_below_info(log: io.StringIO) -> None:
    for name in ("apprise", "urllib3.connectionpool", "requests"):
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (f"tgram://{TOKEN}/-100123456", {TOKEN, TOKEN.partition(":")[2], "-100123456"}),
        ("mailto://bob:p%40ssword@example.com:587?smtp=127.0.0.1", {"p%40ssword", "p@ssword"}),
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            {"T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"},
        ),
        ("pover://u5er-k3y@t0ken-4pp", {"u5er-k3y", "t0ken-4pp"}),
        ("ntfys://my-secret-topic", {"my-secret-topic"}),
        ("jsons://c4n4ry@[::1/hook", {"jsons", "c4n4ry", "hook"}),
        ("jsons://example.com/hook?+X-Token=abcdef&rto=20", {"hook", "abcdef"}),
    ],
)
def test_the_secrets_of_a_channel(url: str, secrets: set[str]) -> None:
    assert secrets_in(url) == secrets | {url} | (
        {"mailto://bob:p@ssword@example.com:587?smtp=127.0.0.1"} & secrets_in(url)
    )
