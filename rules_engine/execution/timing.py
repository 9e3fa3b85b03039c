"""How long the order protocol waits, and how often it looks again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Deadlines and pauses of the order protocol."""

    probe_s: float = 1.0
    ack_s: float = 10.0
    evidence_s: float = 10.0
    """For which nothing of IB's answers may fail to come; very long lists may take longer all in all."""
    settle_s: float = 15.0
    """How long an order must be absent from complete evidence before we call it lost."""
    recheck_s: float = 60.0
    """Between rounds while an order's fate is in doubt; otherwise ``audit_s``."""
    audit_s: float = 900.0
    remind_s: float = 900.0
    partial_s: float = 5.0
    """How long the first fills of an order are gathered before they are told."""
    partial_again_s: float = 60.0
    backoff_s: float = 1.0
    backoff_max_s: float = 30.0
    poll_s: float = 0.25
    """While the client's queue is not empty, or an order waits for a price."""
