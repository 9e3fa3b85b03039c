"""How often a rule has fired, and how often today."""

from math import inf

from rules_engine.model.life import Life
from rules_engine.model.local_time import local_day_span
from rules_engine.model.tolerance import EDGE_S


class Tally:
    """``seq`` counts firings and armings, ``today`` the firings of ``day`` (ISO) in the rule's timezone."""

    __slots__ = ("_timezone", "_until_s", "day", "fired_s", "seq", "today")

    def __init__(self, life: Life, timezone: str) -> None:
        self.seq = life.seq
        self.day, self.today = life.day, life.fired_today
        self.fired_s = life.fired_s
        self._timezone = timezone
        self._until_s = -inf
        """When the day is over, once that was looked up."""

    def add(self, now_s: float) -> None:
        """A firing."""
        if now_s >= self._until_s:
            self._follow(now_s)
        self.today += 1
        self.seq += 1
        self.fired_s = now_s

    def is_ahead(self, now_s: float) -> bool:
        """Whether the newest firing was at that moment or later: the clock was set back since."""
        return self.fired_s is not None and now_s <= self.fired_s + EDGE_S

    def on(self, now_s: float) -> int:
        """Firings on the day of that moment, which is not before the last firing."""
        if now_s >= self._until_s:
            self._follow(now_s)
        return self.today

    def moved_to(self, timezone: str) -> "Tally":
        """The same counts, of days in that timezone."""
        if timezone == self._timezone:
            return self
        life = Life(seq=self.seq, day=self.day, fired_today=self.today, fired_s=self.fired_s)
        return Tally(life, timezone)

    def _follow(self, now_s: float) -> None:
        day, self._until_s = local_day_span(now_s, self._timezone)
        if self.day < day.isoformat():  # A day that comes again, since the clock was set back, is counted on.
            self.day, self.today = day.isoformat(), 0
