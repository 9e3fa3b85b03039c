"""An engine that fails tells by the channels that still work, without its journal."""

import pytest

from rules_engine.daemon.last_words import last_words
from rules_engine.execution.database import JournalFailed
from tests.daemon.house import House


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (JournalFailed("the journal failed: database or disk is full"), "the journal failed: database or disk is full"),
        (AssertionError("tgram://123456:secret/1"), "A part of it failed: AssertionError"),
    ],
)
async def test_it_says_what_failed_to_every_channel_that_takes_it(house: House, error: Exception, said: str) -> None:
    channels = {"dead": "json://127.0.0.1:1/", **house.settings.channels}
    await last_words(channels, ExceptionGroup("unhandled errors", [ExceptionGroup("in a part", [error])]))
    await house.until(lambda: house.told("Rules engine failed", said), "the message")
    assert not house.told("secret")
