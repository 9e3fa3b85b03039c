"""The clock was set: what the journal has in store for later comes when it would have come."""

from collections.abc import Iterable
from dataclasses import replace

from rules_engine.execution.journal import Journal
from rules_engine.model.clock import Clock
from rules_engine.model.life import Life
from rules_engine.model.notice import Notice, NoticeKind


def clock_set(journal: Journal, clock: Clock, channels: Iterable[str], by_s: float) -> None:
    """Moves every due time by ``by_s`` seconds and tells the user. ``clock`` shows the new time."""
    now_s = clock.now_s()
    with journal.transaction():
        journal.intents.shift_expiry(by_s)
        journal.outbox.shift(by_s)
        journal.save_lives({rule: _shifted(life, by_s, now_s) for rule, life in journal.lives().items()})
        known = journal.known
        if known.at_s > now_s:
            journal.put_known(replace(known, at_s=now_s))
        journal.event("", "clock set", {"by_s": round(by_s, 3)})
        journal.tell(Notice(NoticeKind.ALARM, _words(by_s), f"clock set.{now_s:.3f}", now_s, tuple(channels)))


def _shifted(life: Life, by_s: float, now_s: float) -> Life:
    """A cooldown lasts as long as it would have. To the clock, an hour that was left out is a gap; one that comes again
    is none."""
    until_s = None if life.cooldown_until_s is None else life.cooldown_until_s + by_s
    known_s = None if life.known_s is None else min(life.known_s, now_s)
    return replace(life, cooldown_until_s=until_s, known_s=known_s)


def _words(by_s: float) -> str:
    way = "ahead" if by_s > 0 else "back"
    return (
        f"This computer's clock was set {way} by {abs(by_s):.0f} seconds. The rules go on by the new time as after a"
        " restart: nothing fires because of it, and windows fill from IB's history."
    )
