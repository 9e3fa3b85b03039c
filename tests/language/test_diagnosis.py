"""What people write first, and the word that they are told to write instead."""

import pytest

from rules_engine.language import parse_action, parse_condition
from rules_engine.model.place import RulesError


@pytest.mark.parametrize(
    ("text", "word", "hint"),
    [
        ("V crosses over 200", "crosses over", "write 'crosses above', 'crosses below' or 'crosses'"),
        ("V croses 200", "croses", "did you mean 'crosses'?"),
        ("V drops 5% in 5m", "drops", "write 'moves down'"),
        ("V equals 200", "equals", "write '=='"),
        ("V = 200", "=", "write '=='"),
        ("V != 200", "!", "write 'not V == 200'"),
        ("V > $200", "$", "write the number alone"),
        ("V within 190 to 200", "within", "write 'is inside'"),
        ("if V > 200", "if", "leave the word out"),
        ("V moves up 5 percent in 5m", "percent", "write '5%'"),
        ("V > 200 AND MA > 3", "AND", "write 'and' in small letters"),
        ("time after 09:45", "after", "write 'is'"),
        ("V > 200 for 30", "30", "write a length of time such as 5m"),
        ("V moves up 5% in", "in", "write a length of time such as 5m"),
        ("no ticks from V for 60s", "ticks", "did you mean 'tick'?"),
    ],
)
def test_conditions(text: str, word: str, hint: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse_condition(text)
    (problem,) = refused.value.problems
    start = problem.place.column - 1
    assert (text[start : start + problem.place.length], problem.hint) == (word, hint)


@pytest.mark.parametrize(
    ("text", "word", "hint"),
    [
        ("purchase 100 MA", "purchase", "write 'buy'"),
        ("BUY 100 MA", "BUY", "write 'buy' in small letters"),
        ("buy 100 shares MA", "shares", "leave the word out"),
        ("sell all MA", "all", "write how many; 'close MA' flattens a position"),
        ("buy 100 MA limit 400", "limit", "write 'at limit'"),
        ("buy 100 MA stop 400", "stop", "write 'at stop'"),
        ("buy 100 MA gtc", "gtc", "write 'good till cancelled'"),
        ("buy 100 MA at 400", "400", "write 'limit', 'market', 'midpoint' or 'stop'"),
        ("notify market", "market", "give the channel another name"),
        ("cancel all", "cancel all", "write 'cancel orders'"),
        ("buy 1,000 MA", ",", "write numbers without ',', and 'and' between conditions"),
    ],
)
def test_actions(text: str, word: str, hint: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse_action(text)
    (problem,) = refused.value.problems
    start = problem.place.column - 1
    assert (text[start : start + problem.place.length], problem.hint) == (word, hint)
