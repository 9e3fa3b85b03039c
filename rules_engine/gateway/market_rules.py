"""Market rules: the price steps of contracts by number. Here each rule has one step, whatever the price."""

_TICKS = {26: 0.01, 32: 0.05, 34: 0.1, 59: 0.005, 67: 0.25, 239: 0.00005, 1250: 1.0}
_RULES = {tick: rule for rule, tick in _TICKS.items()}

# Steps without a number of IB's get one that spells the step.
_SPELLED = 100_000_000
_UNIT = 1e-7


def rule_of_tick(tick: float) -> int:
    """The number of the rule whose step this is."""
    return _RULES.get(tick, _SPELLED + round(tick / _UNIT))


def tick_of_rule(rule: int) -> float | None:
    """The step of a rule, None for a number that no contract has."""
    if rule > _SPELLED:
        return round((rule - _SPELLED) * _UNIT, 7)
    return _TICKS.get(rule)
