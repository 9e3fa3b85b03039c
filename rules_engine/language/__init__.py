"""YAML text into rules, or into located problems; `language.settings_file` does the same for settings."""

from rules_engine.language.kept_files import KeptFiles
from rules_engine.language.load import Loaded, load, loading, read_sources
from rules_engine.language.parse import parse_action, parse_condition, parse_expression
from rules_engine.language.rendering import as_json, mask, merge, render
from rules_engine.language.structure import prepare
from rules_engine.language.text import Source

__all__ = [
    "KeptFiles",
    "Loaded",
    "Source",
    "as_json",
    "load",
    "loading",
    "mask",
    "merge",
    "parse_action",
    "parse_condition",
    "parse_expression",
    "prepare",
    "read_sources",
    "render",
]
