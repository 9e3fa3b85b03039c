"""The channels of the settings -> what is wrong with them."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from rules_engine.notifying.courier import load_service

ALLOWED = frozenset(
    {"tgram", "mailto", "mailtos", "ntfy", "ntfys", "discord", "slack", "pover", "gotify", "gotifys", "matrix"}
    | {"matrixs", "mmost", "mmosts", "msteams", "signal", "signals", "twilio", "pbul", "json", "jsons"}
)
"""Services that reach people. Apprise knows 255 schemas, some of which run or read things on this machine."""


def check_channels(channels: Mapping[str, str], *, allow_private: bool = False) -> tuple[str, ...]:
    """What is wrong with each channel's URL, in words that do not quote it; empty when all is well.

    A webhook may go to this machine or, encrypted, to a public host; ``allow_private`` lets it go to the local network.
    """
    found = ((name, _fault(url, allow_private)) for name, url in channels.items())
    return tuple(f"channel '{name}': {fault}" for name, fault in found if fault)


def _fault(url: str, allow_private: bool) -> str:
    schema = url.partition("://")[0].lower()
    if schema not in ALLOWED:
        return f"this is not a URL of an allowed service; write one of {', '.join(sorted(ALLOWED))}, then '://'"
    if schema in ("json", "jsons") and (fault := _webhook_fault(url, schema, allow_private)):
        return fault
    if len(load_service(url)) != 1:
        return f"Apprise does not understand this {schema}:// URL (one URL a channel)"
    return ""


def _webhook_fault(url: str, schema: str, allow_private: bool) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return "the webhook's host cannot be read"
    address = _address(host)
    if address is not None and address.is_loopback:
        return ""
    if address is not None and not address.is_global and not allow_private:
        return "a webhook may not go to an address of the local network"
    if schema == "json" and not allow_private:
        return "a webhook leaves this machine only encrypted: write 'jsons://'"
    return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that the host spells; None for a name, which is the owner's word."""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None
