"""The minutes of each day around the gateway's restart, in which orders were lost without an answer."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules_engine.model.settings import NightlyRestart


class RestartWindow:
    """Around the same time of each day by the clock of the gateway's zone."""

    def __init__(self, restart: NightlyRestart | None) -> None:
        self._restart = restart

    def end_s(self, now_s: float) -> float | None:
        """When the window that this moment lies in is over; None outside."""
        restart = self._restart
        if restart is None:
            return None
        zone = ZoneInfo(restart.timezone)
        today = datetime.fromtimestamp(now_s, UTC).astimezone(zone).date()
        at = time(restart.hour, restart.minute, tzinfo=zone)
        for day in (today - timedelta(days=1), today, today + timedelta(days=1)):
            restart_s = datetime.combine(day, at).timestamp()
            if restart_s - restart.around_s <= now_s < restart_s + restart.around_s:
                return restart_s + restart.around_s
        return None

    def spell_end(self, end_s: float) -> str:
        """That moment as the gateway's clock shows it: `23:48`."""
        assert self._restart is not None
        return datetime.fromtimestamp(end_s, ZoneInfo(self._restart.timezone)).strftime("%H:%M")
