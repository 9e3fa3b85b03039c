"""What is written for one pair of a shape serves all pairs of that shape: the same text, with other leaves."""

import random
import re
from pathlib import Path
from textwrap import dedent

from rules_engine.evaluation.ranges import Value, written
from rules_engine.evaluation.shapes import shape_of
from rules_engine.model.expression import Reading
from rules_engine.model.judging import Earlier
from tests.evaluation.sentences import expression
from tests.evaluation.test_guard import PAIRS

DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0013-comparisons-looked-at-together.md"


def pairs_of(chance: random.Random, texts: list[tuple[str, str]]) -> list[tuple[Value, Value]]:
    """The same sentences about other numbers and lengths; a few coincide."""
    numbers = {number: chance.choice([2, 3, 7, 20, 60]) for number in range(100)}

    def other(text: str) -> Value:
        return expression(re.sub(r"\b(\d+)(?:\.\d+)?", lambda found: str(numbers[int(found[1]) % 100]), text))

    found: list[tuple[Value, Value]] = [(other(left), other(right)) for left, right in texts]
    if chance.random() < 0.3:
        of = expression("V")
        assert isinstance(of, Reading)
        found.append((of, Earlier(of, chance.choice([5.0, 9.0]), 1.02, chance.choice([0.0, 1.02]))))
    return found


def test_pairs_of_one_shape_are_written_alike_and_read_their_own_leaves() -> None:
    texts, alike = dict[object, object](), 0
    for seed in range(600):
        chance = random.Random(seed)
        pairs = pairs_of(chance, chance.sample(PAIRS, chance.choice([1, 2])))
        shape, text = shape_of(pairs, True), written(pairs, True)
        mine = (text.source, [shape.leaves.index(part) for part in text.given])
        alike += shape in texts
        assert texts.setdefault(shape, mine) == mine, pairs
    assert alike > 100


def test_what_coincides_is_another_shape() -> None:
    one, other = (
        shape_of([(expression("V"), expression(f"sma(V, 10s) + {number} * stdev(V, {length}s)"))], True)
        for number, length in ((3, 10), (3, 20))
    )
    assert one != other
    assert one == shape_of([(expression("V"), expression("sma(V, 4m) + 2 * stdev(V, 4m)"))], True)
    assert one != shape_of(one.pairs, False)


def test_the_decision_shows_what_is_written() -> None:
    source = written([(expression("V"), expression("sma(V, 5m)"))], True).source
    functions = dedent(source.split("\n", 1)[1])
    shown = re.findall(r"```text\n(.*?)```", DECISION.read_text(), re.DOTALL)
    assert len(shown) == 2
    assert all(lines in functions for lines in shown)
