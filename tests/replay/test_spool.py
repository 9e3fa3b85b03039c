"""Outcomes of several parts come in order of time, in memory or on a file."""

from tempfile import TemporaryFile

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.model.firing import Firing, HeldBack, Reason
from rules_engine.replay.spool import Outcome, Spool

PART = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=250)


@given(parts=st.lists(PART, min_size=1, max_size=4), held_max=st.sampled_from([0, 150, 10_000]))
def test_those_of_one_instant_come_in_the_order_of_the_parts(
    parts: list[list[tuple[int, bool]]], held_max: int
) -> None:
    outcomes: list[list[Outcome]] = []
    for number, part in enumerate(parts):
        firings = [(Firing(f"r{number}", place, at_s), is_held) for place, (at_s, is_held) in enumerate(sorted(part))]
        outcomes.append([HeldBack(one, Reason.COOLING_DOWN) if is_held else one for one, is_held in firings])
    with TemporaryFile() as file:
        spool = Spool(file, held_max)
        for part in outcomes:
            spool.add(iter(part))
        every = [(one.at_s, number, place) for number, part in enumerate(outcomes) for place, one in enumerate(part)]
        assert list(spool.merged()) == [outcomes[number][place] for _, number, place in sorted(every)]
