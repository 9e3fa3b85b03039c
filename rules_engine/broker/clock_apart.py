"""How far this machine's clock is from IB's, as far as an answer of whole seconds tells."""


def ahead_at_least_s(ib_s: int, asked_s: float, heard_s: float) -> float:
    """Seconds by which our clock is surely ahead of IB's; less than zero where it is behind, and zero where the two may
    agree. IB cut its time to whole seconds, some time between our question and its answer, both by our clock."""
    ahead_s, behind_s = asked_s - (ib_s + 1), ib_s - heard_s
    if ahead_s > 0:
        return ahead_s
    return -behind_s if behind_s > 0 else 0.0
