"""What conditions and the words of a rule mean, as tapes."""

import pytest

from tests.evaluation.conftest import Play
from tests.evaluation.tape import Tape, tapes


@pytest.mark.parametrize("tape", list(tapes()), ids=lambda tape: tape.name)
def test_tape(tape: Tape, play: Play) -> None:
    played = play(tape)
    if tape.verdicts:
        assert "".join(played.verdicts) == "".join(tape.verdicts)
    if tape.fires is not None:
        assert played.fires == tape.fires
    assert played.held == tape.held
