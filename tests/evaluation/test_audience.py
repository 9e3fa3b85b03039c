"""Reloads that lay anew only what changed leave every rule hearing what it would hear if all were laid anew."""

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.evaluation.evaluator import Evaluator
from rules_engine.language import Source, load
from rules_engine.model.firing import Firing
from rules_engine.model.instrument import Field
from rules_engine.model.life import Outcome, Replaced
from rules_engine.model.plan import Plan
from rules_engine.model.slices import at_once
from rules_engine.model.tick import Tick
from rules_engine.planning import plan_all

_RULES = (
    "{name: a, when: V > 5, do: buy 1 MA, run: here}",
    "{name: a, when: V > 6, do: buy 1 MA, run: here}",
    "{name: a, when: V > 6, do: buy 2 MA, run: here}",
    "{name: b, when: V crosses above MA, do: buy 1 MA, run: here}",
    "{name: c, when: V.bid < 4, do: buy 1 MA, run: here}",
    "{name: d, when: V moves up 50% in 5s, do: buy 1 MA, run: here}",
    "{name: e, when: MA > 3 for 2s, do: buy 1 MA, run: here}",
    "{name: f, when: V.mid > 5, do: buy 1 MA, run: here}",
    "{name: g, when: no tick from MA for 3s, do: buy 1 MA, run: here}",
    "{name: h, when: MA < 5, do: buy 1 V at limit 5}",
    "{name: i, when: 'sma(V, 5s) > 5', do: buy 1 MA, run: here, clears_when: MA < 4}",
)


class _AllAnew(Evaluator):
    def replace(self, plans: Iterable[Plan], now_s: float) -> Replaced:
        replaced = super().replace(plans, now_s)
        watches = list(self._watches())
        self._audience.leave(watches)
        self._audience.enter(watches)
        return replaced


def _plans(rules: Sequence[str]) -> tuple[Plan, ...]:
    names = {rule.split(",")[0]: rule for rule in rules}
    text = "version: 1\ntimezone: UTC\nrules:\n" + "".join(f"  - {rule}\n" for rule in names.values())
    loaded = load([Source("a.yaml", text.encode())], now_s=0.0)
    assert loaded.ok, loaded.problems
    return plan_all(loaded.rules)[0]


_SETS = st.lists(st.sampled_from(_RULES), min_size=1, max_size=8)
_TICK = st.tuples(
    st.sampled_from(["V", "MA"]), st.sampled_from([Field.LAST, Field.BID, Field.ASK]), st.integers(1, 9), st.just(0)
)
_HELD_ENDED = st.tuples(st.just("h"), st.booleans())


@given(_SETS, st.lists(st.one_of(_TICK, _TICK, _TICK, _SETS, _HELD_ENDED), max_size=60))
def test_only_what_changed_is_laid_anew_and_all_hear_the_same(first: list[str], steps: list[object]) -> None:
    pair = (Evaluator(_plans(first), 0.0), _AllAnew(_plans(first), 0.0))
    heard: tuple[list[Outcome], list[Outcome]] = ([], [])
    rules = first
    for number, step in enumerate(steps):
        now_s = number / 2
        rules = step if isinstance(step, list) else rules
        for evaluator, outcomes in zip(pair, heard, strict=True):
            match step:
                case [*_] if isinstance(step, list):
                    evaluator.replace(_plans(step), now_s)
                case (name, used) if any(rule.startswith("{name: h") for rule in rules):
                    evaluator.held_ended(str(name), bool(used), now_s)
                case (name, Field() as field, value, _):
                    outcomes += evaluator.tick(Tick(str(name), now_s, field, float(str(value))))
            outcomes += evaluator.advance(now_s)
    assert heard[0] == heard[1]
    assert pair[0].status(99.0) == pair[1].status(99.0)


def test_rules_given_and_armed_in_slices_are_rules_given_at_once() -> None:
    plans = _plans(_RULES)
    slowly, quickly = Evaluator((), 0.0), Evaluator(plans, 0.0)
    slices = sum(1 for _ in slowly.giving(plans, {})) + sum(1 for _ in slowly.arming())
    assert slices == 2 * len(plans)
    quickly.advance(0.0)
    assert slowly.status(0.0) == quickly.status(0.0)
    assert slowly.advance(0.0) == ()


def test_what_happens_while_rules_are_armed_arms_the_rest_first() -> None:
    plans = _plans([_RULES[0], _RULES[4]])
    evaluator = Evaluator(plans, 0.0)
    arming = evaluator.arming()
    next(arming)
    evaluator.tick(Tick("V", 1.0, Field.LAST, 4.0))
    assert len(evaluator.tick(Tick("V", 2.0, Field.LAST, 6.0))) == 1
    at_once(arming)
    assert evaluator.tick(Tick("V", 3.0, Field.LAST, 7.0)) == ()


