"""Prints as columns: at which of them a rule must be judged, and windows that are read from the columns."""
