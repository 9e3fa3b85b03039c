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
        "jsons://hooks.example.com/abc",
        "jsons://8.8.8.8/abc",
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
        ("jsons://10.0.0.7/canary", "local_webhooks: true"),
        ("jsons://169.254.169.254/canary", "local_webhooks: true"),
        ("jsons://192.168.1.2/canary", "local_webhooks: true"),
        ("jsons://127.0.0.1:8080/canary", "local_webhooks: true"),
        ("jsons://localhost/canary", "local_webhooks: true"),
        ("jsons://LOCALHOST./canary", "local_webhooks: true"),
        ("jsons://[::1]:8080/canary", "local_webhooks: true"),
        ("jsons://[::ffff:10.0.0.1]/canary", "local_webhooks: true"),
        ("jsons://[fd00::1]/canary", "local_webhooks: true"),
        ("jsons://127.1/canary", "local_webhooks: true"),
        ("jsons://0x7f000001/canary", "local_webhooks: true"),
        ("jsons://2130706433/canary", "local_webhooks: true"),
        ("jsons://0.0.0.0/canary", "local_webhooks: true"),
        ("jsons://printer.local/canary", "local_webhooks: true"),
        ("jsons://db.internal/canary", "local_webhooks: true"),
        ("json://[::1/canary", "host cannot be read"),
        ("ntfys://topic, ntfys://canary", "one URL a channel"),
        (f"tgram://{TOKEN}/7/8", "2 recipients; write a channel for each"),
        ("mailtos://bob:canary@example.com?to=a@example.com,b@example.com", "2 recipients"),
        ("mailtos://bob:canary@example.com?to=a@example.com&cc=b@example.com&bcc=c@example.com", "3 recipients"),
    ],
)
def test_bad_channels(url: str, says: str) -> None:
    [told] = check_channels({"phone": url})
    assert told.startswith("channel 'phone': ")
    assert says in told
    assert "canary" not in told


@pytest.mark.parametrize("host", ["192.168.1.2", "127.0.0.1:8080", "localhost", "[::1]:8080", "printer.local"])
def test_the_owner_may_allow_this_machine_and_the_local_network(host: str) -> None:
    assert check_channels({"desk": f"json://{host}/x"}, local_webhooks=True) == ()


def test_a_webhook_to_the_world_is_encrypted_whatever_the_owner_allows() -> None:
    [told] = check_channels({"desk": "json://example.com/x"}, local_webhooks=True)
    assert "jsons://" in told


def test_each_bad_channel_is_named() -> None:
    told = check_channels({"a": "nonsense", "b": "ntfys://topic", "c": "nonsense"})
    assert [message.partition(":")[0] for message in told] == ["channel 'a'", "channel 'c'"]
