"""Who is called deaf: a gateway that says nothing while we look, and nobody whose words we have not read yet."""

from dataclasses import dataclass

import pytest

from rules_engine.broker.vigil import ANSWER_LOOKS, ASK_LOOKS, SILENT_LOOKS, Vigil
from rules_engine.model.errors import LinkDown


@dataclass
class Line:
    """What a vigil sees of a connection."""

    packets: int = 0
    is_owed: bool = False
    asked: int = 0

    def ask(self) -> None:
        self.is_owed = True
        self.asked += 1


def _looked(vigil: Vigil, line: Line, looks: int, packets: int = 0) -> None:
    for _ in range(looks):
        line.packets += packets
        vigil.look()


def _owing() -> tuple[Vigil, Line]:
    line = Line()
    vigil = Vigil(line)
    _looked(vigil, line, ASK_LOOKS)
    assert line.is_owed
    return vigil, line


def test_ib_is_asked_once_in_so_many_looks() -> None:
    vigil, line = _owing()
    line.is_owed = False
    _looked(vigil, line, ASK_LOOKS - 1)
    assert line.asked == 1
    _looked(vigil, line, 1)
    assert line.asked == 2


def test_silence_while_an_answer_is_owed_is_deafness() -> None:
    vigil, line = _owing()
    _looked(vigil, line, SILENT_LOOKS - 1)
    with pytest.raises(LinkDown, match="did not answer"):
        vigil.look()


def test_an_answer_that_stands_behind_prices_still_to_be_read_is_waited_for() -> None:
    vigil, line = _owing()
    _looked(vigil, line, ANSWER_LOOKS - 1, packets=1)
    line.is_owed = False
    _looked(vigil, line, 1)


def test_a_gateway_that_tells_prices_and_never_answers_is_given_up_in_the_end() -> None:
    vigil, line = _owing()
    _looked(vigil, line, ANSWER_LOOKS - 1, packets=1)
    with pytest.raises(LinkDown):
        _looked(vigil, line, 1, packets=1)


def test_a_quiet_market_is_no_silence_of_ib() -> None:
    line = Line()
    vigil = Vigil(line)
    for _ in range(10 * ASK_LOOKS):
        vigil.look()
        line.is_owed = False
    line.is_owed = True
    _looked(vigil, line, SILENT_LOOKS - 1)
