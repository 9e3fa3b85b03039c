"""How rows of the outbox read on a phone."""

import random

import pytest

from rules_engine.notifying.letters import TEXT_LENGTH_MAX, letter, short_key
from rules_engine.notifying.sender import DIGEST_MAX, DIGEST_MIN
from tests.notifying.memory_outbox import Message


@pytest.mark.parametrize(
    ("age_s", "says"),
    [
        (0, ""),
        (59, ""),
        (60, "1m ago: "),
        (3600, "1h ago: "),
        (5430, "1h30m ago: "),
        (3 * 86_400, "3d ago: "),
        (-5, ""),
    ],
)
def test_late_news_says_how_old_it_is(age_s: float, says: str) -> None:
    row = Message(1, "phone", "r", "r: bought 100 MA", key="re1.ab12.x7q.9f3a.7", at_s=1000.0)
    assert letter([row], 1000.0 + age_s) == ("", f"{says}r: bought 100 MA\n#9f3a.7")


@pytest.mark.parametrize("seed", range(20))
def test_a_digest_of_anything_is_short_enough_and_keeps_every_key_and_age(seed: int) -> None:
    dice = random.Random(seed)
    rows = [
        Message(
            number,
            "phone",
            "r",
            "".join(dice.choices("aé€\n <&*😀", k=dice.choice((0, 3, 80, 3000)))),
            title="t" * dice.choice((0, 9, 400)),
            key=f"re1.ab12.x7q.{number:08x}.7.0",
            at_s=float(number),
        )
        for number in range(dice.randint(DIGEST_MIN, DIGEST_MAX))
    ]
    title, text = letter(rows, 86_400.0)
    assert len(text) <= TEXT_LENGTH_MAX and title == f"{len(rows)} messages that were held up"
    assert all(f" {short_key(row.key)}" in text for row in rows)
    assert text.count("1d ago: ") == len(rows)


@pytest.mark.parametrize(
    ("key", "short"),
    [("re1.ab12.x7q.9f3a01bc.7", "#9f3a01bc.7"), ("re1.ab12.x7q.9f3a01bc.7.1", "#9f3a01bc.7.1"), ("odd", "#odd")],
)
def test_short_keys(key: str, short: str) -> None:
    assert short_key(key) == short
