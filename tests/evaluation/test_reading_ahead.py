"""What only an order reads has a past from the beginning on, and as long as its rule is there."""

from rules_engine.evaluation import Evaluator
from rules_engine.model.action import expressions_of
from rules_engine.model.instrument import Field
from rules_engine.model.plan import Plan
from rules_engine.model.tick import Tick
from tests.replay.playing import loaded_rules


def rules(do: str) -> tuple[Plan, ...]:
    return loaded_rules(f"\nrules:\n  - {{name: one, when: V crosses above 100, do: '{do}'}}\n")[1]


READS = rules("buy 1 V at limit MA.mid + sma(MA, 3s)")
READS_NOTHING = rules("buy 1 V")
PRICE = list(expressions_of(READS[0].rule.cases[0].actions[0]))[1]


def hear(evaluator: Evaluator, first_s: int, last_s: int) -> None:
    for at_s in range(first_s, last_s + 1):
        for field, value in ((Field.BID, 10.0), (Field.ASK, 10.5), (Field.LAST, 10.25)):
            evaluator.tick(Tick("MA", float(at_s), field, value))


def test_the_price_of_the_first_order_is_known() -> None:
    evaluator = Evaluator(READS, 0.0)
    hear(evaluator, 1, 3)
    assert evaluator.read(PRICE) is None
    hear(evaluator, 4, 4)
    assert evaluator.read(PRICE) == 20.5


def test_an_edited_order_knows_from_its_edit_on_and_what_it_no_longer_reads_is_forgotten() -> None:
    evaluator = Evaluator(READS, 0.0)
    hear(evaluator, 1, 9)
    evaluator.replace(READS_NOTHING, 10.0)
    evaluator.replace(READS, 11.0)
    hear(evaluator, 12, 12)
    # The mean knew the prints of before no more.
    assert evaluator.read(PRICE) is None
    hear(evaluator, 13, 14)
    assert evaluator.read(PRICE) == 20.5
