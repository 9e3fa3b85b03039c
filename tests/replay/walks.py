"""Random walks as files of prices."""

import random

from tests.replay.playing import START_S


def walk(count: int, seed: int, step: float = 0.02) -> str:
    """Prices in cents, five a second."""
    source = random.Random(seed)
    found, at_s, price = ["time,price"], float(START_S), 100.0
    for _ in range(count):
        at_s += source.uniform(0.1, 0.3)
        price += source.gauss(0, step) + 1e-5 * (100 - price)
        found.append(f"{at_s!r},{round(price, 2)!r}")
    return "\n".join(found)


def quotes(text: str) -> str:
    """A market of bids, and asks two cents above."""
    rows = (line.split(",") for line in text.splitlines()[1:])
    return "\n".join(["time,bid,ask", *(f"{at_s},{bid},{round(float(bid) + 0.02, 2)!r}" for at_s, bid in rows)])


def over_days(days: int, seed: int) -> str:
    """A thousand prices at the beginning of each day."""
    lines = walk(1_000, seed).splitlines()
    rows = [line.split(",") for line in lines[1:]]
    return "\n".join(
        [lines[0], *(f"{float(at_s) + day * 86_400!r},{price}" for day in range(days) for at_s, price in rows)]
    )
