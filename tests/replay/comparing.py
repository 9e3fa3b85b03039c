"""Random rules on random prices through both engines."""

import random
from math import inf
from pathlib import Path

from rules_engine.replay.backtest import Backtest
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span
from tests.replay.playing import START_S, Played, recordings
from tests.replay.sentences import Sentences


def compare(seed: int, folder: Path, **kind: bool) -> int:
    """Random rules on random prices: firings, what is held back and why, values, orders, fills and every figure of the
    summary. How many firings there were."""
    source = random.Random(seed)
    sentences = Sentences(source, **kind)
    text, loaded, plans = sentences.rules()
    names = {one.name for plan in plans for one in plan.reads | plan.orders_in}
    written = sentences.prices(source.choice((20, 100, 300)))
    files = {name: text for name, text in written.items() if name in names}
    if not files:
        return 0
    ends = (START_S + 31.0, START_S + 90.0, inf)
    span = Span() if source.random() < 0.6 else Span(float(START_S + source.randrange(30)), source.choice(ends))
    request = Request(plans, loaded.instruments, recordings(folder, files), span, sentences.assumptions())
    expected = Played(Backtest(request, "streaming"))
    found = Played(Backtest(request, "columns", slice_rows=source.choice((1, 7, 50, 1 << 20))))
    assert found.outcomes == expected.outcomes, f"seed {seed}\n{text}"
    assert repr(found.summary) == repr(expected.summary), f"seed {seed}\n{text}"
    return len(expected.firings)
