"""Channels that cannot work are problems before anything is sent, in words that quote no secret."""

import pytest

from rules_engine.notifying.channels import check_channels

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawX"


@pytest.mark.parametrize(
    "url",
    [
        f"tgram://{TOKEN}/-100123456",
        "mailto://bob:secret@example.com?smtp=127.0.0.1&from=a@example.com&to=b@example.com",
        "ntfys://topic",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "json://127.0.0.1:8080/",
        "json://localhost:8080/",
        "json://[::1]:8080/",
        "jsons://hooks.example.com/abc",
    ],
)
def test_good_channels(url: str) -> None:
    assert check_channels({"phone": url}) == ()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("tgram://canary/1", "does not understand this tgram://"),
        ("syslog://canary", "not a URL of an allowed service"),
        ("dbus://canary", "not a URL of an allowed service"),
        ("exec:///canary", "not a URL of an allowed service"),
        ("file:///canary", "not a URL of an allowed service"),
        ("https://example.com/canary", "not a URL of an allowed service"),
        ("canary", "not a URL of an allowed service"),
        ("", "not a URL of an allowed service"),
        ("json://example.com/canary", "only encrypted"),
        ("jsons://10.0.0.7/canary", "local network"),
        ("jsons://169.254.169.254/canary", "local network"),
        ("json://192.168.1.2/canary", "local network"),
        ("json://[::1/canary", "host cannot be read"),
        ("ntfys://topic, ntfys://canary", "one URL a channel"),
    ],
)
def test_bad_channels(url: str, says: str) -> None:
    [told] = check_channels({"phone": url})
    assert told.startswith("channel 'phone': ")
    assert says in told
    assert "canary" not in told


def test_the_owner_may_allow_the_local_network() -> None:
    assert check_channels({"desk": "json://192.168.1.2/x"}, allow_private=True) == ()


def test_each_bad_channel_is_named() -> None:
    told = check_channels({"a": "nonsense", "b": "ntfys://topic", "c": "nonsense"})
    assert [message.partition(":")[0] for message in told] == ["channel 'a'", "channel 'c'"]
