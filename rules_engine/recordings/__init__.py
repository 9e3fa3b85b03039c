"""Files of recorded prices (CSV, Parquet) into prints and quotes in order of time, or located problems."""

from rules_engine.recordings.problems import RecordingError
from rules_engine.recordings.recording import Recording, Survey

__all__ = ["Recording", "RecordingError", "Survey"]
