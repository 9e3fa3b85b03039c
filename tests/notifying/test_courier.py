"""A plugin that stumbles is a failed attempt, never an attempt without an answer."""

import pytest

from rules_engine.notifying.courier import Courier, Fate


@pytest.mark.parametrize("error", [RuntimeError, KeyError, DeprecationWarning], ids=lambda error: error.__name__)
async def test_whatever_a_plugin_raises_the_attempt_is_answered(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def stumble(self: Courier, title: str, text: str) -> None:
        raise error("https://bob:sesame@example.com/")

    monkeypatch.setattr(Courier, "_attempt", stumble)
    delivery = await Courier("json://127.0.0.1:9/", deadline_s=5.0).deliver("title", "text")
    assert (delivery.fate, delivery.error) == (Fate.FAILED, f"Apprise stumbled: {error.__name__}")
