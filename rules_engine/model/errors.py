"""The world failed: socket, IB, disk, messenger."""


class WorldError(Exception):
    """Something outside our control failed. Each subclass says what the engine does next."""


class LinkDown(WorldError):
    """IB cannot be reached or does not answer: nothing is sent, the connection is renewed with backoff."""


class EvidenceIncomplete(WorldError):
    """IB left one of the four questions about our orders unanswered: no sends until a later round is complete."""


class ClientIdInUse(LinkDown):
    """Another program holds our client id (326): retried with backoff, never with another id."""
