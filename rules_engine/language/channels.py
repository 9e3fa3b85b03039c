"""Names of channels: they exist in the settings, and are no words of the language."""

from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.grammar import reserved_words
from rules_engine.language.nearest import did_you_mean, listed
from rules_engine.language.tree import Node, Scalar
from rules_engine.language.within import place_within


def check_channel(name: str, at: Node, channels: frozenset[str] | None, problems: Collector) -> None:
    """Records what is wrong with a channel's name; ``channels`` None: any name will do."""
    place = at.place
    if isinstance(at, Scalar) and at.text != name:
        start = at.text.rindex(name)
        place = place_within(at, start, start + len(name))
    if name in reserved_words():
        problems.add(place, Code.RESERVED_NAME, f"'{name}' is a word of the language and names no channel", "rename it")
    elif channels is not None and name not in channels:
        known = f"the channels are {listed(sorted(channels), 'and')}" if channels else "config.yaml has no 'channels'"
        problems.add(place, Code.UNKNOWN_CHANNEL, f"there is no channel '{name}'", did_you_mean(name, channels, known))
