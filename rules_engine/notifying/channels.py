"""The channels of the settings -> what is wrong with them."""

import ipaddress
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rules_engine.notifying.courier import load_service

if TYPE_CHECKING:
    from apprise import NotifyBase

ALLOWED = frozenset(
    {"tgram", "mailto", "mailtos", "ntfy", "ntfys", "discord", "slack", "pover", "gotify", "gotifys", "matrix"}
    | {"matrixs", "mmost", "mmosts", "msteams", "signal", "signals", "twilio", "pbul", "json", "jsons"}
)
"""Services that reach people. Apprise knows 255 schemas, some of which run or read things on this machine."""


def check_channels(channels: Mapping[str, str], *, local_webhooks: bool = False) -> tuple[str, ...]:
    """What is wrong with each channel's URL, in words that do not quote it; empty when all is well.

    A webhook goes, encrypted, to a public host; ``local_webhooks`` lets it go to this machine and the local network.
    """
    found = ((name, _fault(url, local_webhooks)) for name, url in channels.items())
    return tuple(f"channel '{name}': {fault}" for name, fault in found if fault)


def _fault(url: str, local_webhooks: bool) -> str:
    schema = url.partition("://")[0].lower()
    if schema not in ALLOWED:
        return f"this is not a URL of an allowed service; write one of {', '.join(sorted(ALLOWED))}, then '://'"
    if schema in ("json", "jsons") and (fault := _webhook_fault(url, schema, local_webhooks)):
        return fault
    plugins = list(load_service(url))
    if len(plugins) != 1:
        return f"Apprise does not understand this {schema}:// URL (one URL a channel)"
    # Apprise does not say which of several took a message: while one does not, the others are told again and again.
    if (recipients := _recipients(plugins[0])) > 1:
        return f"this {schema}:// URL has {recipients} recipients; write a channel for each"
    return ""


def _recipients(plugin: "NotifyBase") -> int:
    """Those of the copies of a mail among them."""
    return len(plugin) + sum(len(getattr(plugin, copies, ())) for copies in ("cc", "bcc"))


def _webhook_fault(url: str, schema: str, local_webhooks: bool) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return "the webhook's host cannot be read"
    if _is_local(host):
        words = "a webhook to this machine or the local network needs 'local_webhooks: true' in the settings"
        return "" if local_webhooks else words
    return "a webhook leaves this machine only encrypted: write 'jsons://'" if schema == "json" else ""


def _is_local(host: str) -> bool:
    """Whether the host is an address that is not public, however it is spelled, or a name that is never public."""
    name = host.rstrip(".").lower()
    if name in ("localhost", "") or name.endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa")):
        return True
    address = _address(name)
    return address is not None and not address.is_global


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that the host spells, None for a name. Resolvers read `127.1`, `0x7f000001` and `2130706433` too."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(name))
        except (OSError, ValueError):
            return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
