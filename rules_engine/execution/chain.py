"""The hash that ties each event of the journal to the one before."""

import hashlib

GENESIS = "0" * 64
"""Stands for the hash before the first event."""


def event_hash(before: str, key: str, at_s: float, kind: str, text: str) -> str:
    """The hash of an event, given that of the event before."""
    return hashlib.sha256("\n".join((before, key, repr(at_s), kind, text)).encode()).hexdigest()
