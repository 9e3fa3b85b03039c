"""YAML text into rules, or located problems."""