@given(_SETS, st.lists(_TICK, max_size=6), _SETS, st.lists(st.tuples(_TICK, st.integers(0, 2)), max_size=8))
def test_who_is_armed_in_its_turn_fires_like_who_is_armed_at_once(
    first: list[str], before: list[object], second: list[str], meanwhile: list[tuple[object, int]]
) -> None:
    in_turn, at_one_time = Evaluator(_plans(first), 0.0), Evaluator(_plans(first), 0.0)
    heard: tuple[list[Outcome], list[Outcome]] = ([], [])
    steps = [(step, 0) for step in before]
    for evaluator, outcomes in zip((in_turn, at_one_time), heard, strict=True):
        for step, _ in steps:
            outcomes += evaluator.tick(_tick(step, 1.0))
        at_once(evaluator.replacing(_plans(second), lambda: 2.0))
    at_once(at_one_time.arming())
    arming = in_turn.arming()
    for step, slices in meanwhile:
        for _ in range(slices):
            next(arming, None)
        for evaluator, outcomes in zip((in_turn, at_one_time), heard, strict=True):
            outcomes += evaluator.tick(_tick(step, 2.0))
    at_once(arming)
    for now_s in (2.5, 4.5, 9.0):
        for evaluator, outcomes in zip((in_turn, at_one_time), heard, strict=True):
            outcomes += evaluator.tick(Tick("MA", now_s, Field.LAST, now_s))
            outcomes += evaluator.advance(now_s)
    assert sorted(map(repr, heard[0])) == sorted(map(repr, heard[1]))
    assert in_turn.status(99.0) == at_one_time.status(99.0)


def test_a_moment_that_passes_while_rules_are_armed_is_not_missed() -> None:
    plans = _plans([_RULES[0], "{name: noon, when: time is after 12:00, do: buy 1 MA, run: here}"])
    noon_s = 12 * 3600.0
    evaluator = Evaluator((), noon_s - 1)
    at_once(evaluator.replacing(plans, lambda: noon_s - 0.01))
    arming = evaluator.arming()
    next(arming)
    assert evaluator.advance(noon_s + 0.2) == ()
    at_once(arming)
    (fired,) = evaluator.advance(noon_s + 0.3)
    assert isinstance(fired, Firing) and fired.rule == "noon"


def test_what_matures_while_rules_are_armed_is_heard_before_the_print_that_ends_it() -> None:
    evaluator = Evaluator((), 0.0)
    evaluator.tick(Tick("MA", 1.0, Field.LAST, 4.0))
    at_once(evaluator.replacing(_plans([_RULES[0], _RULES[8]]), lambda: 2.0))
    arming = evaluator.arming()
    next(arming)
    assert evaluator.advance(4.5) == ()
    (fired,) = evaluator.tick(Tick("MA", 4.5, Field.LAST, 4.0))
    assert isinstance(fired, Firing) and fired.rule == "g"


def test_only_what_concerns_a_rule_arms_it_out_of_its_turn() -> None:
    plans = _plans([_RULES[0], _RULES[9], _RULES[6]])
    for name, still_to_arm in (("V", 2), ("MA", 0)):
        evaluator = Evaluator((), 0.0)
        at_once(evaluator.replacing(plans, lambda: 1.0))
        arming = evaluator.arming()
        next(arming)
        evaluator.tick(Tick(name, 1.0, Field.LAST, 4.0))
        assert sum(1 for _ in arming) == still_to_arm


def test_an_order_rejected_after_an_edit_does_not_use_up_once_either() -> None:
    rule = "{name: a, when: V > 5, do: buy %d MA, run: here, once: true}"
    evaluator = Evaluator(_plans([rule % 1]), 0.0)
    fired = [len(evaluator.tick(Tick("V", now_s, Field.LAST, value))) for now_s, value in ((1.0, 4.0), (2.0, 6.0))]
    evaluator.replace(_plans([rule % 2]), 3.0)
    evaluator.not_used("a")
    fired += [len(evaluator.tick(Tick("V", now_s, Field.LAST, value))) for now_s, value in ((4.0, 4.0), (5.0, 6.0))]
    assert fired == [0, 1, 0, 1]


def _tick(step: object, now_s: float) -> Tick:
    assert isinstance(step, tuple)
    name, field, value, _ = step
    return Tick(name, now_s, field, float(value))
