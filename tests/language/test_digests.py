"""Digests are kept on disk: the quick way to them gives what the obvious one gives."""

import hashlib
from dataclasses import fields

import pytest

from rules_engine.model.rule import Rule
from tests.language.written import rule

PLAIN = "when: V > 200\ndo: buy 100 MA\n"
UNSAID = {"place", "run_place", "digest", "when_digest", "cases", "spelled"}


def written_out(one: Rule) -> str:
    """Every key spelled, whether it was written or not."""
    rest = {field.name: repr(getattr(one, field.name)) for field in fields(one) if field.name not in UNSAID}
    if one.active is not None:
        rest["active"] = repr((sorted(one.active.days), one.active.start, one.active.end))
    text = f"{[case.when for case in one.cases]!r}{[case.actions for case in one.cases]!r}{rest!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        PLAIN + "cooldown: 15m\nonce: true\nat_most: 3 per day",
        PLAIN + "clears_when: V < 190\nonly_if: MA > 500\ncancel_when: V crosses below 150",
        PLAIN + "active: {days: 'fri-mon, wed', hours: 22:00-02:00}\nexpires: 2030-12-18 16:00",
        PLAIN + "if_already_true: refuse\non_gap: keep\nif_missed: act within 5m\nstale_after: 30s\nenabled: false",
        PLAIN + "if_missed: act within 1m\nif_already_true: wait\non_gap: backfill\nenabled: true\nrun: auto",
        PLAIN + 'notify: [phone, desk]\nmessage: "{rule}: it\'s {wide}"\nlet: {wide: V - MA}\nrun: at broker',
        "when: sma(V, 20) > 3\nbars: 15m\ndo: [buy 1 MA, notify phone]",
        "cases: [{when: V > 200, do: buy 1 MA}, {when: V < 100, do: [sell 1 MA at limit V.ask, notify phone]}]",
    ],
)
def test_a_digest_is_that_of_every_key_spelled_out(body: str) -> None:
    one = rule(body)
    assert one.digest == written_out(one)
    assert one.when_digest == hashlib.sha256(repr([case.when for case in one.cases]).encode()).hexdigest()[:32]


def test_a_digest_on_disk_stays_that_of_the_same_rule() -> None:
    """What an older engine wrote down is compared with what this one reads: another digest is another rule."""
    one = rule(PLAIN + "cooldown: 15m")
    assert (one.digest, one.when_digest) == (
        "9902be0e64dbe4a70f6fa9c9677d1f5c",
        "34fecf75abbf758839ab1bd41e4aa557",
    )
