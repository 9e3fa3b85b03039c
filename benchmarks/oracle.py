"""The oracle of W2 and W4: sentences judged at every print from the raw prints of their windows. Slow and plain."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence

EDGE_S = 1e-6
Truth = bool | None
Window = Callable[[float], Sequence[int]]


def truths_by_brute_force(sentence: str, times: Sequence[float], cents: Sequence[int]) -> list[int]:
    """The prints, by number, at which a rule with this sentence about one symbol fires."""
    for pattern, judge in _JUDGES.items():
        found = re.fullmatch(pattern, sentence)
        if found is not None:
            words = [float(word) for word in found.groups()]
            return judge(_History(times, cents), words)
    raise ValueError(f"the oracle does not know: {sentence}")


class _History:
    def __init__(self, times: Sequence[float], cents: Sequence[int]) -> None:
        self.times, self.cents = times, cents

    def window(self, number: int, window_s: float) -> Sequence[int]:
        start = bisect_right(self.times, self.times[number] - window_s + EDGE_S)
        return self.cents[start : number + 1]

    def before(self, number: int, window_s: float) -> int | None:
        start = bisect_right(self.times, self.times[number] - window_s + EDGE_S)
        return self.cents[start - 1] if start else None

    def full(self, number: int, window_s: float) -> bool:
        return self.times[0] <= self.times[number] - window_s + EDGE_S


def _edges(history: _History, truth: Callable[[int], Truth], seen_happening: bool = False) -> list[int]:
    """Where a state turns true after it was known to be false."""
    known: Truth = None
    found = []
    for number in range(len(history.times)):
        now = truth(number)
        if now and (known is False or (known is None and seen_happening)):
            found.append(number)
        known = known if now is None else now
    return found


def _passes(history: _History, side: Callable[[int], int | None]) -> list[int]:
    """Where a side turns from negative to not negative."""
    armed, found = False, []
    for number in range(len(history.times)):
        now = side(number)
        if now is not None:
            if armed and now >= 0:
                found.append(number)
            armed = now < 0
    return found


def _crosses(way: int) -> Callable[[_History, list[float]], list[int]]:
    return lambda h, w: _passes(h, lambda n: way * (h.cents[n] - round(w[0] * 100)))


def _enters(h: _History, w: list[float]) -> list[int]:
    low, high = round(w[0] * 100), round(w[1] * 100)
    return _passes(h, lambda n: 0 if low <= h.cents[n] <= high else -1)


def _moves(h: _History, w: list[float]) -> list[int]:
    def truth(n: int) -> Truth:
        seen, last = h.window(n, w[1]), h.cents[n]
        if last * 100 >= min(seen) * (100 + w[0]) or last * 100 <= max(seen) * (100 - w[0]):
            return True
        return False if h.full(n, w[1]) else None

    return _edges(h, truth, seen_happening=True)


def _means_cross(h: _History, w: list[float]) -> list[int]:
    def side(n: int) -> int | None:
        if not h.full(n, max(w)):
            return None
        short, long = h.window(n, w[0]), h.window(n, w[1])
        return sum(short) * len(long) - sum(long) * len(short)

    return _passes(h, side)


def _outlying(flat: Truth) -> Callable[[_History, list[float]], list[int]]:
    def judge(h: _History, w: list[float]) -> list[int]:
        def truth(n: int) -> Truth:
            seen = h.window(n, w[0])
            count, total = len(seen), sum(seen)
            if count < 2 or not h.full(n, w[0]):
                return None
            spread = sum((count * each - total) ** 2 for each in seen)
            distance = count * h.cents[n] - total
            return (distance > 0 and distance**2 * (count - 1) > 9 * spread) if spread else flat

        return _edges(h, truth)

    return judge


def _wide(h: _History, w: list[float]) -> list[int]:
    def truth(n: int) -> Truth:
        seen = h.window(n, w[0])
        return max(seen) * 100 > 102 * min(seen) if h.full(n, w[0]) else None

    return _edges(h, truth)


def _changes(h: _History, w: list[float]) -> list[int]:
    def truth(n: int) -> Truth:
        before = h.before(n, w[1])
        return None if before is None else h.cents[n] * 100 >= before * (100 + w[0])

    return _edges(h, truth)


_N, _S = r"([\d.]+)", r"\{S\}"
_JUDGES: dict[str, Callable[[_History, list[float]], list[int]]] = {
    f"{_S} crosses above {_N}": _crosses(1),
    f"{_S} crosses below {_N}": _crosses(-1),
    f"{_S} enters {_N} to {_N}": _enters,
    f"{_S} moves {_N}% in {_N}s": _moves,
    f"{_S} changes up {_N}% in {_N}s": _changes,
    rf"sma\({_S}, {_N}s\) crosses above sma\({_S}, {_N}s\)": _means_cross,
    rf"{_S} > sma\({_S}, {_N}s\) \+ 3 \* stdev\({_S}, [\d.]+s\)": _outlying(flat=False),
    rf"zscore\({_S}, {_N}s\) > 3": _outlying(flat=None),
    rf"highest\({_S}, {_N}s\) > 1.02 \* lowest\({_S}, [\d.]+s\)": _wide,
}
