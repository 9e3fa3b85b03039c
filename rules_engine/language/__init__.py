"""YAML text into rules and settings, or into located problems."""

from rules_engine.language.load import Loaded, load, read_sources
from rules_engine.language.parse import parse_action, parse_condition, parse_expression
from rules_engine.language.rendering import as_json, mask, merge, render
from rules_engine.language.settings_file import exposed_secrets, load_settings
from rules_engine.language.text import Source

__all__ = [
    "Loaded",
    "Source",
    "as_json",
    "exposed_secrets",
    "load",
    "load_settings",
    "mask",
    "merge",
    "parse_action",
    "parse_condition",
    "parse_expression",
    "read_sources",
    "render",
]
