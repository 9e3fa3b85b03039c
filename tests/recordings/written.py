"""Files of prices for tests."""

from pathlib import Path
from zoneinfo import ZoneInfo

from rules_engine.recordings import Recording, Row, merged

NEW_YORK = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")


def recording(folder: Path, text: str | bytes, name: str = "prices.csv", zone: ZoneInfo = UTC) -> Recording:
    """A recording of V with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Recording("V", path, zone)


def rows(*recordings: Recording) -> list[Row]:
    return list(merged(recordings))
