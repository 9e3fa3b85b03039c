"""Lengths of time as people write them: `90s`, `5m`, `1h30m`."""

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def spell_duration(seconds: float) -> str:
    """The shortest spelling in our language: 5400 is `1h30m`. Fractions of a second stay decimal."""
    rest = seconds
    words = []
    for unit, size_s in _UNITS[:-1]:
        count, rest = divmod(rest, size_s)
        if count:
            words.append(f"{count:g}{unit}")
    if rest or not words:
        words.append(f"{rest:g}s")
    return "".join(words)
